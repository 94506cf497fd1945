"""Surges, verdicts and actions, read back by every worker, so that any of them can tell."""

import logging
from collections.abc import Callable

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.kafka_clients import aiokafka_options
from config.settings import Settings
from streams.surges.board import SurgeLog

logger = logging.getLogger(__name__)

POLL_MS = 200
RECORDS_AT_ONCE = 500


class SurgeBoard:
    """Reads the three topics until it is cancelled.

    Attributes:
        log: what they hold.
        complete: all that lay in the topics when reading began has been read.
        clock: of the tables, microseconds, asked for; None: not known.
    """

    def __init__(self, settings: Settings, clock: Callable[[], int | None]) -> None:
        self.log = SurgeLog()
        self.complete = False
        self.clock = clock
        self._settings = settings

    async def read(self) -> None:
        """Read until cancelled.

        Raises: aiokafka's errors; the process is to end then.
        """
        names = ("surges", "surge-verdicts", "actions")
        name_of = {self._settings.topic(name): name for name in names}
        consumer = AIOKafkaConsumer(
            **aiokafka_options(self._settings), enable_auto_commit=False, auto_offset_reset="earliest",
            fetch_max_wait_ms=POLL_MS,
        )
        await consumer.start()
        try:
            partitions = [TopicPartition(topic, 0) for topic in name_of]
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            ends = await consumer.end_offsets(partitions)
            while True:
                batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=RECORDS_AT_ONCE)
                for partition, records in batches.items():
                    for record in records:
                        self.take(name_of[partition.topic], record.key, record.value)
                if not self.complete:
                    places = [await consumer.position(partition) for partition in partitions]
                    self.complete = all(
                        place >= ends[partition] for place, partition in zip(places, partitions, strict=True)
                    )
        finally:
            await consumer.stop()

    def take(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        """The next record of a topic, without prefix; one that is not to be read is passed over."""
        try:
            if topic == "surges":
                self.log.take_event(value)
            elif topic == "surge-verdicts":
                self.log.take_verdict(key, value)
            else:
                self.log.take_action(value)
        except (msgspec.MsgspecError, KeyError, TypeError):
            logger.warning("A record of %s is not to be read and was passed over: key %r", topic, (key or b"")[:80])
