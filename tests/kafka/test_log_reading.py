"""Recovery reads logs to their end, whatever was cut, compacted or aborted in them."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from agents.transport.failure import RecoveryFailed
from agents.transport.log_reading import ReadingProgress, read_to_end
from tests.kafka.broker import KafkaCluster

pytestmark = pytest.mark.kafka


async def _read(
    broker: str, topic: str, partitions: int
) -> tuple[dict[int, list[bytes]], dict[int, ReadingProgress]]:
    values: dict[int, list[bytes]] = {partition: [] for partition in range(partitions)}
    done: dict[int, ReadingProgress] = {}
    reading = read_to_end(
        {"bootstrap_servers": broker}, topic, range(partitions), expected_partitions=partitions, max_records=100,
        fetch_bytes=1024 * 1024, stall=30.0, on_progress=lambda progress: None,
    )
    async for progress, records in reading:
        values[progress.partition] += [record.value for record in records]
        if progress.done and not records:
            done[progress.partition] = progress
    return values, done


def test_every_partition_comes_to_its_end(kafka: KafkaCluster, prefix: str) -> None:
    """0: plain; 1: never written; 2: emptied by retention; 3: its start gone, its end an aborted transaction."""
    topic = f"{prefix}changelog"
    admin = KafkaAdminClient(bootstrap_servers=kafka.address)
    admin.create_topics([NewTopic(topic, 4, 1)])

    async def fill() -> None:
        client: dict[str, Any] = {"bootstrap_servers": kafka.address}
        plain = AIOKafkaProducer(**client)
        await plain.start()
        for number in range(500):
            for partition in (0, 2, 3):
                await plain.send(topic, str(number).encode(), partition=partition)
        await plain.stop()
        transactional = AIOKafkaProducer(**client, transactional_id=f"{prefix}writer")
        await transactional.start()
        await transactional.begin_transaction()
        await transactional.send(topic, b"aborted", partition=3)
        await transactional.abort_transaction()
        await transactional.stop()

    async def marker_is_written() -> None:
        """The coordinator answers the abort before its marker lies in the log."""
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka.address)
        await consumer.start()
        aborted = TopicPartition(topic, 3)
        while (await consumer.end_offsets([aborted]))[aborted] < 502:
            await asyncio.sleep(0.1)
        await consumer.stop()

    asyncio.run(fill())
    asyncio.run(asyncio.wait_for(marker_is_written(), 60))
    admin.delete_records({TopicPartition(topic, 2): 500, TopicPartition(topic, 3): 300})
    admin.close()
    values, done = asyncio.run(_read(kafka.address, topic, 4))
    assert sorted(done) == [0, 1, 2, 3]
    assert values[0] == [str(number).encode() for number in range(500)]
    assert values[1] == values[2] == []
    # Read uncommitted, as records of an idempotent producer are; an abort marker is no record.
    assert values[3] == [str(number).encode() for number in range(300, 500)] + [b"aborted"]
    assert (done[3].start, done[3].end, done[3].records) == (300, 502, 201)
    assert done[0].bytes == sum(len(value) for value in values[0])


def test_one_partition_after_the_other(kafka: KafkaCluster, prefix: str) -> None:
    """What is needed only until a partition's state is made is then needed of one partition at a time."""
    topic = f"{prefix}changelog"
    admin = KafkaAdminClient(bootstrap_servers=kafka.address)
    admin.create_topics([NewTopic(topic, 4, 1)])
    admin.close()

    async def fill_and_read() -> list[tuple[int, bool]]:
        producer = AIOKafkaProducer(bootstrap_servers=kafka.address)
        await producer.start()
        for number in range(2000):
            await producer.send(topic, bytes(1000), partition=number % 4)
        await producer.stop()
        reading = read_to_end(
            {"bootstrap_servers": kafka.address}, topic, (2, 0, 3, 1), expected_partitions=4, max_records=1000,
            fetch_bytes=100_000, stall=30.0, on_progress=lambda progress: None,
        )
        return [(progress.partition, not records) async for progress, records in reading]

    chunks = asyncio.run(fill_and_read())
    assert [partition for partition, is_end in chunks if is_end] == [2, 0, 3, 1]
    for partition in (2, 0, 3, 1):
        of_one = [number for number, chunk in enumerate(chunks) if chunk[0] == partition]
        assert len(of_one) > 3
        assert of_one == list(range(of_one[0], of_one[-1] + 1))


def test_another_number_of_partitions_is_refused(kafka: KafkaCluster, prefix: str) -> None:
    topic = f"{prefix}changelog"
    admin = KafkaAdminClient(bootstrap_servers=kafka.address)
    admin.create_topics([NewTopic(topic, 4, 1)])
    admin.close()
    with pytest.raises(RecoveryFailed, match="has 4 partitions, and 2 were declared"):
        asyncio.run(_read(kafka.address, topic, 2))
