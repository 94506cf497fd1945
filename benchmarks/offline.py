"""`netgrowth ledger` over a file of the same records: the offline way, measured as a whole process with its start."""

import sys
import time
from pathlib import Path

from benchmarks.answer import differences
from benchmarks.child import Child
from benchmarks.field import Field
from benchmarks.runs import Run
from benchmarks.workload import Shape, Workload

SLOWEST = 1_000.0


def run_offline(field: Field, name: str, shape: Shape, *, check: bool = True) -> Run:
    """Write the file, count it, judge totals and accounting. Raises: ChildFailed."""
    expected = field.answer(shape) if check else None
    _, folder = field.next_group(name)
    facts = folder / "facts.jsonl"
    field.told(f"writing {shape.events:,} records to a file for {name}")
    _write(facts, shape)
    field.told(f"{name} counts {shape.events:,} records")
    words = [
        sys.executable, "-m", "agents.commands.main", "ledger", "--definitions", "native", "--facts", str(facts),
        "--partitions", str(shape.partitions), "--json",
    ]  # fmt: skip
    began = time.time()
    child = Child(words, {}, folder / "log.txt")
    try:
        ledger = child.result(60 + shape.events / SLOWEST)
        ended = time.time()
        child.end()
    finally:
        child.kill()
        facts.unlink()
    wrong = None
    if expected is not None:
        wrong = [
            *differences(ledger["total"], expected.totals), *differences(ledger["accounting"], expected.accounting),
        ]  # fmt: skip
    rate, cpu = shape.events / (ended - began), child.cpu_between(0, ended)
    return Run(name, shape.events, rate, rate, cpu * 1e6 / shape.events, cpu, child.peak_until(ended), wrong)


def _write(path: Path, shape: Shape) -> None:
    with path.open("wb") as file:
        for arrival in Workload(shape):
            file.write(arrival.raw + b"\n")
