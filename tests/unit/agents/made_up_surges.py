"""Detectors in the middle of a surge, without Kafka."""

from streams.surges.durable import DurableSurges
from streams.surges.tie import Tie
from tests.unit.streams.surges.test_durable import SURGE, Worker


class MadeUpSurges:
    """A worker that runs the detectors, or does not own them."""

    def __init__(self, *owned: int) -> None:
        worker = Worker([], [], 1)
        worker.judge(SURGE.stop)
        self.state: DurableSurges | None = worker.state
        for _ in worker.state.looking_around():
            pass
        worker.state.ties = {"late parcel": Tie(9, 8, 10, 0.6, 0.5, 0.7)}
        self._owned = set(owned)

    def owned(self) -> set[int]:
        return self._owned
