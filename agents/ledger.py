"""The ledger agent: batches of customer events into the books of their partitions, and flushes out of them.

A batch is applied in memory at once and stays unacknowledged until a flush that holds it has been delivered whole;
then its offset is committed. Whatever goes wrong in between ends the process, and the next owner goes on from the
changelog (docs/exactness.md).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from time import monotonic, time
from typing import Any, Protocol

import faust
from faust.types import TP

from agents.dead_letters import encode_dead_letter
from agents.late_owners import LateOwners
from agents.movement_records import movement_records
from agents.transport import BatchTransport, CannotStart, Changelog, RecordBatch, batch_topic
from agents.wall_clock import wall_clock_us
from config.settings import Settings
from streams.books import Flush, PartitionBooks, PartitionCountChanged
from streams.facts.admission import Admission, AdmittedBatch
from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.ledger.changelog import ChangelogReader, Record, claim
from streams.tables.tables import TableRules
from streams.tables.watermark import ClockRules, PartitionState

logger = logging.getLogger(__name__)

TOPIC = "customer-events"
CHANGELOG = "ledger-changelog"
PREFIXES = "NETGROWTH_TOPIC_PREFIX and NETGROWTH_GROUP_PREFIX"
SLOW_FLUSH_S = 2.0

SWEEPS, SWEPT_AT_ONCE = 4, 500
"""Customers of a partition looked at with each tick of the clock: whether facts can be let go, whether they can rest.

