"""An agent that keeps state per source partition, exact under crashes: the base of every stateful stage.

A batch is applied in memory at once and stays unacknowledged until a flush that holds it has been delivered whole;
then its offset is committed. Whatever goes wrong in between ends the process, and the next owner goes on from the
changelog (docs/exactness.md). What a stage keeps, and what a flush of it writes, its subclass says.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from time import monotonic, time
from typing import Any, ClassVar, Generic, TypeVar

import faust
from faust.types import TP

from agents.late_owners import LateOwners
from agents.partition_state import (
    OTHER_DEFINITIONS,
    HoleInInput,
    OtherDefinitions,
    OtherPartitions,
    Output,
    PartitionState,
    UnreadableState,
    Watcher,
)
from agents.transport import BatchTransport, Changelog, RecordBatch, batch_topic
from agents.transport.barrier import KeyValue
from agents.wall_clock import wall_clock_us
from config.settings import Settings
from streams.facts.models import RawRecord
from streams.ledger.changelog import ChangelogReader, burials, claim

logger = logging.getLogger(__name__)

PREFIXES = "NETGROWTH_TOPIC_PREFIX and NETGROWTH_GROUP_PREFIX"
SLOW_FLUSH_S = 2.0

LONGEST_REST_S = 10.0
"""Between two goes of work that may take a share of the time only: what it writes is no older than that."""

FLUSH_AT = 25_000
"""Records applied and not yet flushed at which a flush begins before its time; reading goes on meanwhile."""

MOST_UNFLUSHED = 75_000
"""Records applied and not yet flushed at which reading waits: a flush has to be delivered within the deadline."""


F = TypeVar("F")
S = TypeVar("S", bound=PartitionState[Any])


class PartitionStage(Generic[S, F]):
    """The state of the source partitions that this worker owns now.

    Attributes:
        partitions: state by partition, of those that are recovered.
        shows: whether what is counted here is to be shown and written for others now (`agents.editions`).
        lost_to_retention: records that left the topic before they were counted.
        expected_partitions: that the input must have.
    """

    feed: ClassVar[str]
    """Input topic, without prefix."""
    changelog: ClassVar[str]
    """Changelog topic, without prefix, with as many partitions as the input."""
    parts: ClassVar[str | None] = None
    """Compacted topic between the stages, if there is one: late owners are looked for in it, too."""
    one_partition: ClassVar[bool] = False
    """The input has one partition, whatever the settings say of the others."""

    def __init__(
        self, app: faust.App, settings: Settings, definitions: tuple[str, str], watchers: Sequence[Watcher],
        topic: str | None = None, on_delivered: Callable[[int, F], Awaitable[None]] | None = None,
    ) -> None:
        """Make an agent that owns nothing yet.

        Args:
            definitions: name and version; state of others is refused.
            topic: full name of the input topic, by default `feed` with the settings' prefix.
            on_delivered: told of each flush of a partition once all of it is on the broker.
        """
        self.partitions: dict[int, S] = {}
        self.shows: Callable[[], bool] = lambda: True
        self.lost_to_retention = 0
        self.topic = topic or settings.topic(self.feed)
        self.expected_partitions = 1 if self.one_partition else settings.partitions
        self._app = app
        self._settings = settings
        self._named = definitions
        self._watchers = watchers
        self._on_delivered = on_delivered
        self._readers: dict[int, ChangelogReader] = {}
        self._epochs: dict[int, int] = {}
        self._applied: dict[int, list[Any]] = {}
        self._unflushed = 0
        self._flushing = asyncio.Lock()
        self._flush_wanted = asyncio.Event()
        transport: BatchTransport = app.transport
        self._transport = transport
        self._late_owners = LateOwners(settings, transport.delivery_deadline, self.changelog, self.parts)
        transport.on_quiesce(self.flush)
        self._changelog = Changelog(
            app, settings.topic(self.changelog), self.expected_partitions, self._restore, self._reset,
            sources=[self.topic], begin=self._claim, ready=self._ready,
        )
        self._attach(batch_topic(app, self.topic, self.expected_partitions))

    def new_state(self, partition: int) -> S:
        """Fresh state of a partition."""
        raise NotImplementedError

    def restoring(self, state: S, reader: ChangelogReader, epoch: int) -> Iterator[None]:
        """Restore a fresh state, in pieces where there is much of it; by default at once."""
        state.restore(reader, epoch)
        return iter(())

    def ahead(self, state: S) -> Iterator[None]:
        """Do in pieces what a flush of this state would do at once; records may be applied between two of them.

        A flush does the rest, whatever that is by then. By default there is nothing to do ahead.
        """
        return iter(())

    def output(self, state: S, flush: F) -> Output:
        """The records of a flush; the state may have gone on since."""
        raise NotImplementedError

    def _attach(self, batches: Any) -> None:
        async def stage(stream: Any) -> None:
            async for event in stream.noack().events():
                self.apply(event)
                if self._unflushed >= MOST_UNFLUSHED:
                    await self.flush()
                elif self._unflushed >= FLUSH_AT:
                    self._flush_wanted.set()

        self._app.agent(batches, name=self.feed)(stage)

    def apply(self, event: Any) -> None:
        """Apply one batch in memory.

        Raises: HoleInInput; and anything unexpected, which ends the process.
        """
        batch: RecordBatch = event.value
        state = self.partitions.get(batch.partition)
        if state is None:
            raise HoleInInput(f"{batch!r} came for a partition whose state is not here")
        expected = state.next_offset or 0
        if expected < batch.follows:
            raise HoleInInput(
                f"{batch!r} follows {batch.follows}, the state stands at {expected}: the group's offsets and the "
                f"state in {self._settings.topic(self.changelog)} do not belong together; set the group's offset of "
                f"the partition to {expected}, or count anew under another {PREFIXES}"
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
            admitted = state.apply(records, batch.last_offset + 1)
            now = wall_clock_us()
            for watcher in self._watchers:
                watcher.batch_read(self.feed, batch, admitted, now)
        elif expected <= batch.last_offset:
            state.next_offset = batch.last_offset + 1
        batch.release()
        self._applied.setdefault(batch.partition, []).append(event)

    def at_end(self) -> dict[int, int | None]:
        """Owned partitions that are read to their end, and where that is; None while records wait to be applied."""
        return {
            status.partition: None if status.records_in_flight else status.position
            for status in self._transport.status()
            if status.topic == self.topic and status.lag == 0 and not status.recovering
        }

    async def wait_for_flush(self, seconds: float) -> None:
        """Wait until a flush is due: so long, or until many records wait for one."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._flush_wanted.wait(), seconds)

    async def flush(self) -> None:
        """Write what changed, wait until it is delivered, then acknowledge the batches that are in it."""
        async with self._flushing:
            started = monotonic()
            await self._late_owners.tell(self.partitions, self._bury)
            barrier, now = self._transport.barrier, wall_clock_us()
            sources: list[TP] = []
            events: list[Any] = []
            later: list[tuple[TP, int, Sequence[KeyValue]]] = []
            is_racing = self._lag() > FLUSH_AT
            records = size = self._unflushed = 0
            self._flush_wanted.clear()
            flushes: list[tuple[int, F]] = []
            for number, state in list(self.partitions.items()):
                # What is applied meanwhile to the other partitions is in their flush, or in the next one.
                await asyncio.sleep(0)
                if not is_racing:  # else nobody waits for one record, and what is done ahead may be done twice
                    await self._do_ahead(number, state)
                if self.partitions.get(number) is not state:
                    continue
                flush: F | None = state.flush(now)
                events.extend(self._applied.pop(number, ()))
                if flush is None:
                    continue
                source = TP(self.topic, number)
                sources.append(source)
                flushes.append((number, flush))
                await asyncio.sleep(0)  # the flush is what it is, whatever is applied from here on
                output = self.output(state, flush)
                for topic, lines in (*output.once, *output.again):
                    await asyncio.sleep(0)
                    barrier.send_many(source, self._settings.topic(topic), number, lines)
                    records += len(lines)
                    size += sum(len(value or b"") for _, value in lines)
                for record in output.elsewhere:
                    target = self._settings.topic(record.topic)
                    barrier.send(source, target, record.partition, record.key, record.value, record.headers)
                    records += 1
                    size += len(record.value)
                records += len(output.changelog)
                size += sum(len(value or b"") for _, value in output.changelog)
                if output.elsewhere or any(lines for _, lines in output.once):
                    later.append((source, number, output.changelog))
                else:
                    barrier.send_many(source, self._settings.topic(self.changelog), number, output.changelog)
            if later:
                # Once the changelog has the flush, nobody derives what is written once again.
                await barrier.delivered(*(source for source, _, _ in later))
                for source, number, lines in later:
                    barrier.send_many(source, self._settings.topic(self.changelog), number, lines)
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
                for number, delivered in flushes:
                    await self._on_delivered(number, delivered)

    async def _do_ahead(self, number: int, state: S) -> None:
        ahead, started = self.ahead(state), monotonic()
        while self.partitions.get(number) is state and next(ahead, self) is None:
            # A record comes by several turns of the event loop: it is to find the loop free half of the time.
            await asyncio.sleep(monotonic() - started)
            started = monotonic()

    def _lag(self) -> int:
        return sum(status.lag or 0 for status in self._transport.status() if status.topic == self.topic)

    @property
    def has_unwritten(self) -> bool:
        """Whether anything waits for the next flush, or for the end of one."""
        return self._flushing.locked() or any(state.has_unwritten for state in self.partitions.values())

    def held(self) -> set[int]:
        """Partitions that are assigned and recovered now, and that nobody else of the group can have been given."""
        return set(self.partitions) if self._transport.is_member else set()

    def owned(self) -> set[int]:
        """Of these, those that this worker speaks for; none while another edition is in force."""
        return self.held() if self.shows() else set()

    # Recovery

    def _reset(self, partition: int) -> None:
        self.partitions.pop(partition, None)
        self._applied.pop(partition, None)
        self._readers[partition] = ChangelogReader()

    async def _claim(self, partition: int) -> None:
        epoch = int(time() * 1000)
        self._epochs[partition] = epoch
        source = TP(self.topic, partition)
        key, value = claim(epoch)
        barrier = self._transport.barrier
        self._late_owners.watch(barrier, partition)
        barrier.send(source, self._settings.topic(self.changelog), partition, key, value)
        await barrier.delivered(source)

    def _restore(self, partition: int, records: Any) -> None:
        self._readers[partition].feed(records)

    async def _ready(self, partition: int) -> None:
        reader = self._readers.pop(partition)
        reader.finish()
        if reader.damaged:
            raise UnreadableState(
                f"{reader.damaged} records of {self._settings.topic(self.changelog)}-{partition} cannot be read; "
                "they come from another version of netgrowth: run that version, or count anew under another "
                f"{PREFIXES}"
            )
        saved = reader.progress
        if saved is not None and saved.definitions != self._named:
            raise OtherDefinitions(
                f"partition {partition} of {self.topic} was counted under the definitions "
                f"{' '.join(saved.definitions)}, and these are {' '.join(self._named)}: {OTHER_DEFINITIONS}"
            )
        epoch = self._epochs[partition]
        if reader.epoch > epoch:
            epoch = reader.epoch + 1
            source = TP(self.topic, partition)
            key, value = claim(epoch)
            self._transport.barrier.send(source, self._settings.topic(self.changelog), partition, key, value)
        if saved is not None and saved.partitions != self.expected_partitions:
            raise OtherPartitions(
                f"partition {partition} of {self.topic}: the state was counted on {saved.partitions} partitions and "
                f"the topic has {self.expected_partitions}; restore the topic, or count it anew under another "
                f"{PREFIXES}"
            )
        state = self.new_state(partition)
        for _ in self.restoring(state, reader, epoch):
            await asyncio.sleep(0)
        self._bury(partition, reader.dead)
        await self._skip_what_is_gone(state)
        self.partitions[partition] = state
        self.recovered(state)

    def _bury(self, partition: int, keys: Iterable[bytes]) -> None:
        """These keys have no value; what a late owner wrote under them is not to outlive their deletion."""
        records = burials(keys)
        if records:
            source, topic = TP(self.topic, partition), self._settings.topic(self.changelog)
            self._transport.barrier.send_many(source, topic, partition, records)

    def recovered(self, state: S) -> None:
        """A partition's state is complete; its input flows from now on."""
        logger.info("%s-%d: next offset %s", self.topic, state.partition, state.next_offset)

    async def _skip_what_is_gone(self, state: S) -> None:
        """Go on where the topic begins if retention has taken away records that are not in the state."""
        source = TP(self.topic, state.partition)
        earliest = (await self._app.consumer.earliest_offsets(source))[source]
        stands_at = state.next_offset or 0
        if earliest > stands_at:
            if state.next_offset is not None:
                self.lost_to_retention += earliest - stands_at
                logger.error(
                    "%s-%d: records %d to %d left the topic before they were counted (retention)",
                    self.topic, state.partition, stands_at, earliest - 1,
                )
            state.next_offset = earliest


async def every(
    seconds: float, work: Callable[[], Awaitable[None]], *, until: Callable[[], bool], share: float = 1.0,
    spent: Callable[[], float] = monotonic,
) -> None:
    """Do the work again and again, `seconds` after its end, at most a `share` of the time.

    Work that gives others their turn takes the longer the busier they are: it rests `LONGEST_REST_S` at most.

    Args:
        spent: the clock of what the work takes. That of this thread's processor (`time.thread_time`) runs in the
            turns of others, too, but not while other processes of a busy machine have the processor: work that was
            held up by them need not rest for it.

    It ends when it is cancelled, or when `until` holds: a wait that is over in the moment it is cancelled may swallow
    the cancellation, and the process would not end.
    """
    while not until():
        started, before = monotonic(), spent()
        await work()
        rest = (spent() - before) / share - (monotonic() - started)
        await asyncio.sleep(max(seconds, min(rest, LONGEST_REST_S)))
