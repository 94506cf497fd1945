"""Following topics: from their beginning to what lay in them when reading began, and on from there."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.kafka_clients import aiokafka_options
from agents.transport.stopping import stop_consumer
from config.settings import Settings

FETCH_BYTES = 8 << 20

ALONE_MS = 500
"""How long the broker holds the question for a partition that is read alone: a record ends the wait at once.

Of several, one that was just read is not asked for until the question for the others is answered.
"""


async def follow(
    settings: Settings, topics: Mapping[str, int], take: Callable[[Sequence[Any]], Awaitable[None]],
    on_complete: Callable[[], Awaitable[None] | None], *, poll_ms: int, records_at_once: int,
) -> None:
    """Hand every record of these topics to `take`, until cancelled.

    Args:
        topics: full name of a topic to the number of its partitions, all of which are read.
        take: given the records that came, of a partition in order; no more are read before it returns.
        on_complete: told once, after `take` was given all that lay in the topics when reading began; what it has to
            do is waited for.
    Raises: aiokafka's errors; the process is to end then.
    """
    wait_ms = max(poll_ms, ALONE_MS) if sum(topics.values()) == 1 else poll_ms
    consumer = AIOKafkaConsumer(
        **aiokafka_options(settings), enable_auto_commit=False, auto_offset_reset="earliest",
        fetch_max_wait_ms=wait_ms, max_partition_fetch_bytes=FETCH_BYTES,
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for topic, count in topics.items() for number in range(count)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        is_complete = False
        while True:
            batches = await consumer.getmany(timeout_ms=poll_ms, max_records=records_at_once)
            await take([record for records in batches.values() for record in records])
            if not is_complete:
                places = [await consumer.position(partition) for partition in partitions]
                is_complete = all(
                    place >= ends[partition] for place, partition in zip(places, partitions, strict=True)
                )
                if is_complete and (doing := on_complete()) is not None:
                    await doing
    finally:
        await stop_consumer(consumer)
