"""Reading the topic `movements` back: what of it can be had, and the movements of a span of event time.

An index in memory says of each block of records which event times are in it, so that a span is read without the rest.
Nothing else is kept: a number is opened from the topic.
"""

import asyncio
import logging
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.kafka_clients import aiokafka_options
from agents.movement_records import MovementBatch, VoidMovements, read_movements
from agents.transport.stopping import stop_consumer
from config.settings import Settings
from streams.drilldown.numbers import CannotOpen
from streams.ledger.movement_lines import MovementLine
from streams.tables.calendar import utc_text
from streams.tables.windows import Span

logger = logging.getLogger(__name__)

BLOCK = 64
"""Records of a partition that share one entry of the index: some 200 bytes."""

RECORDS_AT_ONCE = 200
STALL_S = 15.0
PATIENCE_S = 20.0
"""How long a question waits for the index before it is told how far that is."""

NEVER, EVER = 1 << 62, -(1 << 62)


class NotYet(Exception):
    """The topic is still being read, or cannot be read now; the text says how far it is, or why."""


class _At(msgspec.Struct, gc=False):
    """Of a movement, when it was."""

    at_us: int


class _Times(msgspec.Struct, gc=False):
    """Of a record, what the index needs."""

    movements: list[_At]
    epoch: int = 0
    flush: int = 0
    ended: tuple[int, int] | None = None


_read_times = msgspec.json.Decoder(_Times).decode


@dataclass(slots=True)
class _Block:
    first: int  # offset
    appended_us: int  # of that record
    last: int = 0
    from_us: int = NEVER  # event times of the movements in it
    to_us: int = EVER


@dataclass(slots=True)
class _Lane:
    """One partition of the topic, as far as it is indexed."""

    begins: int = 0
    next: int = 0
    ends: int = 0
    blocks: list[_Block] = field(default_factory=list)
    void: VoidMovements = field(default_factory=VoidMovements)


