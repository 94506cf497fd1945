"""`netgrowth ledger`: the running tables over a file of records, without Kafka."""

import sys

import click
import orjson

from agents.commands.environment import WrongInput
from agents.commands.ledger_text import ledger_lines
from agents.commands.record_counting import count_records
from agents.wall_clock import wall_clock_us
from config.definitions_file import Definitions, DefinitionsError, UnreadableDefinitions, load
from streams.facts.refusal import Refused
from streams.facts.times import instant_of
from streams.recount import Recount
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
    definitions: Definitions, file: str, *, partitions: int = 1, until: int | None = None, by: str | None = None
) -> Recount:
    """Count a file with a progress bar on stderr; faults in records are told there, and counted."""
    recount = Recount(definitions, partitions=partitions, until=until, by=by, now_us=wall_clock_us)
    read_into(recount, file)
    return recount


def read_into(recount: Recount, file: str) -> None:
    """Count a file into tables made before, with progress and faults on stderr."""
    count_records(file, "customer-events", recount.add)
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
@click.option("--facts", required=True, metavar="FILE", help="Records, one JSON object a line; - is standard input.")
@click.option("--partitions", type=click.IntRange(1, 10_000), default=1, show_default=True,
              help="Place keys as on a topic of that many partitions, so that late facts are judged alike.")
@click.option("--until", type=Instant(), help="Where the clock ends (RFC 3339); default: the largest event time.")
@click.option("--by", type=click.Choice(["hour", "day", "week", "month"]), help="Also the total of each period.")
@click.option("--json", "as_json", is_flag=True, help="Print the ledger as one JSON object.")
def command(
    definitions_file: str, facts: str, partitions: int, until: int | None, by: str | None, as_json: bool
) -> None:
    """Count a file of records as they lie in customer-events, and print the running tables.

    The file may be gzip or zstd compressed. A line that is no valid record is counted and reported, never fatal.
    """
    recount = count_file(load_definitions(definitions_file), facts, partitions=partitions, until=until, by=by)
    ledger = recount.finish()
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(ledger) + b"\n")
        return
    for line in ledger_lines(ledger):
        click.echo(line)
