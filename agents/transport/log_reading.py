"""Reading partitions from their beginning to their end, without a consumer group."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.transport.failure import RecoveryFailed
from agents.transport.records import serialized_size
from agents.transport.stopping import stop_consumer


@dataclass(slots=True)
class ReadingProgress:
    """How far the reading of one partition has come. Offsets, bytes, seconds."""

    partition: int
    start: int
    end: int
    position: int
    records: int = 0
    bytes: int = 0
    seconds: float = 0.0

    @property
    def done(self) -> bool:
        """Everything that was in the log when its end was asked for has been read."""
        return self.position >= self.end


async def read_to_end(
    client: dict[str, Any], topic: str, partitions: Sequence[int], *, expected_partitions: int, max_records: int,
    fetch_bytes: int, stall: float, on_progress: Callable[[ReadingProgress], None],
) -> AsyncIterator[tuple[ReadingProgress, Sequence[Any]]]:
    """Yield chunks of records per partition, and an empty chunk with `done` set when a partition is at its end.

    Partitions are read one after the other, in the order given: what a caller needs only until a partition's state is
    made, it then needs of one partition at a time. The end is what the broker says after all are assigned; it counts
    by position, so compacted, emptied and transactional logs end too. If a log's end moves back (an unclean election)
    the new end counts.

    Raises: RecoveryFailed when the topic has another number of partitions, or nothing came for `stall` seconds.
    """
    consumer = AIOKafkaConsumer(
        **client, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest",
        max_partition_fetch_bytes=fetch_bytes, fetch_max_wait_ms=50,
    )
    await consumer.start()
    try:
        assigned = await _assign(consumer, topic, partitions, expected_partitions)
        began = monotonic()
        for progress in assigned.values():
            on_progress(progress)
        for number, (tp, progress) in enumerate(assigned.items()):
            consumer.resume(tp)
            moved = asked = monotonic()
            while not progress.done:
                records = (await consumer.getmany(tp, timeout_ms=200, max_records=max_records)).get(tp, ())
                position, now = await consumer.position(tp), monotonic()
                if records or position != progress.position:
                    moved = now
                progress.position, progress.seconds = position, now - began
                if records:
                    progress.records += len(records)
                    progress.bytes += serialized_size(records)
                    yield progress, records
                on_progress(progress)
                if now - moved > stall:
                    left = len(assigned) - number
                    raise RecoveryFailed(f"{topic}: nothing came for {stall:g} s; {left} partitions are not done")
                if not progress.done and now - max(moved, asked) > 2.0:
                    asked = now
                    progress.end = min(progress.end, (await consumer.end_offsets([tp]))[tp])
                    on_progress(progress)
                # Restoring is the caller's CPU time; web, timers and commits want their turn.
                await asyncio.sleep(0)
            consumer.pause(tp)
            yield progress, ()
    finally:
        await stop_consumer(consumer)


async def _assign(
    consumer: AIOKafkaConsumer, topic: str, partitions: Sequence[int], expected_partitions: int
) -> dict[TopicPartition, ReadingProgress]:
    tps = [TopicPartition(topic, partition) for partition in partitions]
    try:
        consumer.assign(tps)
        consumer.pause(*tps)
        starts = await consumer.beginning_offsets(tps)
        ends = await consumer.end_offsets(tps)
    except KafkaError as error:
        raise RecoveryFailed(f"{topic}: its offsets could not be read ({error!r}); does the topic exist?") from error
    found = len(consumer.partitions_for_topic(topic) or ())
    if found != expected_partitions:
        raise RecoveryFailed(
            f"{topic} has {found} partitions, and {expected_partitions} were declared: keys would lie elsewhere; "
            "state has to be made anew under another app id and topic"
        )
    progress = {}
    for tp in tps:
        consumer.seek(tp, starts[tp])
        progress[tp] = ReadingProgress(tp.partition, starts[tp], ends[tp], starts[tp])
    return progress


async def read_between(
    client: dict[str, Any], topic: str, partition: int, first: int, end: int, *, stall: float
) -> list[Any]:
    """The records of one partition with offsets in [first, end) that are still there.

    Raises: RecoveryFailed when nothing came for `stall` seconds.
    """
    consumer = AIOKafkaConsumer(**client, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        tp = TopicPartition(topic, partition)
        consumer.assign([tp])
        consumer.seek(tp, first)
        found: list[Any] = []
        moved = monotonic()
        while (position := await consumer.position(tp)) < end:
            found += (await consumer.getmany(tp, timeout_ms=200)).get(tp, ())
            now = monotonic()
            if await consumer.position(tp) > position:
                moved = now
            elif now - moved > stall:
                raise RecoveryFailed(f"{topic}-{partition}: nothing came for {stall:g} s")
        return [record for record in found if record.offset < end]
    finally:
        await stop_consumer(consumer)
