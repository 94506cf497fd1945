"""What a second worker on a second core brings: one filled topic, read by one worker and by two.

Each worker is bound to a core of its own. The workers start on an empty topic and share its partitions; then they are
stopped (SIGSTOP), the topic is filled, and they go on. So neither their start, nor the rebalance, nor the load
generator is in the time measured, which ends when the first of them has read its share.
"""

import signal
import time
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from benchmarks.bench import Bench
from benchmarks.child import ChildFailed
from benchmarks.contenders import WORKER
from benchmarks.printing import table
from benchmarks.serving_worker import INPUT, PATIENT, ServingWorker
from benchmarks.topics import create_topic, write
from benchmarks.workload import Workload

TIMEOUT_S = 900.0
START_TIMEOUT_S = 60.0
ASK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Pace:
    """One or two workers, while all of them had work.

    Attributes:
        cpu_s_per_million: of all workers.
    """

    workers: int
    records: int
    seconds: float
    events_per_second: float
    cpu_s_per_million: float


@dataclass(frozen=True, slots=True)
class Scaling:
    """One worker, then two."""

    paces: list[Pace]

    @property
    def factor(self) -> float:
        """How many times as fast two are."""
        return self.paces[1].events_per_second / self.paces[0].events_per_second

    def table(self) -> Table:
        """One line each."""
        rows = [
            [f"{pace.workers}", f"{pace.records:,}", f"{pace.seconds:.1f}", f"{pace.events_per_second:,.0f}",
             f"{pace.cpu_s_per_million:.1f}", f"{pace.events_per_second / self.paces[0].events_per_second:.2f} x"]
            for pace in self.paces
        ]  # fmt: skip
        columns = ["workers", "records", "seconds", "events/s", "CPU s per million", "speed"]
        return table("Scaling: a filled topic, a core for each worker", columns, rows)

    def as_json(self) -> Any:
        """Both, and the factor."""
        return {"paces": [asdict(pace) for pace in self.paces], "factor": self.factor}

    def faults(self) -> list[str]:
        """None: no answer is judged here."""
        return []


def measure(bench: Bench) -> Scaling:
    """One worker, then two."""
    return Scaling([_pace(bench, workers) for workers in (1, 2)])


def _pace(bench: Bench, count: int) -> Pace:
    field, shape = bench.field, bench.shape
    prefix, folder = field.next_group(WORKER)
    create_topic(field.broker, f"{prefix}.{INPUT}", shape.partitions)
    field.told(f"{count} worker(s) for {shape.events:,} records: making these")
    arrivals = list(Workload(shape))
    workers: list[ServingWorker] = []
    try:
        for number in range(count):
            log = folder / f"worker-{number}.txt"
            workers.append(
                ServingWorker(field.broker, f"{prefix}.", shape.partitions, log, cpu=number, settings=PATIENT)
            )
        field.told(f"{count} worker(s) share the partitions")
        _wait_for_shares(workers, shape.partitions)
        field.told(f"{count} worker(s) count {shape.events:,} records")
        for worker in workers:
            worker.child.process.send_signal(signal.SIGSTOP)
        write(field.broker, f"{prefix}.{INPUT}", arrivals)
        for worker in workers:
            worker.child.process.send_signal(signal.SIGCONT)
        return _watched(workers, shape.events)
    finally:
        for worker in workers:
            worker.child.process.send_signal(signal.SIGCONT)
            worker.stop()


def _wait_for_shares(workers: list[ServingWorker], partitions: int) -> None:
    for worker in workers:
        worker.wait_ready(START_TIMEOUT_S)
    share, end = partitions // len(workers), time.time() + START_TIMEOUT_S
    while True:
        owned = [len(worker.applied()) for worker in workers]
        if min(owned) >= share and sum(owned) == partitions:
            return
        if time.time() > end:
            raise ChildFailed(f"{len(workers)} workers do not share the partitions: {owned}")
        time.sleep(ASK_EVERY_S)


def _watched(workers: list[ServingWorker], events: int) -> Pace:
    began, end = time.time(), time.time() + TIMEOUT_S
    seen: list[tuple[float, list[int]]] = []
    while not seen or sum(seen[-1][1]) < events:
        if time.time() > end:
            log = workers[0].child.last_lines()
            raise ChildFailed(f"{len(workers)} workers have not read {events:,} records:\n{log}")
        time.sleep(ASK_EVERY_S)
        places = [worker.applied() for worker in workers]
        seen.append((time.time(), [sum(owned.values()) for owned in places]))
    # From when one of them has read its share, it is not all of them that work.
    all_work = min(place for place, (_, sums) in enumerate(seen) if any(map(int.__eq__, sums, seen[-1][1])))
    ended, read = seen[all_work]
    seconds, records = ended - began, sum(read)
    cpu = sum(worker.child.cpu_between(began, ended) for worker in workers)
    return Pace(len(workers), records, seconds, records / seconds, cpu * 1e6 / records)
