"""Building the state of an edition from history: what its workers find as if they had counted it themselves.

Each partition is one flush, which is there whole or not at all; a build that was cut off goes on with the partitions
that are not. The log of editions says when it is done: no worker of the edition runs before that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import time
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from agents.connection_faults import no_broker_answers
from agents.editions import TOPIC as EDITIONS
from agents.editions import edition_name
from agents.history import of_topic
from agents.kafka_clients import kafka_python_options
from agents.ledger import ledger_output
from agents.topics import PACKED_RECORD_BYTES, BrokerUnreachable
from agents.transport.barrier import KeyValue
from agents.wall_clock import wall_clock_us
from config.settings import Settings
from streams.backfill import Backfill
from streams.books import ALIAS, PartitionBooks
from streams.editions import Build, Editions, edition_record
from streams.facts.admission import Admission
from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.ledger.carried import carried_state
from streams.ledger.changelog import ChangelogReader, claim
from streams.ledger.customer import CustomerState, Status
from streams.ledger.rules import MINUTE
from streams.recount import table_rules
from streams.tables.buckets import Retention
from streams.tables.calendar import minute_start, utc_text
from streams.tables.watermark import ClockRules

CHANGELOG = "ledger-changelog"


class CannotBuild(Exception):
    """The edition cannot be built under this name; the text says why and what to do."""


class Unfinished(Exception):
    """The edition is being built: no worker of it may run yet."""


class NotWritten(Exception):
    """The broker did not take a record; building again goes on with what is not there."""


def editions_of(settings: Settings) -> Editions:
    """What the log of editions says now. Raises: BrokerUnreachable."""
    editions = Editions()
    for record in of_topic(settings, settings.topic(EDITIONS), partitions=1).partitions[0]:
        editions.take(record.value)
    return editions


def build_of(settings: Settings) -> Build | None:
    """What was built for this edition; None: it counts from the topics alone.

    Raises: Unfinished, BrokerUnreachable.
    """
    build = editions_of(settings).builds.get(settings.edition)
    if build is not None and not build.done:
        raise Unfinished(
            f"the edition {settings.edition} is being built from history since its state is not whole yet; if "
            "`netgrowth backfill` was interrupted, run it again, and start the workers then"
        )
    return build


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """The customers whom the edition in force had at an instant, by partition, each as it begins a new count."""

    at: int
    customers: list[list[tuple[str, CustomerState]]]


def carry_over(settings: Settings, old: Definitions, new: Definitions, at: int | None = None) -> CarriedOver:
    """Carry over the customers of the edition in force, whose definitions are `old`.

    Args:
        at: the instant; by default the horizon before the newest fact, where all is final.
    Raises: CannotBuild, BrokerUnreachable.
    """
    running = replace(settings, edition=editions_of(settings).in_force)
    logs = of_topic(running, running.topic(CHANGELOG), partitions=running.partitions)
    books = []
    for number, log in enumerate(logs.partitions):
        reader = _read(log)
        _check_carried(reader, old)
        of = fresh_books(running, old, number)
        of.restore(reader, 1)
        books.append(of)
    final_until = max(of.ledger.watermark for of in books) - old.horizon_us
    if at is None:
        at = minute_start(final_until)
    elif at < final_until - MINUTE:
        raise CannotBuild(
            f"the running count no longer knows how it stood at {utc_text(at)}: too much time has passed since this "
            "edition was begun; choose another name"
        )
    rules = old.ledger_rules(), new.ledger_rules()
    customers = []
    for of in books:
        states = ((customer_id, of.ledger.state_at(customer_id, at)) for customer_id in of.ledger.ids())
        customers.append([
            (customer_id, carried_state(state, at, *rules))
            for customer_id, state in states
            if state is not None and state.status != Status.UNKNOWN
        ])
    return CarriedOver(at, customers)


def _check_carried(reader: ChangelogReader, old: Definitions) -> None:
    named = (old.name, old.version)
    if reader.progress is None:
        raise CannotBuild("the edition in force has not counted every partition yet; nothing can be carried over")
    if reader.progress.definitions != named:
        theirs = " ".join(reader.progress.definitions)
        raise CannotBuild(f"the edition in force counts by the definitions {theirs}, the file is {' '.join(named)}")
    if any(key[:1] == ALIAS for key in reader.values):
        raise CannotBuild("links between ids cannot be carried over; count from the beginning, or from a history")


class EditionBuilder:
    """Builds the edition that the settings name."""

    def __init__(self, settings: Settings, definitions: Definitions, source: str) -> None:
        """`source` says from what: it is built once."""
        self._settings = settings
        self._definitions = definitions
        self._source = source
        self._producer: Any = None
        self._failed: list[BaseException] = []

    def is_done(self) -> bool:
        """Whether it was built from this very history before.

        Raises: CannotBuild, BrokerUnreachable.
        """
        edition, editions = self._settings.edition, editions_of(self._settings)
        build = editions.builds.get(edition)
        if build is None:
            if edition == editions.in_force or edition in editions.replaced or self._has_state():
                raise CannotBuild(f"the edition {edition_name(edition)} has counted already; choose another name")
            return False
        if (build.source, build.definitions) != (self._source, self._named):
            raise CannotBuild(
                f"the edition {edition} was built from another history or by other definitions "
                f"({' '.join(build.definitions)}); choose another name"
            )
        return build.done

    def begun_at(self) -> int | None:
        """Where the count begins, if it was begun to be built before. Raises: BrokerUnreachable."""
        build = editions_of(self._settings).builds.get(self._settings.edition)
        return None if build is None else build.counts_from

    def build(
        self, backfill: Backfill, ends: Sequence[int], on_partition: Callable[[int], None],
        carried: CarriedOver | None = None,
    ) -> None:
        """Count and write every partition that is not there yet.

        Args:
            carried: the customers with whom the count begins.
            ends: offset of each partition of `customer-events` at which its workers go on.
            on_partition: told of each partition once it is written.
        Raises: NotWritten, BrokerUnreachable.
        """
        settings = self._settings
        try:
            self._producer = KafkaProducer(
                **kafka_python_options(settings), acks="all", enable_idempotence=True, linger_ms=20,
                batch_size=256 << 10, max_request_size=PACKED_RECORD_BYTES, bootstrap_timeout_ms=10_000,
            )  # fmt: skip
        except (KafkaError, OSError) as error:
            raise BrokerUnreachable(no_broker_answers(settings)) from error
        try:
            counts_from = None if carried is None else carried.at
            self._say(counts_from, done=False)
            logs = of_topic(settings, settings.topic(CHANGELOG), partitions=settings.partitions)
            readers = [_read(log) for log in logs.partitions]
            books = [
                fresh_books(settings, self._definitions, number, counts_from) for number in range(settings.partitions)
            ]
            for of, reader in zip(books, readers, strict=True):
                # A partition that is there already is counted once more for what it hands over to others.
                of.restore(ChangelogReader() if reader.progress is not None else reader, _epoch_after(reader))
            if carried is not None:
                for of, customers in zip(books, carried.customers, strict=True):
                    of.begin(customers, carried.at)
            backfill.count(books, ends)
            for number, (of, reader) in enumerate(zip(books, readers, strict=True)):
                if reader.progress is None:
                    self._write_partition(of)
                on_partition(number)
            self._say(counts_from, done=True)
        finally:
            self._producer.close(timeout=10)

    @property
    def _named(self) -> tuple[str, str]:
        return self._definitions.name, self._definitions.version

    def _has_state(self) -> bool:
        settings = self._settings
        return any(of_topic(settings, settings.topic(CHANGELOG), partitions=settings.partitions).partitions)

    def _say(self, counts_from: int | None, *, done: bool) -> None:
        word = Build(self._settings.edition, self._source, self._named, wall_clock_us(), done, counts_from)
        self._write(EDITIONS, 0, [edition_record(word)])
        self._delivered()

    def _write_partition(self, books: PartitionBooks) -> None:
        number = books.partition
        self._write(CHANGELOG, number, [claim(books.epoch)])
        flush = books.flush(wall_clock_us())
        assert flush is not None
        output = ledger_output(books, flush)
        for topic, lines in (*output.once, *output.again):
            self._write(topic, number, lines)
        self._delivered()
        self._write(CHANGELOG, number, output.changelog)
        self._delivered()

    def _write(self, topic: str, partition: int, lines: Sequence[KeyValue]) -> None:
        name = self._settings.topic(topic)
        try:
            for key, value in lines:
                sent = self._producer.send(name, key=key, value=value, partition=partition)
                sent.add_errback(self._failed.append)
        except KafkaError as error:
            self._failed.append(error)

    def _delivered(self) -> None:
        try:
            self._producer.flush()
        except KafkaError as error:
            self._failed.append(error)
        if self._failed:
            raise NotWritten(f"the broker did not take a record: {self._failed[0]!r}; run the command again")


def fresh_books(
    settings: Settings, definitions: Definitions, number: int, counts_from: int | None = None
) -> PartitionBooks:
    """Books of a partition as its worker would make them."""
    admission = Admission(
        definitions, now_us=wall_clock_us, partitions=settings.partitions, check_keys=True,
        max_bytes=settings.max_record_bytes,
    )
    retention = Retention(settings.keep_minutes_us, settings.keep_hours_us, settings.keep_days_us)
    return PartitionBooks(
        number, settings.partitions, definitions, admission, table_rules(definitions, retention, counts_from),
        ClockRules(settings.idle_after_us, settings.fresh_us),
    )


def _read(log: Sequence[RawRecord]) -> ChangelogReader:
    reader = ChangelogReader()
    reader.feed([(record.key or b"", record.value) for record in log])
    reader.finish()
    return reader


def _epoch_after(reader: ChangelogReader) -> int:
    return max(int(time() * 1000), reader.epoch + 1)
