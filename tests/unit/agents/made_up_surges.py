"""Detectors in the middle of a surge, without Kafka."""

from streams.surges.durable import DurableSurges
from tests.unit.streams.surges.test_durable import SURGE, Worker


class MadeUpSurges:
    """A worker that runs the detectors, or does not own them."""

    def __init__(self, *owned: int) -> None:
        worker = Worker([], [], 1)
        worker.judge(SURGE.stop)
        self.state: DurableSurges | None = worker.state
        self._owned = set(owned)

    def owned(self) -> set[int]:
        return self._owned
