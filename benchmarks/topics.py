"""Topics of a benchmark: filled before anything is measured, and taken away afterwards."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from aiokafka import AIOKafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from benchmarks.workload import Arrival

BATCH_BYTES = 512 * 1024
TOLD_EVERY = 10_000


def create_topic(broker: str, name: str, partitions: int, *, compacted: bool = False) -> None:
    """A topic as the product has it: appended times for what is read, compaction for what is state."""
    config = {"cleanup.policy": "compact"} if compacted else {"message.timestamp.type": "LogAppendTime"}
    config["max.message.bytes"] = str(8 << 20)
    admin = KafkaAdminClient(bootstrap_servers=broker)
    try:
        admin.create_topics([NewTopic(name, partitions, 1, topic_configs=config)])
    finally:
        admin.close()


def fill(
    broker: str, topic: str, partitions: int, arrivals: Iterable[Arrival],
    told: Callable[[int], None] = lambda count: None,
) -> int:
    """Make the topic and write the records, in order within each partition; how many there are."""
    create_topic(broker, topic, partitions)
    return write(broker, topic, arrivals, told)


def write(
    broker: str, topic: str, arrivals: Iterable[Arrival], told: Callable[[int], None] = lambda count: None
) -> int:
    """Write the records as fast as it goes, in order within each partition; how many there are."""
    return asyncio.run(_write(broker, topic, arrivals, told))


async def _write(broker: str, topic: str, arrivals: Iterable[Arrival], told: Callable[[int], None]) -> int:
    producer = AIOKafkaProducer(
        bootstrap_servers=broker, max_batch_size=BATCH_BYTES, max_request_size=2 * BATCH_BYTES,
        compression_type="lz4",
    )  # fmt: skip
    await producer.start()
    batches: dict[int, Any] = {}
    sent: list[Any] = []
    count = 0
    try:
        for count, arrival in enumerate(arrivals, 1):
            batch = batches.get(arrival.partition)
            if batch is None:
                batch = batches[arrival.partition] = producer.create_batch()
            if batch.append(key=arrival.key, value=arrival.raw, timestamp=None) is None:
                sent.append(await producer.send_batch(batch, topic, partition=arrival.partition))
                batch = batches[arrival.partition] = producer.create_batch()
                batch.append(key=arrival.key, value=arrival.raw, timestamp=None)
            if not count % TOLD_EVERY:
                told(count)
                await asyncio.sleep(0)
        for partition, batch in batches.items():
            sent.append(await producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*sent)
    finally:
        await producer.stop()
    return count


def delete_topics(broker: str, prefix: str) -> None:
    """Take away every topic whose name begins with the prefix."""
    admin = KafkaAdminClient(bootstrap_servers=broker)
    try:
        names = [name for name in admin.list_topics() if name.startswith(prefix)]
        if names:
            admin.delete_topics(names)
    finally:
        admin.close()
