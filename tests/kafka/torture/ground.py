"""Where a schedule takes place: a cluster of one node or three, its proxies, and what can befall it."""

import asyncio
import signal
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError
from kafka.structs import TopicPartition as AdminPartition

from tests.kafka.broker import HOST, KafkaCluster, Node, _free_ports
from tests.kafka.torture.network import Proxy

LARGEST_RECORD = 2 << 20
HEAP_MB = {1: 400, 3: 300}
PREFERRED = 0


class ProxiedCluster(KafkaCluster):
    """A cluster of one node with one more listener per proxy, which tells clients the proxy's port as its own."""

    def __init__(self, proxies: int, **more: Any) -> None:
        super().__init__(1, **more)
        ports = _free_ports(2 * proxies)
        self.proxies = [Proxy(ports[2 * n], ports[2 * n + 1]) for n in range(proxies)]
        self._targets = ports[1::2]

    def start(self) -> str:
        for proxy in self.proxies:
            proxy.start()
        return super().start()

    def stop(self) -> None:
        super().stop()
        for proxy in self.proxies:
            proxy.close()

    def _node_settings(self, node: Node) -> dict[str, str]:
        settings = super()._node_settings(node)
        listeners = [f"P{n}://{HOST}:{port}" for n, port in enumerate(self._targets)]
        plain = [text for text in settings["listeners"].split(",") if not text.startswith("CONTROLLER")]
        told = [f"P{n}://{HOST}:{proxy.port}" for n, proxy in enumerate(self.proxies)]
        names = [f"P{n}:PLAINTEXT" for n in range(len(self.proxies))]
        return settings | {
            "listeners": ",".join([settings["listeners"], *listeners]),
            "advertised.listeners": ",".join([*plain, *told]),
            "listener.security.protocol.map": ",".join([settings["listener.security.protocol.map"], *names]),
        }


class Ground:
    """A running cluster and the means to harm it.

    Attributes:
        nodes: how many brokers.
        address: bootstrap addresses without a proxy.
    """

    def __init__(self, nodes: int, slots: int = 3) -> None:
        self.nodes = nodes
        settings = {
            "message.max.bytes": str(LARGEST_RECORD), "replica.fetch.max.bytes": str(8 << 20),
            # The cleaner looks often, so that a schedule can have its topics compacted while it lasts.
            "log.cleaner.backoff.ms": "500", "log.cleaner.min.cleanable.ratio": "0.01",
            "log.retention.check.interval.ms": "1000", "log.cleaner.dedupe.buffer.size": str(8 << 20),
            "log.initial.task.delay.ms": "500",
        }
        self._cluster: KafkaCluster
        if nodes == 1:
            self._cluster = ProxiedCluster(slots, heap_mb=HEAP_MB[1], settings=settings)
        else:
            self._cluster = KafkaCluster(nodes, heap_mb=HEAP_MB[3], settings=settings)

    def __enter__(self) -> Self:
        self._cluster.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cluster.stop()

    @property
    def address(self) -> str:
        return self._cluster.address

    @property
    def proxies(self) -> list[Proxy]:
        """One per slot of workers; none on a cluster of three."""
        return self._cluster.proxies if isinstance(self._cluster, ProxiedCluster) else []

    def worker_address(self, slot: int) -> str:
        """What the worker of a slot is told."""
        return f"{HOST}:{self.proxies[slot].port}" if self.proxies else self.address

    def admin(self) -> KafkaAdminClient:
        """A connected admin client; the caller closes it."""
        return KafkaAdminClient(bootstrap_servers=self.address.split(","), bootstrap_timeout_ms=30_000)

    def configure(self, topic: str, **config: str) -> None:
        """Change settings of a topic; underscores stand for dots."""
        admin = self.admin()
        try:
            settings = {name.replace("_", "."): text for name, text in config.items()}
            # A topic made just now is not known to the client at once, and so are its settings.
            admin.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, topic, configs=settings)], raise_on_unknown=False
            )
        finally:
            admin.close()

    # -- harm

    def kill_broker(self, number: int) -> None:
        """SIGKILL to a broker."""
        self._cluster.nodes[number].signal(signal.SIGKILL)

    def stop_broker(self, number: int) -> None:
        """End a broker in order."""
        self._cluster.nodes[number].stop()

    def start_broker(self, number: int) -> None:
        """Start a broker that has ended; it takes connections when this returns."""
        node = self._cluster.nodes[number]
        if not node.is_running:
            node.launch()
            node.wait_until_up()

    def pause_broker(self, number: int, paused: bool) -> None:
        """Let a broker stand still, as one does that waits for its disk."""
        self._cluster.nodes[number].signal(signal.SIGSTOP if paused else signal.SIGCONT)

    def leader_of(self, topic: str, partition: int) -> int | None:
        """Index of the broker that leads a partition."""
        with suppress(KafkaError, OSError):
            admin = self.admin()
            try:
                (described,) = admin.describe_topics([topic])
                leaders = {of["partition_index"]: of["leader_id"] for of in described["partitions"]}
                leader: int = leaders[partition]
                return leader - 1 if leader > 0 else None
            finally:
                admin.close()
        return None

    def reassign(self, topics: list[str], partitions: int, turn: int) -> None:
        """Give every partition of the topics another order of replicas, so that its preferred leader moves."""
        order = {}
        for topic in topics:
            for partition in range(partitions):
                first = (partition + turn) % self.nodes
                replicas = [(first + n) % self.nodes + 1 for n in range(self.nodes)]
                order[AdminPartition(topic, partition)] = replicas
        # The controller may be the broker that has just died.
        for _ in range(5):
            with suppress(KafkaError, OSError):
                admin = self.admin()
                try:
                    admin.alter_partition_reassignments(order)
                    elected = {topic: list(range(partitions)) for topic in topics}
                    admin.elect_leaders(PREFERRED, elected, raise_errors=False)
                    return
                finally:
                    admin.close()
            time.sleep(2.0)

    def mend(self) -> None:
        """Everything runs and every way is open."""
        for proxy in self.proxies:
            proxy.open()
        for number in range(self.nodes):
            self.pause_broker(number, False)
            self.start_broker(number)

    # -- reading

    def read(self, topic: str, partitions: int) -> list[Any]:
        """All records of a topic, partition by partition, in order."""
        return asyncio.run(self._read(topic, partitions))

    async def _read(self, topic: str, partitions: int) -> list[Any]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.address, enable_auto_commit=False, max_partition_fetch_bytes=8 << 20,
        )
        await consumer.start()
        try:
            tps = [TopicPartition(topic, partition) for partition in range(partitions)]
            consumer.assign(tps)
            await consumer.seek_to_beginning(*tps)
            ends = await consumer.end_offsets(tps)
            found: dict[Any, list[Any]] = {tp: [] for tp in tps}
            while any([await consumer.position(tp) < ends[tp] for tp in tps]):
                for tp, records in (await consumer.getmany(timeout_ms=300)).items():
                    found[tp] += records
            return [record for tp in tps for record in found[tp]]
        finally:
            await consumer.stop()

    def committed(self, group: str) -> dict[int, int]:
        """Offsets that a group has committed, by partition."""
        admin = self.admin()
        try:
            offsets = admin.list_group_offsets(group)
            by_tp = offsets.get(group, offsets)
            return {tp.partition: found.offset for tp, found in by_tp.items()}
        finally:
            admin.close()


