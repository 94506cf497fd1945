"""Where the partitions of an input topic end: asked of the brokers, whoever reads them."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.kafka_clients import aiokafka_options
from agents.transport.stopping import stop_consumer
from config.settings import Settings
from streams.tables.watermark import PartitionState, TablesClock

TIMEOUT_MS = 5_000

Ends = Callable[[Collection[int]], Awaitable[Mapping[int, int]]]
"""Partitions to the offsets after their last records; without those of which no broker tells."""


async def unread(clock: TablesClock, states: Mapping[int, PartitionState], now: int, ends: Ends) -> set[int]:
    """Partitions that were told to be idle and hold more than was read of them, or of which no broker tells that.

    What a worker that died has said last may be long over: its partitions fill until another one reads them. The
    brokers are asked only where the clock would move, and after everything told was taken in: what came before it
    into the other partitions lies there by now.
    """
    idle = {number: state.end for number, state in states.items() if state.idle and state.end is not None}
    if not idle or clock.would_be(states, now) == clock.clock:
        return set()
    told = await ends(idle)
    return {number for number, end in idle.items() if number not in told or told[number] > end}


class InputEnds:
    """Asks with one client of its own for all topics, from the first question on until it is closed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._starting = asyncio.Lock()
        self._consumer: AIOKafkaConsumer | None = None
        self._closed = False

    def of(self, topic: str) -> Ends:
        """Where the partitions of a topic end; `topic`: its full name."""
        return partial(self._ends, topic)

    async def _ends(self, topic: str, partitions: Collection[int]) -> Mapping[int, int]:
        wanted = [TopicPartition(topic, number) for number in partitions]
        try:
            consumer = await self._started()
            ends = {} if consumer is None else await consumer.end_offsets(wanted)
        except (KafkaError, OSError):
            return {}
        return {partition.partition: end for partition, end in ends.items()}

    async def _started(self) -> AIOKafkaConsumer | None:
        async with self._starting:
            if self._consumer is None and not self._closed:
                consumer = AIOKafkaConsumer(
                    **aiokafka_options(self._settings), enable_auto_commit=False, request_timeout_ms=TIMEOUT_MS
                )
                try:
                    await consumer.start()
                except BaseException:
                    await stop_consumer(consumer)
                    raise
                self._consumer = consumer
            return self._consumer

    async def close(self) -> None:
        """Let go of the client; nothing is known of any end from now on."""
        async with self._starting:
            self._closed = True
            consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await stop_consumer(consumer)
