"""`netgrowth bench`: what the worker does and costs, beside its peers, judged by the reference."""

import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

import click
import orjson
from rich.console import Console

from benchmarks import latency, scaling, state, throughput
from benchmarks.bench import Bench, Figures
from benchmarks.contenders import OFFLINE, WORKER, contenders
from benchmarks.field import Field
from benchmarks.printing import Shown, output
from benchmarks.topics import delete_topics
from benchmarks.workload import Shape
from tests.kafka.broker import KafkaCluster, KafkaNotStarted

PARTS: dict[str, Callable[[Bench], Figures]] = {
    "throughput": throughput.measure, "latency": latency.measure, "state": state.measure, "scaling": scaling.measure,
}  # fmt: skip
OF_THE_WORKER = ("state", "scaling")
"""Parts that have no peers."""

FAILED = 1


class CannotMeasure(click.ClickException):
    """Wrong usage, or something that measuring needs is not there."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Names(click.ParamType):
    """Names with commas between them, out of some that are known."""

    known: tuple[str, ...]
    name = "names"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Raises click.BadParameter."""
        if isinstance(value, tuple):
            return value
        asked = tuple(part.strip() for part in str(value).split(",") if part.strip())
        unknown = [name for name in asked if name not in self.known]
        if unknown or not asked:
            known = ", ".join(self.known)
            self.fail(f"{', '.join(unknown) or 'nothing'} is not known here; there are {known}", param, ctx)
        return asked


@click.command("bench", epilog="""\b
Examples:
  netgrowth bench                                              everything, on an Apache Kafka that it starts
  netgrowth bench --events 300000 --only netgrowth,loop        two of them, a smaller topic
  netgrowth bench --parts latency --only netgrowth --json      one part, as JSON
  KAFKA_BROKERS=localhost:9092 netgrowth bench                 on a broker that is there
""")  # fmt: skip
@click.option("--events", type=click.IntRange(1000), default=300_000, show_default=True,
              help="Records of the workload; slow peers are given fewer of the same.")
@click.option("--customers", type=click.IntRange(10), default=100_000, show_default=True, help="Customers in it.")
@click.option("--partitions", type=click.IntRange(1, 1000), default=4, show_default=True,
              help="Partitions of every topic.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed is another workload.")
@click.option("--span", "span_h", type=click.IntRange(1, 24), default=24, show_default=True,
              help="Hours of event time that the workload covers.")
@click.option("--only", type=Names(tuple(contenders())), help=f"Contenders, with commas: {', '.join(contenders())}.")
@click.option("--parts", type=Names(tuple(PARTS)), default=",".join(PARTS), show_default=True,
              help="What is measured, with commas.")
@click.option("--base", "base_customers", type=click.IntRange(1000), default=1_000_000, show_default=True,
              help="Customers of the part `state`: memory and recovery.")
@click.option("--runs", type=click.IntRange(1, 99), default=1, show_default=True,
              help="How often; the run with the median of events/s is shown.")
@click.option("--no-check", is_flag=True, help="Do not judge answers: the reference is slow for large workloads.")
@click.option("--broker", help="host:port; default: KAFKA_BROKERS, else Apache Kafka is started (Java 17, Maven).")
@click.option("--quix-python", type=click.Path(exists=True, path_type=Path, dir_okay=False),
              help="A Python that has quixstreams, where this one has not.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=Path(".bench"), show_default=True,
              help="Takes logs, state and the reference's answers.")
@click.option("--json", "as_json", is_flag=True, help="All figures as one JSON object on stdout.")
def command(
    events: int, customers: int, partitions: int, seed: int, span_h: int, base_customers: int,
    only: tuple[str, ...] | None, parts: tuple[str, ...], runs: int, no_check: bool, broker: str | None,
    quix_python: Path | None, folder: Path, as_json: bool,
) -> None:
    """Measure the worker and its peers on one workload, and check every answer against the reference.

    The topic is filled first; then each contender reads it to its end as a process of its own, and is done when state
    and offsets are durable. Exit status 1: an answer was wrong, or a part failed. More: docs/benchmarks.md.
    """
    shape = Shape(events, customers, partitions, seed, span_h * 3600)
    known = contenders(quix_python)
    chosen = [known[name] for name in only or known]
    for contender in chosen:
        if why := contender.missing():
            if only:
                raise CannotMeasure(f"{contender.name}: {why}")
            click.echo(f"Without {contender.name}: {why}", err=True)
    chosen = [contender for contender in chosen if not contender.missing()]
    if all(contender.name != WORKER for contender in chosen):
        parts = tuple(part for part in parts if part not in OF_THE_WORKER)
    live = [contender for contender in chosen if contender.name != OFFLINE]
    steps = {"throughput": runs * len(chosen), "latency": len(latency.RATES) * len(live)}
    shown = Shown(Console(stderr=True), sum(steps.get(part, 1) for part in parts))
    with _ended_by_signals(), _broker(broker, shown.tell) as (address, prefix), shown.shown():
        field = Field(address, prefix, folder.absolute(), shown.tell)
        bench = Bench(field, chosen, shape, runs, not no_check, shown.step, base_customers)
        found: dict[str, Figures] = {}
        for part in parts:
            if part in OF_THE_WORKER:
                for figures in bench.attempt(part, partial(PARTS[part], bench)):
                    found[part] = figures
            else:
                found[part] = PARTS[part](bench)
    if as_json:
        machine = {"cores": os.cpu_count(), "python": sys.version.split()[0]}
        line = {"machine": machine, "workload": shape, **{name: figures.as_json() for name, figures in found.items()}}
        click.echo(orjson.dumps(line, option=orjson.OPT_INDENT_2))
    else:
        console = output()
        for figures in found.values():
            console.print(figures.table())
    wrong = [fault for figures in found.values() for fault in figures.faults()]
    for fault in wrong:
        click.echo(f"Wrong answer: {fault}", err=True)
    for fault in bench.failed:
        click.echo(f"Not measured: {fault}", err=True)
    sys.exit(FAILED if wrong or bench.failed else 0)


@contextmanager
def _broker(address: str | None, told: Callable[[str], None]) -> Iterator[tuple[str, str]]:
    """A broker's address, and the prefix of all names there; what was made there is taken away again."""
    prefix = f"netgrowth-bench-{uuid.uuid4().hex[:8]}."
    address = address or os.environ.get("KAFKA_BROKERS")
    with ExitStack() as stack:
        if not address:
            told("starting Apache Kafka")
            try:
                address = stack.enter_context(KafkaCluster(heap_mb=1000)).address
            except KafkaNotStarted as error:
                raise CannotMeasure(f"{error}\nor name a broker: --broker HOST:PORT") from error
        else:
            stack.callback(delete_topics, address, prefix)
        yield address, prefix


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end it as Ctrl-C does: processes and broker are stopped."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
