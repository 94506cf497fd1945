"""What a million customers take in memory, and how long a worker needs to have them back after a restart."""

import time
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from benchmarks.base import RECENT, Base
from benchmarks.bench import Bench
from benchmarks.contenders import WORKER
from benchmarks.printing import mib, table
from benchmarks.serving_worker import INPUT, PATIENT, ServingWorker
from benchmarks.topics import fill

READY_TIMEOUT_S = 300.0
SLOWEST = 2_000.0
REST_S = 10.0
"""Waited before memory is read: the last flush and what it holds are gone by then."""


@dataclass(frozen=True, slots=True)
class State:
    """One worker with a standing base of customers; sizes in bytes.

    Attributes:
        empty: resident, ready, without any customer.
        counted: resident after all records were counted, and a while of rest.
        recovered: resident after a restart.
        recovery_s: from the start of the process until `/health/ready` says yes.
    """

    customers: int
    records: int
    empty: int
    counted: int
    peak: int
    recovered: int
    start_s: float
    recovery_s: float

    def table(self) -> Table:
        """One line a figure."""
        rows = [
            ["customers", f"{self.customers:,}, {RECENT:.0%} of them with a fact inside the horizon"],
            ["records counted", f"{self.records:,}"],
            ["resident, no customer", f"{mib(self.empty)} MiB"],
            ["resident, all counted", f"{mib(self.counted)} MiB: {self._each(self.counted):,.0f} bytes per customer"],
            ["resident, after a restart",
             f"{mib(self.recovered)} MiB: {self._each(self.recovered):,.0f} bytes per customer"],
            ["peak while counting", f"{mib(self.peak)} MiB"],
            ["start without state", f"{self.start_s:.1f} s"],
            ["recovery: start until ready and serving", f"{self.recovery_s:.1f} s"],
        ]  # fmt: skip
        return table(f"State: {WORKER} with a standing base of customers", ["", ""], rows)

    def _each(self, resident: int) -> float:
        return (resident - self.empty) / self.customers

    def as_json(self) -> Any:
        """Every figure."""
        return asdict(self) | {
            "bytes_per_customer": self._each(self.counted),
            "bytes_per_customer_after_restart": self._each(self.recovered),
        }

    def faults(self) -> list[str]:
        """None: no answer is judged here."""
        return []


def measure(bench: Bench) -> State:
    """Count a base, rest, restart."""
    field, partitions = bench.field, bench.shape.partitions
    prefix, folder = field.next_group(WORKER)
    customers = bench.base_customers
    field.told("a worker without customers")
    empty = ServingWorker(field.broker, f"{prefix}-empty.", partitions, folder / "empty.txt", settings=PATIENT)
    try:
        start_s = empty.wait_ready(READY_TIMEOUT_S)
        time.sleep(REST_S / 2)
        resident = empty.child.resident
    finally:
        empty.stop()
    words = f"filling the records of {customers:,} customers"
    base = Base(customers, partitions, bench.shape.seed)
    records = fill(field.broker, f"{prefix}.{INPUT}", partitions, base, lambda n: field.told(f"{words}: {n:,}"))
    field.told(f"a worker counts {records:,} records")
    worker = ServingWorker(field.broker, f"{prefix}.", partitions, folder / "counting.txt", settings=PATIENT)
    try:
        worker.wait_applied(records, READY_TIMEOUT_S + records / SLOWEST)
        time.sleep(REST_S)
        counted, peak = worker.child.resident, worker.child.peak_until(time.time())
    finally:
        worker.stop()
    field.told(f"a worker recovers {customers:,} customers")
    again = ServingWorker(field.broker, f"{prefix}.", partitions, folder / "recovering.txt", settings=PATIENT)
    try:
        recovery_s = again.wait_ready(READY_TIMEOUT_S)
        again.wait_applied(records, READY_TIMEOUT_S)
        time.sleep(REST_S)
        recovered = again.child.resident
    finally:
        again.stop()
    return State(customers, records, resident, counted, peak, recovered, start_s, recovery_s)
