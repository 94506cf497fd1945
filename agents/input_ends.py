"""Where the partitions of an input topic end: asked of the brokers, whoever reads them."""

from collections.abc import Collection, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.kafka_clients import aiokafka_options
from config.settings import Settings

TIMEOUT_MS = 5_000


class InputEnds:
    """Asks with a client of its own from the first question on."""

    def __init__(self, settings: Settings, topic: str) -> None:
        """`topic`: its full name."""
        self._settings = settings
        self._topic = topic
        self._consumer: AIOKafkaConsumer | None = None

    async def __call__(self, partitions: Collection[int]) -> Mapping[int, int]:
        """The offset after the last record of each of these partitions; of none if no broker answers in time."""
        wanted = [TopicPartition(self._topic, number) for number in partitions]
        try:
            if self._consumer is None:
                consumer = AIOKafkaConsumer(
                    **aiokafka_options(self._settings), enable_auto_commit=False, request_timeout_ms=TIMEOUT_MS
                )
                try:
                    await consumer.start()
                except BaseException:
                    await consumer.stop()
                    raise
                self._consumer = consumer
            ends = await self._consumer.end_offsets(wanted)
        except (KafkaError, OSError):
            return {}
        return {partition.partition: end for partition, end in ends.items()}

    async def close(self) -> None:
        """Let go of the client."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()
