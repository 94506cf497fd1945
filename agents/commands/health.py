"""`netgrowth health`: what customers perceive, over files of signals, without Kafka."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from agents.commands.environment import WrongInput
from agents.commands.health_text import health_lines
from agents.commands.ledger import SHOWN_DEAD_LETTERS, Instant, load_definitions, read_into
from agents.record_files import UnreadableFile, read_records, size_of
from agents.wall_clock import wall_clock_us
from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.health.admission import AdmittedSignals
from streams.health.recount import HealthRecount
from streams.recount import Recount


def health_of_files(
    definitions: Definitions, signals: str, *, status: str | None = None, facts: str | None = None,
    partitions: int = 1, until: int | None = None, by: str | None = None,
) -> HealthRecount:  # fmt: skip
    """Read files with progress on stderr; faults in records are told there, and counted."""
    recount = HealthRecount(
        definitions, partitions=partitions, until=until, by=by, with_facts=facts is not None, now_us=wall_clock_us
    )
    if facts is not None:
        ledger = Recount(definitions, until=until, on_change=recount.on_change, now_us=wall_clock_us)
        read_into(ledger, facts)
        ledger.finish()
        recount.tell_time(ledger.latest)
    if status is not None:
        _read("service-status", status, recount.add_statuses)
    _read("qos-signals", signals, recount.add)
    if recount.after_until:
        click.echo(f"{recount.after_until} signals dated after the end of the clock were left out", err=True)
    return recount


def _read(topic: str, file: str, add: Callable[[Sequence[RawRecord]], AdmittedSignals]) -> None:
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("reading {task.fields[name]}"), BarColumn(), TextColumn("{task.fields[records]:,} records"),
        TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True,
        disable=not console.is_terminal,
    )  # fmt: skip
    shown = read = unmapped = 0
    try:
        with bar:
            task = bar.add_task("", total=size_of(file), name=Path(file).name, records=0)
            for records in read_records(file, topic, on_read=lambda n: bar.advance(task, n)):
                batch = add(records)
                read += batch.records
                unmapped += batch.unmapped
                for letter in batch.dead_letters:
                    if shown < SHOWN_DEAD_LETTERS:
                        line = letter.position.offset + 1
                        click.echo(f"{topic}, line {line}: {letter.reason}: {letter.detail}", err=True)
                    shown += 1
                bar.update(task, records=read)
    except UnreadableFile as error:
        raise WrongInput(str(error)) from error
    if shown > SHOWN_DEAD_LETTERS:
        click.echo(f"... {shown} records of {topic} could not be admitted; they are counted by reason", err=True)
    if unmapped:
        click.echo(f"{unmapped} records of {topic} are unmapped: no rule takes them", err=True)


@click.command(
    epilog="Example: netgrowth replay nyc-flights --print qos-signals | netgrowth health --definitions nyc-flights "
    "--signals - --by day"
)
@click.option("--definitions", "definitions_file", required=True, help="The definitions file (YAML).")
@click.option("--signals", required=True, metavar="FILE", help="Records of qos-signals; - is standard input.")
@click.option("--status", metavar="FILE", help="Records of service-status; without it false green is unknown.")
@click.option("--facts", metavar="FILE", help="Records of customer-events; without it values are unknown.")
@click.option("--partitions", type=click.IntRange(1, 10_000), default=1, show_default=True,
              help="Place customers as on a topic of that many partitions.")
@click.option("--until", type=Instant(), help="Where the clock ends (RFC 3339); default: the largest event time.")
@click.option("--by", type=click.Choice(["hour", "day"]), help="Periods; default: one over everything.")
@click.option("--json", "as_json", is_flag=True, help="Print health as one JSON object.")
def command(
    definitions_file: str, signals: str, status: str | None, facts: str | None, partitions: int, until: int | None,
    by: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Tell how many customers were disrupted, where, what they are worth, and whether operations knew.

    Files hold one JSON object a line and may be gzip or zstd compressed. A line that is no valid record is counted
    and reported, never fatal.
    """
    if [signals, status, facts].count("-") > 1:
        raise WrongInput("only one of --signals, --status and --facts can be standard input")
    definitions = load_definitions(definitions_file)
    recount = health_of_files(
        definitions, signals, status=status, facts=facts, partitions=partitions, until=until, by=by
    )
    health = recount.finish()
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(health) + b"\n")
        return
    for line in health_lines(health):
        click.echo(line)
