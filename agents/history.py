"""History to count beside the kept facts: records of a file or of a topic, made into records of `customer-events`."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from agents.connection_faults import no_broker_answers
from agents.kafka_clients import aiokafka_options
from agents.record_files import read_records
from agents.topics import BrokerUnreachable, connect_admin
from agents.transport.stopping import stop_consumer
from config.settings import Settings
from streams.facts.models import RawRecord

AT_ONCE = 5000


def file_digest(path: str) -> str:
    """A short hash of a file's bytes. Raises: OSError."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_file(path: str, topic: str) -> Iterator[list[RawRecord]]:
    """The lines of a file as records of a topic. Raises: UnreadableFile."""
    yield from read_records(path, topic, batch=AT_ONCE)


@dataclass(frozen=True, slots=True)
class TopicRecords:
    """The records of a topic by partition, and the offset after the last of each."""

    partitions: list[list[RawRecord]]
    ends: list[int]


Take = Callable[[int, Sequence[RawRecord]], None]
"""Is given the next records of a partition."""


def of_topic(
    settings: Settings, topic: str, since_ms: int | None = None, partitions: int | None = None
) -> TopicRecords:
    """All records of a topic at once; otherwise as `through_topic`. Raises: BrokerUnreachable."""
    records: dict[int, list[RawRecord]] = {}
    ends = through_topic(
        settings, topic, lambda number, found: records.setdefault(number, []).extend(found), since_ms, partitions
    )
    return TopicRecords([records.get(number, []) for number in range(len(ends))], ends)


def through_topic(
    settings: Settings, topic: str, take: Take, since_ms: int | None = None, partitions: int | None = None
) -> list[int]:
    """Go through all records of a topic, up to its ends at this moment, which are the answer, by partition.

    Args:
        topic: its full name.
        take: is given the records as they are read, those of each partition in their order.
        since_ms: from the first record appended then or later, milliseconds; None: from the beginning.
        partitions: that it must have; None: as many as it has.
    Raises: BrokerUnreachable, also when the topic is not there or has another number of partitions.
    """
    count = partitions_of(settings, topic)
    if partitions not in (None, count):
        raise BrokerUnreachable(f"{topic} has {count} partitions, and {partitions} are expected")
    try:
        return asyncio.run(_read(settings, topic, take, since_ms, count))
    except KafkaConnectionError as error:
        raise BrokerUnreachable(no_broker_answers(settings)) from error
    except KafkaError as error:
        raise BrokerUnreachable(f"topic {topic} cannot be read: {error or type(error).__name__}") from error


def partitions_of(settings: Settings, topic: str) -> int:
    """How many partitions a topic has. Raises: BrokerUnreachable, also when it is not there."""
    admin = connect_admin(settings)
    try:
        found = [one for one in admin.describe_topics([topic]) if not one["error_code"]]
    finally:
        admin.close()
    if not found:
        raise BrokerUnreachable(f"there is no topic {topic}, or this user may not see it; give its full name")
    return len(found[0]["partitions"])


async def _read(settings: Settings, topic: str, take: Take, since_ms: int | None, count: int) -> list[int]:
    consumer: Any = AIOKafkaConsumer(
        **aiokafka_options(settings), enable_auto_commit=False, auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20,
    )
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(count)]
        consumer.assign(places)
        starts, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        if since_ms is not None:
            found = await consumer.offsets_for_times(dict.fromkeys(places, since_ms))
            starts = {place: ends[place] if at is None else at.offset for place, at in found.items()}
        for place in places:
            consumer.seek(place, starts[place])
        left = [place for place in places if ends[place] > starts[place]]
        while left:
            for place, fetched in (await consumer.getmany(*left, timeout_ms=500, max_records=AT_ONCE)).items():
                take(place.partition, [
                    RawRecord(
                        record.value, record.key, topic, record.partition, record.offset, record.timestamp,
                        tuple(record.headers),
                    )
                    for record in fetched
                    if record.offset < ends[place]
                ])
            left = [place for place in left if await consumer.position(place) < ends[place]]
        return [ends[place] for place in places]
    finally:
        await stop_consumer(consumer)
