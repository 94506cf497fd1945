"""What the transport's unit tests put in place of a broker."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import faust
from aiokafka.structs import ConsumerRecord
from faust.types import TP

from agents.transport import BatchConsumer, TransportOptions, create_app
from agents.transport.consumer_thread import CommitOutcome, SoughtPosition

TOPIC = "in"


def record(offset: int, partition: int = 0, value: bytes = b"v", topic: str = TOPIC) -> ConsumerRecord[Any, Any]:
    return ConsumerRecord(topic, partition, offset, 1000, 0, None, value, None, -1, len(value), ())


class FakeThread:
    """The broker and the thread before it: logs with holes, positions, committed offsets."""

    def __init__(self, logs: dict[TP, list[int]]) -> None:
        self.logs = logs
        self.committed: dict[TP, int] = {}
        self.assigned: set[TP] = set()
        self.outcome = CommitOutcome.DONE
        self.before_commit: Callable[[Mapping[TP, int]], None] = lambda offsets: None
        self.poll_records = 5
        self.consumer: Any = None
        self._positions: dict[TP, int] = {}

    def assign(self, tps: set[TP]) -> None:
        """A fresh assignment has fresh positions."""
        self.assigned = set(tps)
        self._positions = {tp: self.committed.get(tp, 0) for tp in tps}

    async def poll(self, tps: set[TP], epoch: int, timeout: float, most: int | None) -> dict[TP, list[Any]]:
        assert tps, "an empty set means all partitions to aiokafka"
        if epoch != self.consumer.epoch:
            return {}
        found = {}
        for tp in sorted(tps & self.assigned):
            offsets = [o for o in self.logs[tp] if o >= self._positions[tp]][: self.poll_records]
            if offsets:
                found[tp] = [record(offset, tp.partition) for offset in offsets]
                self._positions[tp] = offsets[-1] + 1
        return found

    async def seek_positions(self) -> dict[TP, SoughtPosition]:
        self.assign(self.assigned)
        return {tp: SoughtPosition(self.committed.get(tp), p, 0) for tp, p in self._positions.items()}

    async def commit_offsets(self, offsets: Mapping[TP, int], generation: int, timeout: float) -> CommitOutcome:
        self.before_commit(offsets)
        if self.outcome is CommitOutcome.DONE:
            self.committed.update(offsets)
        return self.outcome

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, 0)

    def assignment(self) -> set[TP]:
        return set(self.assigned)

    def highwater(self, tp: TP) -> int | None:
        return self.logs[tp][-1] + 1 if self.logs[tp] else 0


class Failures:
    """In place of the end of the process: remembers why it would have ended."""

    def __init__(self) -> None:
        self.reason: BaseException | None = None

    def __call__(self, reason: BaseException) -> None:
        self.reason = self.reason or reason


async def _nothing(*_: Any, **__: Any) -> None: ...


def make_app(**options: Any) -> faust.App:
    app = create_app("unit", "kafka://127.0.0.1:9", options=TransportOptions(**options))
    app.transport.fail = app.transport.recovery._fail = Failures()
    app.transport.batch_topics.add(TOPIC)
    # Only subscribed topics are acknowledged; there are no agents here to subscribe.
    app.topics._acking_topics.add(TOPIC)
    return app


def make_consumer(
    app: faust.App, thread: FakeThread, callback: Callable[[Any], Awaitable[None]]
) -> BatchConsumer:
    """A consumer on a fake thread; call it inside a running loop."""
    consumer = BatchConsumer(
        app.transport, callback=callback, on_partitions_revoked=_nothing, on_partitions_assigned=_nothing,
        loop=asyncio.get_running_loop(),
    )
    consumer._thread = thread  # type: ignore[assignment]
    thread.consumer = consumer
    app._consumer = consumer
    app.on_rebalance_return = lambda: None
    return consumer
