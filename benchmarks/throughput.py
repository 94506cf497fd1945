"""Events a second, and what they cost: a filled topic, read to its end by one process after another."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from rich.table import Table

from benchmarks.answer import Answer, differences
from benchmarks.bench import Bench
from benchmarks.child import Child, ChildFailed
from benchmarks.contenders import OFFLINE, WORKER, Contender, environment
from benchmarks.field import Field
from benchmarks.offline import run_offline
from benchmarks.printing import mib, table
from benchmarks.runs import Run
from benchmarks.worker_answer import worker_cells
from benchmarks.workload import Shape

START_TIMEOUT_S = 60.0
SLOWEST = 300.0
"""Events a second below which a contender is given up."""


@dataclass(frozen=True, slots=True)
class Throughput:
    """The runs of all contenders, in the order measured."""

    runs: list[Run]

    def table(self) -> Table:
        """The median run of each contender, beside the worker where it is among them."""
        shown = self.medians()
        worker = next((run for run in shown if run.name == WORKER), None)
        columns = ["", "records", "events/s", "to durable", "CPU s per million", "peak MiB", "answer"]
        columns += ["worker's speed", "worker's CPU"] if worker else []
        rows = []
        for run in shown:
            row = [
                run.name, f"{run.events:,}", f"{run.events_per_second:,.0f}", f"{run.durable_events_per_second:,.0f}",
                f"{run.cpu_s_per_million:,.1f}", mib(run.peak_bytes),
                {None: "not checked", True: "wrong", False: "right"}[None if run.wrong is None else bool(run.wrong)],
            ]  # fmt: skip
            if worker:
                row.append(f"{worker.events_per_second / run.events_per_second:,.2f} x")
                row.append(f"{worker.cpu_s_per_million / run.cpu_s_per_million:,.3f} x")
            rows.append(row)
        return table("Throughput: a filled topic to its end, one process", columns, rows)

    def medians(self) -> list[Run]:
        """The run with the median of events/s for each contender."""
        by_name: dict[str, list[Run]] = {}
        for run in self.runs:
            by_name.setdefault(run.name, []).append(run)
        ordered = [sorted(runs, key=lambda run: run.events_per_second) for runs in by_name.values()]
        return [runs[len(runs) // 2] for runs in ordered]

    def as_json(self) -> Any:
        """Every run."""
        return [run.as_json() for run in self.runs]

    def faults(self) -> list[str]:
        """Answers that were wrong."""
        return [f"{run.name}: {fault}" for run in self.runs for fault in run.wrong or ()]


def measure(bench: Bench) -> Throughput:
    """Each contender in turn, and that as often as asked: what else the machine does falls on all of them."""
    runs: list[Run] = []
    for _ in range(bench.runs):
        for contender in bench.contenders:
            work = partial(run, bench.field, contender, shape_for(contender, bench.shape), check=bench.check)
            runs += bench.attempt(f"throughput of {contender.name}", work)
    return Throughput(runs)


def shape_for(contender: Contender, shape: Shape) -> Shape:
    """The workload that a contender is given: of the same kind, shorter where it is slow."""
    if contender.most is None or contender.most >= shape.events:
        return shape
    return replace(shape, events=contender.most)


def run(field: Field, contender: Contender, shape: Shape, *, check: bool = True) -> Run:
    """Measure one contender once, and judge its answer.

    Raises: ChildFailed.
    """
    if contender.name == OFFLINE:
        return run_offline(field, contender.name, shape, check=check)
    topic = field.topic(shape)
    expected = field.answer(shape) if check else None
    group, folder = field.next_group(contender.name)
    field.told(f"{contender.name} counts {shape.events:,} records")
    words = environment(
        contender, broker=field.broker, topic=topic, group=group, events=shape.events, partitions=shape.partitions,
        folder=folder,
    )  # fmt: skip
    child = Child(contender.command(), words, folder / "log.txt")
    try:
        line = child.result(START_TIMEOUT_S + shape.events / SLOWEST)
        child.end()
    finally:
        child.kill()
    first, last, durable = (float(line[name]) for name in ("t_first", "t_last", "t_durable"))
    if line["n"] != shape.events:
        raise ChildFailed(f"{contender.name} says it handled {line['n']} records of {shape.events}")
    wrong = None if expected is None else _wrong(field, contender, group, folder, line, expected)
    return Run(
        contender.name, shape.events, shape.events / (last - first), shape.events / (durable - first),
        child.cpu_between(first, durable) * 1e6 / shape.events, child.cpu_between(0, durable),
        child.peak_until(durable), wrong,
    )  # fmt: skip


def _wrong(
    field: Field, contender: Contender, group: str, folder: Path, line: Mapping[str, Any], expected: Answer
) -> list[str]:
    field.told(f"checking the answer of {contender.name}")
    if contender.name == WORKER:
        return [
            *differences(line["totals"], expected.totals),
            *differences(line["accounting"], expected.accounting),
            *differences(worker_cells(field.broker, f"{group}.scope-parts"), expected.cells),
        ]
    told = orjson.loads((folder / "answer.json").read_bytes())
    malformed = sum(expected.accounting["dead_lettered"].values())
    wrong = differences(told["cells"], expected.cells)
    if told["counts"]["malformed"] != malformed:
        wrong = [*wrong, f"malformed: {told['counts']['malformed']}, the reference says {malformed}"]
    return wrong
