"""Partitions of signals and the company's health over them, as workers would keep them, in one process."""

import random
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.facts.placement import partition_for
from streams.health.admission import SignalAdmission
from streams.health.exposure import Loss
from streams.health.live.books import HealthBooks, HealthFlush
from streams.health.live.company import CompanyHealth
from streams.health.live.known import Held, LedgerView, NoView
from streams.ledger.changelog import ChangelogReader, claim
from streams.tables.watermark import ClockRules

CLOCK = ClockRules()


class Base:
    """A ledger made of a mapping."""

    def __init__(self, customers: Mapping[str, Held]) -> None:
        self.customers = dict(customers)
        self.links: dict[str, str] = {}
        self.losses: dict[str, Loss] = {}
        self.version: object = self

    @property
    def has_links(self) -> bool:
        return bool(self.links)

    def loss(self, customer_id: str) -> Loss | None:
        return self.losses.get(customer_id)

    def linked_to(self, customer_id: str) -> str | None:
        return self.links.get(customer_id)

    def find(self, customer_id: str) -> Held | None:
        return self.customers.get(customer_id)


class LiveHealth:
    """Books of every partition, their logs, and the company."""

    def __init__(self, definitions: Definitions, partitions: int = 1, ledger: LedgerView | None = None) -> None:
        self.definitions = definitions
        self.company = CompanyHealth(definitions, partitions, CLOCK)
        self.changelogs: list[list[tuple[bytes, bytes | None]]] = [[] for _ in range(partitions)]
        self.parts: list[list[tuple[bytes, bytes | None]]] = [[] for _ in range(partitions)]
        self.troubles: dict[bytes, bytes | None] = {}
        self._ledger = ledger or NoView()
        self._epoch = 1_700_000_000_000
        self.topics: list[list[RawRecord]] = [[] for _ in range(partitions)]
        self.now = 0
        self.lost: set[str] = set()
        """Of a flush, what a crash keeps from arriving: `changelog`, `troubles`."""
        self.books = [self._fresh(number) for number in range(partitions)]
        for number in range(partitions):
            self._own(number)

    def _fresh(self, number: int) -> HealthBooks:
        admission = SignalAdmission(self.definitions)
        partitions = len(self.changelogs)
        return HealthBooks(
            number, partitions, self.definitions, admission, CLOCK, self._ledger, self.company.needs
        )

    def _own(self, number: int) -> None:
        self._epoch += 1
        self.changelogs[number].append(claim(self._epoch))
        reader = ChangelogReader()
        reader.feed(self.changelogs[number])
        reader.finish()
        self.books[number].restore(reader, self._epoch)

    def crash(self, number: int) -> None:
        """The owner of a partition is gone with what it had not written; another reads on from the changelog."""
        self.books[number] = self._fresh(number)
        self._own(number)
        self._read(number)

    def send(self, documents: Iterable[dict[str, Any]]) -> None:
        """Signals come, and are read."""
        self.put(documents)
        for number in range(len(self.books)):
            self._read(number)

    def put(self, documents: Iterable[dict[str, Any]]) -> None:
        """Signals come, and wait in the topic."""
        for document in documents:
            key = document["customer_id"].encode()
            topic = self.topics[partition_for(key, len(self.books))]
            topic.append(RawRecord(orjson.dumps(document), key, "qos-signals", 0, len(topic)))

    def _read(self, number: int) -> None:
        books, topic = self.books[number], self.topics[number]
        records = topic[books.next_offset or 0 :]
        if records:
            books.apply(records, len(topic))

    def read_on(self) -> None:
        """Read what waits in the topic."""
        for number in range(len(self.books)):
            self._read(number)

    def tick(self) -> None:
        """A second passes: everybody counts and writes, nobody has anything more to read."""
        self.now += 2_000_000
        clock = self.company.advance(self.now)
        for number, books in enumerate(self.books):
            books.watermark.reach_end(self.now)
            books.follow(self.company.troubles(), self.company.complaints, self.company.subsets_asked)
            while books.advance(clock):
                pass
            flush = books.flush(self.now)
            if flush is not None:
                self._deliver(number, flush)
        while self.company.look():
            pass

    def _deliver(self, number: int, flush: HealthFlush) -> None:
        for key, value, headers in flush.handovers:
            topic = self.topics[partition_for(key, len(self.books))]
            topic.append(RawRecord(value, key, "qos-signals", 0, len(topic), None, tuple(headers)))
        if "changelog" not in self.lost:
            self.changelogs[number].extend(flush.changelog)
        self.parts[number].extend(flush.parts)
        for key, value in flush.parts:
            self.company.apply(key, value)
        if "troubles" not in self.lost:
            self.troubles.update(flush.troubles)

    def settle(self) -> None:
        """Until nothing moves any more."""
        for _ in range(4):
            self.tick()

    def in_trouble(self) -> dict[str, dict[str, Any]]:
        """Customers in trouble, as the topic says."""
        return {key.decode(): orjson.loads(value) for key, value in self.troubles.items() if value is not None}


def in_pieces(documents: list[dict[str, Any]], seed: int, most: int = 400) -> list[list[dict[str, Any]]]:
    """The same documents in pieces of chance."""
    chance, pieces, start = random.Random(seed), [], 0
    while start < len(documents):
        end = start + chance.randrange(1, most)
        pieces.append(documents[start:end])
        start = end
    return pieces