class MovementsLog:
    """The topic, with one client and one reader at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = settings.topic("movements")
        self._lanes = {number: _Lane() for number in range(settings.partitions)}
        self._consumer: AIOKafkaConsumer | None = None
        self._turn = asyncio.Lock()
        self._indexing: asyncio.Task[None] | None = None

    @property
    def ends(self) -> tuple[int, ...]:
        """Up to where each partition is indexed: as long as this is the same, so is what is found."""
        return tuple(lane.next for lane in self._lanes.values())

    async def catch_up(self) -> None:
        """Index what has come since the last time.

        Raises: NotYet, when that takes long; it goes on meanwhile.
        """
        if self._indexing is None or self._indexing.done():
            self._indexing = asyncio.create_task(self._index())
        try:
            await asyncio.wait_for(asyncio.shield(self._indexing), PATIENCE_S)
        except TimeoutError:
            to_read = sum(lane.ends - lane.begins for lane in self._lanes.values())
            read = sum(max(0, lane.next - lane.begins) for lane in self._lanes.values())
            raise NotYet(
                f"the topic {self._topic} is being read for the first time: {read / max(1, to_read):.0%}; "
                "ask again in a minute"
            ) from None
        except (KafkaError, OSError) as error:
            raise NotYet(f"the topic {self._topic} cannot be read now: {error or type(error).__name__}") from error

    def kept_from(self) -> int:
        """Event time from which on every movement is kept; microseconds, the beginning of all if none was let go."""
        kept = EVER
        for lane in self._lanes.values():
            if lane.begins > 0:
                # What was appended before it may be gone, and that can be of any time before it.
                kept = max(kept, lane.blocks[0].appended_us if lane.blocks else NEVER)
        return kept

    async def within(self, span: Span) -> AsyncIterator[list[MovementLine]]:
        """The movements of all records that count and may hold any of the span, in pieces.

        Raises:
            CannotOpen: not all of them are kept.
            NotYet: they cannot be read now.
        """
        kept = self.kept_from()
        if span.start < kept:
            raise CannotOpen(
                f"this needs every movement from {_text(span.start)} on, and the topic {self._topic} keeps them from "
                f"{_text(kept)}: choose a window that begins after that"
            )
        for number, lane in self._lanes.items():
            wanted = [block for block in lane.blocks if block.from_us < span.end and block.to_us >= span.start]
            async for batch in self._counting(number, wanted):
                yield batch.movements

    async def of_customer(self, partition: int, needle: bytes) -> AsyncIterator[list[MovementLine]]:
        """The movements of all records of a source partition in which these bytes are.

        Raises: NotYet.
        """
        async for batch in self._counting(partition, self._lanes[partition].blocks, needle):
            yield batch.movements

    async def close(self) -> None:
        """Let go of the client."""
        if self._indexing is not None:
            self._indexing.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._indexing
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await stop_consumer(consumer)

    # Reading

    async def _counting(
        self, number: int, blocks: Sequence[_Block], needle: bytes = b""
    ) -> AsyncIterator[MovementBatch]:
        void = self._lanes[number].void
        try:
            for first, end in _ranges(blocks):
                async for records in self._records(number, first, end):
                    for record in records:
                        if record.value is not None and needle in record.value:
                            batch = read_movements(record.value)
                            if void.counts(batch):
                                yield batch
                    await asyncio.sleep(0)
        except (KafkaError, OSError) as error:
            raise NotYet(f"the topic {self._topic} cannot be read now: {error or type(error).__name__}") from error

    async def _index(self) -> None:
        async with self._turn:
            consumer = await self._client()
            partitions = [TopicPartition(self._topic, number) for number in self._lanes]
            begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        for partition in partitions:
            lane = self._lanes[partition.partition]
            lane.begins, lane.ends = begins[partition], ends[partition]
            lane.next = max(lane.next, lane.begins)
            # The first block kept is one whose first record is: of an older one a part may be gone.
            lane.blocks = lane.blocks[bisect_left(lane.blocks, lane.begins, key=lambda block: block.first) :]
        for number, lane in self._lanes.items():
            async for records in self._records(number, lane.next, lane.ends):
                for record in records:
                    self._note(lane, record)
                await asyncio.sleep(0)
            lane.next = max(lane.next, lane.ends)

    def _note(self, lane: _Lane, record: Any) -> None:
        lane.next = record.offset + 1
        if not lane.blocks or record.offset >= lane.blocks[-1].first + BLOCK:
            lane.blocks.append(_Block(record.offset, record.timestamp * 1000))
        block = lane.blocks[-1]
        block.last = record.offset
        try:
            times = _read_times(record.value or b"")
        except msgspec.MsgspecError:
            logger.warning("Record %d of %s is not to be read and was passed over", record.offset, self._topic)
            return
        lane.void.note(times)
        for movement in times.movements:
            block.from_us = min(block.from_us, movement.at_us)
            block.to_us = max(block.to_us, movement.at_us)

    async def _records(self, number: int, first: int, end: int) -> AsyncIterator[Sequence[Any]]:
        """The records of a partition from one offset to another, in pieces; others may read between two pieces."""
        partition, moved = TopicPartition(self._topic, number), monotonic()
        while first < end:
            async with self._turn:
                consumer = await self._client()
                if consumer.assignment() != {partition}:
                    consumer.assign([partition])
                if await consumer.position(partition) != first:
                    consumer.seek(partition, first)
                fetched = await consumer.getmany(partition, timeout_ms=200, max_records=RECORDS_AT_ONCE)
                position = await consumer.position(partition)
            if position > first:
                moved = monotonic()
            elif monotonic() - moved > STALL_S:
                raise OSError(f"partition {number}: nothing came for {STALL_S:g} s")
            first = position
            yield [record for record in fetched.get(partition, ()) if record.offset < end]

    async def _client(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                **aiokafka_options(self._settings), enable_auto_commit=False, auto_offset_reset="earliest",
                fetch_max_wait_ms=50, max_partition_fetch_bytes=8 << 20,
            )  # fmt: skip
            await consumer.start()
            self._consumer = consumer
        return self._consumer


def _ranges(blocks: Sequence[_Block]) -> list[tuple[int, int]]:
    """Offsets [first, end) of blocks, neighbours together."""
    found: list[tuple[int, int]] = []
    for block in blocks:
        if found and block.first - found[-1][1] < BLOCK:
            found[-1] = (found[-1][0], block.last + 1)
        else:
            found.append((block.first, block.last + 1))
    return found


def _text(at: int) -> str:
    return "the beginning" if at == EVER else utc_text(at) if at != NEVER else "now"
