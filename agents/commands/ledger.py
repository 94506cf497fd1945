"""`netgrowth ledger`: the running tables over a file of records, without Kafka."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click
import orjson

from agents.commands.environment import WrongInput, settings_from_environment
from agents.commands.ledger_text import ledger_lines
from agents.commands.record_counting import count_records
from agents.wall_clock import wall_clock_us
from config.definitions_file import Definitions, DefinitionsError, UnreadableDefinitions, load
from streams.facts.admission import AdmittedBatch
from streams.facts.models import RawRecord
from streams.facts.refusal import Refused
from streams.facts.times import instant_of
from streams.intake.rules import CUSTOMER_EVENTS
from streams.recount import Recount
from streams.report.openmetrics import past_lines
from streams.report.wording import plural


class Instant(click.ParamType):
    """An RFC 3339 instant with a zone, as microseconds since 1970."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Raises click.BadParameter."""
        if isinstance(value, int):
            return value
        try:
            return instant_of(str(value), None, "it")
        except Refused as refused:
            self.fail(f"{refused.detail}; write it as 2011-06-30T20:08:00Z", param, ctx)


class OwnTopic(click.ParamType):
    """TOPIC=FILE, as a pair."""

    name = "own topic"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Raises click.BadParameter."""
        if isinstance(value, tuple):
            return value
        topic, separator, file = str(value).partition("=")
        if not (topic and separator and file):
            self.fail(f"{value!r} is not TOPIC=FILE; write for example billing.invoices=invoices.jsonl", param, ctx)
        return topic, file


def check_own(definitions: Definitions, own: Sequence[tuple[str, str]]) -> None:
    """Each topic must be one of facts that the definitions name.

    Raises: WrongInput.
    """
    known = sorted(topic for topic, feed in definitions.own_topics.items() if feed == CUSTOMER_EVENTS)
    for topic, _ in own:
        if topic not in known:
            there = f"they name {', '.join(known)}" if known else "they name none"
            raise WrongInput(f"--own {topic}: the definitions name no such topic in `own_topics` of a silo; {there}")


def load_definitions(path: str) -> Definitions:
    """The definitions in a file; what is wrong with it is told as wrong usage."""
    try:
        return load(path)
    except UnreadableDefinitions as error:
        raise WrongInput(str(error)) from error
    except DefinitionsError as error:
        first, count = error.faults[0], len(error.faults)
        more = "" if count == 1 else f" (and {count - 1} more: netgrowth definitions check {path})"
        message = f"{path}:{first.line}:{first.column}: {first.path}: {first.message}; {first.mend}{more}"
        raise WrongInput(message) from error


def count_file(
    definitions: Definitions, file: str | None, *, partitions: int = 1, until: int | None = None,
    by: str | None = None, own: Sequence[tuple[str, str]] = (),
) -> Recount:
    """Count files with a progress bar on stderr; faults in records are told there, and counted.

    `file` is of `customer-events`; `own` are own topics and files of their records.
    """
    recount = Recount(definitions, partitions=partitions, until=until, by=by, now_us=wall_clock_us)
    if file is not None:
        read_into(recount, file)
    for topic, name in own:
        read_into(recount, name, topic)
    return recount


def read_into(
    recount: Recount, file: str, topic: str = CUSTOMER_EVENTS,
    also: Callable[[Sequence[RawRecord]], Any] | None = None,
) -> None:  # fmt: skip
    """Count a file of records of a topic into tables made before, with progress and faults on stderr.

    `also`: given the same records, as standard input is read once.
    """
    def add(records: Sequence[RawRecord]) -> AdmittedBatch:
        if also is not None:
            also(records)
        return recount.add(records)

    count_records(file, topic, add)
    if recount.after_until:
        left_out = plural(recount.after_until, "record is", "records are")
        click.echo(f"{left_out} left out: dated after the end of the clock", err=True)
    if recount.facts_after_until:
        left_out = plural(recount.facts_after_until, "fact is", "facts are")
        click.echo(
            f"{left_out} left out, dated after the end of the clock, of records that also gave earlier ones", err=True
        )


@click.command(
    epilog="Example: netgrowth replay online-retail --print customer-events | netgrowth ledger "
    "--definitions config/definitions/online-retail.yaml --facts - --by month"
)
@click.option("--definitions", "definitions_file", required=True, help="The definitions file (YAML).")
@click.option("--facts", metavar="FILE", help="Records as in customer-events, one JSON object a line; - is stdin.")
@click.option("--own", multiple=True, type=OwnTopic(), metavar="TOPIC=FILE",
              help="Records of one of your own topics that the definitions name; may be given several times.")
@click.option("--partitions", type=click.IntRange(1, 10_000), default=1, show_default=True,
              help="Place keys as on a topic of that many partitions, so that late facts are judged alike.")
@click.option("--until", type=Instant(), help="Where the clock ends (RFC 3339); default: the largest event time.")
@click.option("--by", type=click.Choice(["hour", "day", "week", "month"]), help="Also the total of each period.")
@click.option("--openmetrics", is_flag=True,
              help="With --by: print these totals as OpenMetrics text with timestamps, for promtool.")
@click.option("--json", "as_json", is_flag=True, help="Print the ledger as one JSON object.")
def command(
    definitions_file: str, facts: str | None, own: tuple[tuple[str, str], ...], partitions: int, until: int | None,
    by: str | None, openmetrics: bool, as_json: bool,
) -> None:
    """Count files of records as they lie in customer-events or in your own topics, and print the running tables.

    The file may be gzip or zstd compressed. A line that is no valid record is counted and reported, never fatal.
    """
    definitions = load_definitions(definitions_file)
    if facts is None and not own:
        raise WrongInput("no records are given: name a file with --facts, or with --own TOPIC=FILE")
    if openmetrics and (by is None or as_json):
        raise WrongInput("--openmetrics goes with --by and without --json")
    check_own(definitions, own)
    recount = count_file(definitions, facts, partitions=partitions, until=until, by=by, own=own)
    ledger = recount.finish()
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(ledger) + b"\n")
        return
    if openmetrics and by is not None:
        for line in past_lines(ledger, by, settings_from_environment().label_limit):
            click.echo(line)
        return
    for line in ledger_lines(ledger):
        click.echo(line)