Looking at all takes about a millisecond, and so does putting to rest as many as count the same."""

FLUSH_AT = 25_000
"""Records applied and not yet flushed at which a flush begins before its time; reading goes on meanwhile."""

MOST_UNFLUSHED = 75_000
"""Records applied and not yet flushed at which reading waits: a flush has to be delivered within the deadline."""


class HoleInInput(Exception):
    """Records between the state and the next batch never arrived: going on would lose them unseen."""


class OtherDefinitions(CannotStart):
    """The state was counted under other definitions: numbers of two agreements must not be mixed."""


class OtherPartitions(CannotStart):
    """The state was counted on another number of partitions: customers would have two ledgers."""


class UnreadableState(CannotStart):
    """The changelog holds what this version cannot read: going on would count from nothing."""


class Watcher(Protocol):
    """What is told of batches and flushes, once each; for metrics."""

    def batch_read(self, batch: RecordBatch, admitted: AdmittedBatch, now_us: int) -> None:
        """A batch was applied."""

    def flushed(self, seconds: float, records: int, size: int) -> None:
        """A flush was delivered."""


class LedgerAgent:
    """The books of the partitions that this worker owns now."""

    def __init__(
        self, app: faust.App, settings: Settings, definitions: Definitions, table_rules: TableRules,
        clock_rules: ClockRules, watchers: Sequence[Watcher], topic: str | None = None,
        on_delivered: Callable[[int, Flush], Awaitable[None]] | None = None,
    ) -> None:
        """Make an agent that owns nothing yet.

        Args:
            topic: full name of the input topic, by default that of the settings.
            on_delivered: told of each flush of a partition once all of it is on the broker.
        """
        self.books: dict[int, PartitionBooks] = {}
        self.definitions = definitions
        self._watchers = watchers
        self._on_delivered = on_delivered
        self.lost_to_retention = 0
        self._app = app
        self._settings = settings
        self._table_rules = table_rules
        self._clock_rules = clock_rules
        self._admission = Admission(
            definitions, now_us=wall_clock_us, partitions=settings.partitions, check_keys=True,
            max_bytes=settings.max_record_bytes,
        )
        self.topic = topic or settings.topic(TOPIC)
        self._readers: dict[int, ChangelogReader] = {}
        self._epochs: dict[int, int] = {}
        self._applied: dict[int, list[Any]] = {}
        self._unflushed = 0
        self._flushing = asyncio.Lock()
        self._flush_wanted = asyncio.Event()
        transport: BatchTransport = app.transport
        self._transport = transport
        self._late_owners = LateOwners(settings, transport.delivery_deadline)
        transport.on_quiesce(self.flush)
        self._changelog = Changelog(
            app, settings.topic(CHANGELOG), settings.partitions, self._restore, self._reset,
            sources=[self.topic], begin=self._claim, ready=self._ready,
        )
        self._attach(batch_topic(app, self.topic, settings.partitions))

    def _attach(self, batches: Any) -> None:
        @self._app.agent(batches, name="ledger")
        async def ledger(stream: Any) -> None:
            async for event in stream.noack().events():
                self.apply(event)
                if self._unflushed >= MOST_UNFLUSHED:
                    await self.flush()
                elif self._unflushed >= FLUSH_AT:
                    self._flush_wanted.set()

    def apply(self, event: Any) -> None:
        """Apply one batch in memory.

        Raises: HoleInInput; and anything unexpected, which ends the process.
        """
        batch: RecordBatch = event.value
        books = self.books.get(batch.partition)
        if books is None:
            raise HoleInInput(f"{batch!r} came for a partition whose state is not here")
        expected = books.next_offset or 0
        if expected < batch.follows:
            raise HoleInInput(
                f"{batch!r} follows {batch.follows}, the state stands at {expected}: the group's offsets and the "
                f"state in {self._settings.topic(CHANGELOG)} do not belong together; set the group's offset of the "
                f"partition to {expected}, or count anew under another {PREFIXES}"
            )
        records = [
            RawRecord(
                record.value, record.key, record.topic, record.partition, record.offset, record.timestamp,
                tuple(record.headers),
            )
            for record in batch.records
            if record.offset >= expected
        ]
        self._unflushed += len(records)
        if records:
            admitted = books.apply(records, batch.last_offset + 1)
            now = wall_clock_us()
            for watcher in self._watchers:
                watcher.batch_read(batch, admitted, now)
        elif expected <= batch.last_offset:
            books.next_offset = batch.last_offset + 1
        batch.release()
        self._applied.setdefault(batch.partition, []).append(event)

    async def advance(self, clock: int | None) -> None:
        """Let fall due what is due by the clock of the tables, and note which partitions are read to their end."""
        now = wall_clock_us()
        at_end = {
            status.partition
            for status in self._transport.status()
            if status.topic == self.topic and status.lag == 0 and not status.recovering
        }
        for number, books in list(self.books.items()):
            await asyncio.sleep(0)
            if self.books.get(number) is not books:
                continue
            if number in at_end:
                books.watermark.reach_end(now)
            books.advance(clock)
            for _ in range(SWEEPS):
                await asyncio.sleep(0)
                if self.books.get(number) is books:
                    books.ledger.sweep(SWEPT_AT_ONCE)

    async def wait_for_flush(self, seconds: float) -> None:
        """Wait until a flush is due: so long, or until many records wait for one."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._flush_wanted.wait(), seconds)

    async def flush(self) -> None:
        """Write what changed, wait until it is delivered, then acknowledge the batches that are in it."""
        async with self._flushing:
            started = monotonic()
            await self._late_owners.tell(self.books)
            barrier, now = self._transport.barrier, wall_clock_us()
            sources: list[TP] = []
            events: list[Any] = []
            later: list[tuple[TP, int, list[Record]]] = []
            records = size = self._unflushed = 0
            self._flush_wanted.clear()
            flushes: list[tuple[int, Flush]] = []
            for number, books in list(self.books.items()):
                # What is applied meanwhile to the other partitions is in their flush, or in the next one.
                await asyncio.sleep(0)
                if self.books.get(number) is not books:
                    continue
                flush = books.flush(now)
                events.extend(self._applied.pop(number, ()))
                if flush is None:
                    continue
                source = TP(self.topic, number)
                sources.append(source)
                flushes.append((number, flush))
                letters = [encode_dead_letter(letter) for letter in flush.dead_letters]
                ended = None if flush.ended is None else (flush.ended.epoch, flush.ended.flush)
                movements = list(movement_records(
                    number, books.next_offset or 0, flush.changes, epoch=flush.epoch, flush=flush.number, ended=ended,
                ))  # fmt: skip
                outputs = (("dead-letters", letters), ("movements", movements), ("scope-parts", flush.parts))
                for topic, lines in outputs:
                    barrier.send_many(source, self._settings.topic(topic), number, lines)
                for lines in (letters, movements, flush.parts, flush.changelog):
                    records += len(lines)
                    size += sum(len(value or b"") for _, value in lines)
                if letters or movements:
                    later.append((source, number, flush.changelog))
                else:
                    barrier.send_many(source, self._settings.topic(CHANGELOG), number, flush.changelog)
            if later:
                # Once the changelog has the flush, nobody derives its letters and movements again.
                await barrier.delivered(*(source for source, _, _ in later))
                for source, number, lines in later:
                    barrier.send_many(source, self._settings.topic(CHANGELOG), number, lines)
            if sources:
                await barrier.delivered(*sources)
                seconds = monotonic() - started
                for watcher in self._watchers:
                    watcher.flushed(seconds, records, size)
                if seconds > SLOW_FLUSH_S:
                    logger.warning("A flush of %d records, %d bytes took %.1f s", records, size, seconds)
            for event in events:
                event.ack()
            if events:
                self._transport.request_commit()
            if self._on_delivered is not None:
                for number, flush in flushes:
                    await self._on_delivered(number, flush)

    def states(self) -> Iterator[tuple[int, PartitionState]]:
        """The time of each owned partition, newer than what was last told to the others."""
        now = wall_clock_us()
        for number, books in self.books.items():
            yield number, books.watermark.state(now)

    @property
    def has_unwritten(self) -> bool:
        """Whether anything waits for the next flush, or for the end of one."""
        return self._flushing.locked() or any(books.has_unwritten for books in self.books.values())

    def owned(self) -> set[int]:
        """Partitions that are assigned and recovered now, and that nobody else can have been given."""
        return set(self.books) if self._transport.is_member else set()

    # Recovery

    def _reset(self, partition: int) -> None:
        self.books.pop(partition, None)
        self._applied.pop(partition, None)
        self._readers[partition] = ChangelogReader()

    async def _claim(self, partition: int) -> None:
        epoch = int(time() * 1000)
        self._epochs[partition] = epoch
        source = TP(self.topic, partition)
        key, value = claim(epoch)
        barrier = self._transport.barrier
        self._late_owners.watch(barrier, partition)
        barrier.send(source, self._settings.topic(CHANGELOG), partition, key, value)
        await barrier.delivered(source)

    def _restore(self, partition: int, records: Any) -> None:
        self._readers[partition].feed(records)

    async def _ready(self, partition: int) -> None:
        reader = self._readers.pop(partition)
        reader.finish()
        if reader.damaged:
            raise UnreadableState(
                f"{reader.damaged} records of {self._settings.topic(CHANGELOG)}-{partition} cannot be read; they "
                f"come from another version of netgrowth: run that version, or count anew under another {PREFIXES}"
            )
        saved, mine = reader.progress, (self.definitions.name, self.definitions.version)
        if saved is not None and saved.definitions != mine:
            raise OtherDefinitions(
                f"partition {partition} of {self.topic} was counted under the definitions "
                f"{' '.join(saved.definitions)}, and these are {' '.join(mine)}: start the worker with the file of "
                "those (NETGROWTH_DEFINITIONS or --definitions), or count from the beginning under another "
                f"{PREFIXES}"
            )
        epoch = self._epochs[partition]
        if reader.epoch > epoch:
            epoch = reader.epoch + 1
            source = TP(self.topic, partition)
            key, value = claim(epoch)
            self._transport.barrier.send(source, self._settings.topic(CHANGELOG), partition, key, value)
        books = PartitionBooks(
            partition, self._settings.partitions, self.definitions, self._admission, self._table_rules,
            self._clock_rules,
        )
        try:
            books.restore(reader, epoch)
        except PartitionCountChanged as error:
            raise OtherPartitions(f"partition {partition} of {self.topic}: {error}") from error
        await self._skip_what_is_gone(books)
        self.books[partition] = books
        logger.info(
            "Partition %d: %d customers, next offset %s", partition, books.ledger.known, books.next_offset
        )


    async def _skip_what_is_gone(self, books: PartitionBooks) -> None:
        """Go on where the topic begins if retention has taken away records that are not in the state."""
        source = TP(self.topic, books.partition)
        earliest = (await self._app.consumer.earliest_offsets(source))[source]
        stands_at = books.next_offset or 0
        if earliest > stands_at:
            if books.next_offset is not None:
                self.lost_to_retention += earliest - stands_at
                logger.error(
                    "%s-%d: records %d to %d left the topic before they were counted (retention)",
                    self.topic, books.partition, stands_at, earliest - 1,
                )
            books.next_offset = earliest


async def every(seconds: float, work: Callable[[], Awaitable[None]], *, share: float = 1.0) -> None:
    """Do the work again and again, `seconds` after its end, until cancelled; at most a `share` of the time."""
    while True:
        started = monotonic()
        await work()
        took = monotonic() - started
        await asyncio.sleep(max(seconds, took / share - took))
