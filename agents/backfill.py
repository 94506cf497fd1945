"""Building the state of an edition from history: what its workers find as if they had counted it themselves.

Each partition is one flush, which is there whole or not at all; a build that was cut off goes on with the partitions
that are not. The log of editions says when it is done: no worker of the edition runs before that.
"""

from collections.abc import Callable, Sequence
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
from streams.books import PartitionBooks
from streams.editions import Build, Editions, edition_record
from streams.facts.admission import Admission
from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.ledger.changelog import ChangelogReader, claim
from streams.recount import table_rules
from streams.tables.buckets import Retention
from streams.tables.watermark import ClockRules

CHANGELOG = "ledger-changelog"


class CannotBuild(Exception):
    """The edition cannot be built under this name; the text says why and what to do."""


class NotWritten(Exception):
    """The broker did not take a record; building again goes on with what is not there."""


def editions_of(settings: Settings) -> Editions:
    """What the log of editions says now. Raises: BrokerUnreachable."""
    editions = Editions()
    for record in of_topic(settings, settings.topic(EDITIONS), partitions=1).partitions[0]:
        editions.take(record.value)
    return editions


def unfinished(settings: Settings) -> str | None:
    """Why no worker of this edition may run yet; None: it may. Raises: BrokerUnreachable."""
    if not settings.edition:
        return None
    build = editions_of(settings).builds.get(settings.edition)
    if build is None or build.done:
        return None
    return (
        f"the edition {settings.edition} is being built from history since its state is not whole yet; if "
        "`netgrowth backfill` was interrupted, run it again, and start the workers then"
    )


class EditionBuilder:
    """Builds the edition that the settings name."""

    def __init__(self, settings: Settings, definitions: Definitions, source: str) -> None:
        """`source` says from which history: it is built once."""
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

    def build(self, backfill: Backfill, ends: Sequence[int], on_partition: Callable[[int], None]) -> None:
        """Count and write every partition that is not there yet.

        Args:
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
            self._say(done=False)
            logs = of_topic(settings, settings.topic(CHANGELOG), partitions=settings.partitions)
            readers = [_read(log) for log in logs.partitions]
            books = [self._books(number) for number in range(settings.partitions)]
            for of, reader in zip(books, readers, strict=True):
                # A partition that is there already is counted once more for what it hands over to others.
                of.restore(ChangelogReader() if reader.progress is not None else reader, _epoch_after(reader))
            backfill.count(books, ends)
            for number, (of, reader) in enumerate(zip(books, readers, strict=True)):
                if reader.progress is None:
                    self._write_partition(of)
                on_partition(number)
            self._say(done=True)
        finally:
            self._producer.close(timeout=10)

    @property
    def _named(self) -> tuple[str, str]:
        return self._definitions.name, self._definitions.version

    def _has_state(self) -> bool:
        settings = self._settings
        return any(of_topic(settings, settings.topic(CHANGELOG), partitions=settings.partitions).partitions)

    def _say(self, *, done: bool) -> None:
        word = Build(self._settings.edition, self._source, self._named, wall_clock_us(), done)
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

    def _books(self, number: int) -> PartitionBooks:
        settings, definitions = self._settings, self._definitions
        admission = Admission(
            definitions, now_us=wall_clock_us, partitions=settings.partitions, check_keys=True,
            max_bytes=settings.max_record_bytes,
        )
        retention = Retention(settings.keep_minutes_us, settings.keep_hours_us, settings.keep_days_us)
        return PartitionBooks(
            number, settings.partitions, definitions, admission, table_rules(definitions, retention),
            ClockRules(settings.idle_after_us, settings.fresh_us),
        )

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


def _read(log: Sequence[RawRecord]) -> ChangelogReader:
    reader = ChangelogReader()
    reader.feed([(record.key or b"", record.value) for record in log])
    reader.finish()
    return reader


def _epoch_after(reader: ChangelogReader) -> int:
    return max(int(time() * 1000), reader.epoch + 1)
