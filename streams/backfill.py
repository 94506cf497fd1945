"""History and the facts that are still kept, put together in event time, as each partition would have had them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from streams.books import PartitionBooks
from streams.facts.admission import HEARTBEAT, Admission, AdmittedBatch
from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.facts.native import SAME_CUSTOMER
from streams.facts.placement import partition_for
from streams.intake.intake import Intake
from streams.intake.origins import Origins, agreement_of
from streams.intake.rules import CUSTOMER_EVENTS
from streams.ledger.handover_records import handovers_among

BATCH = 2000

Timed = tuple[int, int, RawRecord]
"""Event time, the place in which it was added, and the record, with the partition that it is for."""


class NoHistory(ValueError):
    """Records of an own topic that is none of customers; the text says so."""


class History(Protocol):
    """Keeps records until all are added."""

    def add(self, one: Timed) -> None:
        """Keep a record."""
        ...

    def in_order(self) -> Iterator[Timed]:
        """All of them by event time, then as they were added; they are let go."""
        ...


class HistoryInMemory:
    """Keeps records in a list."""

    def __init__(self) -> None:
        self._records: list[Timed] = []

    def add(self, one: Timed) -> None:
        """Keep a record."""
        self._records.append(one)

    def in_order(self) -> Iterator[Timed]:
        """All of them by event time, then as they were added; they are let go."""
        records, self._records = self._records, []
        records.sort(key=lambda one: one[:2])
        return iter(records)


class Backfill:
    """Records of customers by partition, to be counted in the order of their event times.

    A record that names no time keeps its place behind the one before it. What intake wrote twice is in it once.

    Attributes:
        history: records added as history; `kept`: those of the topic.
        left_out: records of the history that became nothing, by what became of them.
    """

    def __init__(
        self, definitions: Definitions, partitions: int, *, now_us: Callable[[], int] | None = None,
        own_topic: str | None = None, since: int | None = None, history: History | None = None,
    ) -> None:
        """`own_topic`: the history's records are in the words of this one, if the definitions name it; `since`: what
        happened at this instant or before, microseconds, is left out; `history`: keeps the records meanwhile, by
        default in memory.

        Raises: NoHistory.
        """
        self.history = self.kept = 0
        self.left_out: dict[str, int] = {}
        self._partitions = partitions
        self._admission = Admission(definitions, now_us=now_us)
        self._kept_admission = Admission(definitions, now_us=now_us, partitions=partitions, check_keys=True)
        agreement = agreement_of(definitions.name, definitions.version)
        self._origins = [Origins(agreement) for _ in range(partitions)]
        self._records: History = HistoryInMemory() if history is None else history
        self._added = 0
        self._since = since
        self._has_links = False
        self._intake: Intake | None = None
        if own_topic in definitions.own_topics:
            self._intake = Intake(definitions, own_topic, now_us=now_us)
            if self._intake.feed != CUSTOMER_EVENTS:
                feed = self._intake.feed
                raise NoHistory(f"{own_topic} leads to {feed}; only facts of customers can be backfilled")

    def add_history(self, records: Sequence[RawRecord]) -> None:
        """The next records of the history, whatever their keys and partitions are."""
        self.history += len(records)
        if self._intake is not None:
            taken = self._intake.take(records)
            for name, count in taken.outcomes.items():
                if name != "taken":
                    self._leave_out(name, count)
            records = [
                RawRecord(out.value, out.key, records[0].topic, 0, out.offset) for out in taken.outgoing
            ]
        batch = self._admission.admit(records)
        if self._intake is None:
            dropped = (count for name, count in batch.no_fact.items() if name not in (HEARTBEAT, SAME_CUSTOMER))
            self._leave_out("no_fact", sum(dropped))
            self._leave_out("unmapped", batch.unmapped)
            self._leave_out("dead_lettered", len(batch.dead_letters))
        customers = _ids(batch)
        placed: list[int] = []
        for number, record in enumerate(records):
            customer_id = customers.get(number)
            key = None if customer_id is None else customer_id.encode()
            place = 0 if key is None else partition_for(key, self._partitions)
            placed.append(place)
            record.key, record.partition, record.timestamp_ms, record.headers = key, place, None, ()
        self._add(records, batch, placed)

    def add_kept(self, partition: int, records: Sequence[RawRecord]) -> int | None:
        """The next records of a partition of `customer-events`, as they lie there; their smallest event time."""
        self.kept += len(records)
        # What partitions told each other follows from the links, and does again.
        fresh = list(handovers_among(self._origins[partition].fresh(records))[0])
        for record in fresh:
            record.headers = ()
        batch = self._kept_admission.admit(fresh)
        self._add(fresh, batch, [partition] * len(fresh))
        return min((fact.at for fact in batch.facts), default=None)

    def count(self, books: Sequence[PartitionBooks], ends: Sequence[int]) -> None:
        """Apply everything to fresh books, one for each partition; the records are let go with it.

        Args:
            ends: offset of each partition from which on its books are to be gone on with.
        """
        if self._has_links:
            self._count_linked(books, ends)
        else:
            self._count_apart(books, ends)
        for number, (of, end) in enumerate(zip(books, ends, strict=True)):
            of.apply([], end)
            of.advance(of.ledger.watermark)
            of.adopt_origins(self._origins[number].pack())

    def _count_apart(self, books: Sequence[PartitionBooks], ends: Sequence[int]) -> None:
        """Each partition for itself, by batches."""
        waiting: list[list[RawRecord]] = [[] for _ in books]
        for _, _, record in self._records.in_order():
            number = record.partition
            waiting[number].append(record)
            if len(waiting[number]) == BATCH:
                of = books[number]
                of.apply(waiting[number], ends[number])
                of.advance(of.ledger.watermark)
                waiting[number] = []
        for of, batch, end in zip(books, waiting, ends, strict=True):
            if batch:
                of.apply(batch, end)

    def _count_linked(self, books: Sequence[PartitionBooks], ends: Sequence[int]) -> None:
        """All partitions in one order of event time, each told at once what another hands over."""
        for _, _, record in self._records.in_order():
            books[record.partition].apply([record], ends[record.partition])
            waiting = books[record.partition].hand_over()
            while waiting:
                handover = waiting.pop(0)
                there = books[partition_for(handover.customer_id.encode(), len(books))]
                there.take([handover])
                waiting.extend(there.hand_over())

    def _leave_out(self, name: str, count: int) -> None:
        if count:
            self.left_out[name] = self.left_out.get(name, 0) + count

    def _add(self, records: Sequence[RawRecord], batch: AdmittedBatch, places: Sequence[int]) -> None:
        times: dict[int, int] = {}
        for number, fact in zip(batch.fact_records, batch.facts, strict=True):
            times[number] = min(fact.at, times.get(number, fact.at))
        for number, link in batch.links:
            times[number] = min(link.at, times.get(number, link.at))
        self._has_links = self._has_links or bool(batch.links)
        at = 0
        for number, (record, place) in enumerate(zip(records, places, strict=True)):
            at = times.get(number, at)
            if self._since is not None and at <= self._since:
                continue
            record.partition = place
            self._records.add((at, self._added, record))
            self._added += 1


def _ids(batch: AdmittedBatch) -> dict[int, str]:
    """Number of a record to the id that it is of, which is its key: a customer's, or of a link the alias."""
    found = {number: link.silo_id for number, link in batch.links}
    for number, fact in zip(batch.fact_records, batch.facts, strict=True):
        if fact.customer_id:
            found[number] = fact.customer_id
    return found
