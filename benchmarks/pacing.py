"""Records sent at a fixed rate, each with the instant at which it was handed to the producer."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from benchmarks.workload import Arrival

TICK_S = 0.002


class PacedProducer:
    """Sends as a producer with a linger of one tick would: what fell due in the tick goes out as one batch.

    Attributes:
        sent: instants (seconds since 1970) by partition, in the order of offsets.
        done: whether all is sent.
    """

    def __init__(self, broker: str, topic: str, partitions: int) -> None:
        self._topic = topic
        self._producer = AIOKafkaProducer(bootstrap_servers=broker, acks="all", max_batch_size=512 * 1024)
        self.sent: list[list[float]] = [[] for _ in range(partitions)]
        self.done = False

    async def send(self, arrivals: Sequence[Arrival], rate: float) -> None:
        """Send all of them, `rate` a second."""
        await self._producer.start()
        waiting: set[asyncio.Future[Any]] = set()
        try:
            began, place = time.time(), 0
            while place < len(arrivals):
                due = min(len(arrivals), int((time.time() - began) * rate))
                for future in await self._send_batches(arrivals[place:due]):
                    waiting.add(future)
                    future.add_done_callback(waiting.discard)
                place = due
                await asyncio.sleep(TICK_S)
            await asyncio.gather(*waiting)
        finally:
            await self._producer.stop()
        self.done = True

    async def _send_batches(self, arrivals: Sequence[Arrival]) -> list[Any]:
        batches: dict[int, Any] = {}
        now = time.time()
        for arrival in arrivals:
            batch = batches.get(arrival.partition)
            if batch is None:
                batch = batches[arrival.partition] = self._producer.create_batch()
            if batch.append(key=arrival.key, value=arrival.raw, timestamp=None) is None:
                raise ValueError("a tick holds more than one batch can: the machine is too slow for this rate")
            self.sent[arrival.partition].append(now)
        return [
            await self._producer.send_batch(batch, self._topic, partition=partition)
            for partition, batch in batches.items()
        ]
