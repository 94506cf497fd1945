"""Starting, killing and judging counting workers, for tests of the transport on any broker."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a partition's changelog says in the end, and what its group has committed."""

    o: int
    records: int
    total: int
    committed: int | None


class CountingRun:
    """One topic of numbers, one changelog, and the workers that count them."""

    def __init__(
        self, broker: str, name: str, folder: Path, *, partitions: int = 4, client: dict[str, Any] | None = None
    ) -> None:
        self.broker = broker
        self.app_id = f"{name}-counter"
        self.topic = f"{name}-numbers"
        self.changelog = f"{name}-changelog"
        self.partitions = partitions
        self._folder = folder
        self._client = client or {}
        self._started = 0
        admin = KafkaAdminClient(bootstrap_servers=broker, **self._client)
        admin.create_topics([NewTopic(topic, partitions, 1) for topic in (self.topic, self.changelog)])
        admin.close()

    def start(self, *options: str, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a worker; its log lies in the folder, so that a failed test can show it."""
        self._started += 1
        words = [self.broker, self.app_id, self.topic, self.changelog, str(self.partitions), *options]
        with (self._folder / f"worker-{self._started}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.kafka.counting_worker", *words],
                cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, env=environment,
            )

    def log(self, number: int = 0) -> str:
        """Log of a worker; the newest one's by default."""
        return (self._folder / f"worker-{number or self._started}.log").read_text(errors="replace")

    def fill(self, numbers: Sequence[int]) -> None:
        """Send the numbers, each to the partition of its remainder."""
        asyncio.run(self._fill(numbers))

    async def _fill(self, numbers: Sequence[int]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.broker, linger_ms=20, **self._client)
        await producer.start()
        for number in numbers:
            await producer.send(self.topic, str(number).encode(), partition=number % self.partitions)
        await producer.stop()

    def counted(self) -> dict[int, Counted]:
        """Newest state per partition, by the changelog alone, and the committed offsets."""
        return asyncio.run(self._counted())

    async def _counted(self) -> dict[int, Counted]:
        reader = AIOKafkaConsumer(bootstrap_servers=self.broker, group_id=None, **self._client)
        group = AIOKafkaConsumer(
            bootstrap_servers=self.broker, group_id=self.app_id, enable_auto_commit=False, **self._client
        )
        await reader.start()
        await group.start()
        try:
            tps = [TopicPartition(self.changelog, partition) for partition in range(self.partitions)]
            reader.assign(tps)
            await reader.seek_to_beginning()
            ends = await reader.end_offsets(tps)
            newest: dict[int, dict[str, int]] = {}
            while any([await reader.position(tp) < ends[tp] for tp in tps]):
                for tp, records in (await reader.getmany(timeout_ms=200)).items():
                    newest[tp.partition] = json.loads(records[-1].value)
            return {
                partition: Counted(**state, committed=await group.committed(TopicPartition(self.topic, partition)))
                for partition, state in newest.items()
            }
        finally:
            await reader.stop()
            await group.stop()

    def wait_until_counted(self, numbers: Sequence[int], timeout: float) -> None:
        """Wait until every partition's committed offset is its end, then judge: exact to the last integer."""
        expected = {}
        for partition in range(self.partitions):
            of_partition = [number for number in numbers if number % self.partitions == partition]
            size = len(of_partition)
            expected[partition] = Counted(size, size, sum(of_partition), size)
        deadline = time.monotonic() + timeout
        found = self.counted()
        while found != expected and time.monotonic() < deadline:
            time.sleep(0.5)
            found = self.counted()
        assert found == expected, self.log()[-4000:]


def end(worker: subprocess.Popen[bytes], number: signal.Signals) -> int:
    """Signal a worker and wait for its end; its exit status."""
    worker.send_signal(number)
    return worker.wait(20)
