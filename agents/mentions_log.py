"""The mentions that carry a customer's id, read back from the topic `social-mentions`."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.kafka_clients import aiokafka_options
from agents.movements_log import NotYet
from agents.transport.stopping import stop_consumer
from config.settings import Settings
from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.voice.admission import MentionAdmission
from streams.voice.mentions import Mention

MOST_RECORDS = 100_000
"""Newest records that are looked through, of all partitions together: a second or two."""

RECORDS_AT_ONCE = 5000
PATIENCE_S = 20.0


class MentionsLog:
    """The newest mentions, looked through for one customer at a time."""

    def __init__(self, settings: Settings, definitions: Definitions) -> None:
        self._settings = settings
        self._topic = settings.topic("social-mentions")
        self._admission = MentionAdmission(definitions, max_bytes=settings.max_record_bytes)
        self._turn = asyncio.Lock()

    async def of_customer(self, customer_id: str) -> list[Mention]:
        """The mentions with this id among the newest, oldest first, each once. Raises: NotYet."""
        async with self._turn:
            try:
                records = await asyncio.wait_for(self._read(customer_id.encode()), PATIENCE_S)
            except (KafkaError, OSError, TimeoutError) as error:
                raise NotYet(
                    f"the topic {self._topic} cannot be read now: {error or type(error).__name__}"
                ) from error
        found = self._admission.admit(records).mentions
        own = {(one.source, one.mention_id): one for one in found if one.customer_id == customer_id}
        return sorted(own.values(), key=lambda one: one.at)

    async def _read(self, needle: bytes) -> list[RawRecord]:
        """Records that have the id somewhere; an id that JSON writes otherwise than it is has no such record."""
        consumer = AIOKafkaConsumer(
            **aiokafka_options(self._settings), enable_auto_commit=False, auto_offset_reset="earliest",
            fetch_max_wait_ms=50, max_partition_fetch_bytes=4 << 20,
        )  # fmt: skip
        await consumer.start()
        found: list[RawRecord] = []
        try:
            partitions = [TopicPartition(self._topic, number) for number in range(self._settings.partitions)]
            consumer.assign(partitions)
            begins = await consumer.beginning_offsets(partitions)
            ends = await consumer.end_offsets(partitions)
            each = MOST_RECORDS // len(partitions)
            for partition in partitions:
                consumer.seek(partition, max(begins[partition], ends[partition] - each))
            while partitions:
                fetched = await consumer.getmany(*partitions, timeout_ms=200, max_records=RECORDS_AT_ONCE)
                for records in fetched.values():
                    found += [_raw(record) for record in records if record.value and needle in record.value]
                places = [(one, await consumer.position(one)) for one in partitions]
                partitions = [one for one, place in places if place < ends[one]]
        finally:
            await stop_consumer(consumer)
        return found


def _raw(record: Any) -> RawRecord:
    return RawRecord(
        record.value, record.key, record.topic, record.partition, record.offset, record.timestamp,
        tuple(record.headers or ()),
    )
