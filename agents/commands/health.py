"""`netgrowth health`: what customers perceive, over files of signals, without Kafka."""

import sys

import click
import orjson

from agents.commands.environment import WrongInput
from agents.commands.fitted import fitted_scorer
from agents.commands.health_text import health_lines
from agents.commands.ledger import Instant, load_definitions, read_into
from agents.commands.record_counting import count_records
from agents.wall_clock import wall_clock_us
from streams.facts.definitions.model import Definitions
from streams.health.recount import HealthRecount
from streams.recount import Recount
from streams.sentiment.scorer import Scorer
from streams.voice.stage import VoiceStage


def health_of_files(
    definitions: Definitions, signals: str, *, status: str | None = None, facts: str | None = None,
    mentions: str | None = None, scorer: Scorer | None = None, partitions: int = 1, until: int | None = None,
    by: str | None = None,
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
        if ledger.has_links:
            recount.customer_of = ledger.customer_of
    if mentions is not None:
        recount.listen()
        stage = VoiceStage(definitions, now_us=wall_clock_us, scorer=scorer, on_mention=recount.hear)
        count_records(mentions, "social-mentions", stage.read)
    if status is not None:
        count_records(status, "service-status", recount.add_statuses)
    count_records(signals, "qos-signals", recount.add)
    if recount.after_until:
        click.echo(f"{recount.after_until} signals dated after the end of the clock were left out", err=True)
    return recount


@click.command(
    epilog="Example: netgrowth replay nyc-flights --print qos-signals | netgrowth health --definitions nyc-flights "
    "--signals - --by day"
)
@click.option("--definitions", "definitions_file", required=True, help="The definitions file (YAML).")
@click.option("--signals", required=True, metavar="FILE", help="Records of qos-signals; - is standard input.")
@click.option("--status", metavar="FILE", help="Records of service-status; without it false green is unknown.")
@click.option("--facts", metavar="FILE", help="Records of customer-events; without it values are unknown.")
@click.option("--mentions", metavar="FILE",
              help="Records of social-mentions; without it nobody knows who was first, we or customers.")
@click.option("--partitions", type=click.IntRange(1, 10_000), default=1, show_default=True,
              help="Place customers as on a topic of that many partitions.")
@click.option("--until", type=Instant(), help="Where the clock ends (RFC 3339); default: the largest event time.")
@click.option("--by", type=click.Choice(["hour", "day"]), help="Periods; default: one over everything.")
@click.option("--json", "as_json", is_flag=True, help="Print health as one JSON object.")
def command(
    definitions_file: str, signals: str, status: str | None, facts: str | None, mentions: str | None,
    partitions: int, until: int | None, by: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Tell how many customers were disrupted, where, what they are worth, and whether operations knew.

    Files hold one JSON object a line and may be gzip or zstd compressed. A line that is no valid record is counted
    and reported, never fatal.
    """
    if [signals, status, facts, mentions].count("-") > 1:
        raise WrongInput("only one of --signals, --status, --facts and --mentions can be standard input")
    definitions = load_definitions(definitions_file)
    recount = health_of_files(
        definitions, signals, status=status, facts=facts, mentions=mentions,
        scorer=None if mentions is None else fitted_scorer(definitions, definitions_file), partitions=partitions,
        until=until, by=by,
    )  # fmt: skip
    health = recount.finish()
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(health) + b"\n")
        return
    for line in health_lines(health):
        click.echo(line)
