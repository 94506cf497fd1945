"""`netgrowth surges`: every surge that the live monitor would have opened over files of records."""

import sys

import click
import orjson

from agents.commands.environment import WrongInput
from agents.commands.fitted import fitted_scorer
from agents.commands.ledger import load_definitions
from agents.commands.record_counting import count_records
from agents.commands.surges_mark import mark_command
from agents.commands.surges_text import surge_lines
from agents.wall_clock import wall_clock_us
from streams.surges.recount import SurgeRecount


@click.group(
    "surges",
    invoke_without_command=True,
    epilog="Example: netgrowth replay online-retail --print customer-events | netgrowth surges "
    "--definitions online-retail --facts -"
)
@click.option("--definitions", "definitions_file", help="The definitions file (YAML).")
@click.option("--facts", metavar="FILE", help="Records of customer-events: lost customers and value.")
@click.option("--signals", metavar="FILE", help="Records of qos-signals: disrupted customers.")
@click.option("--status", metavar="FILE", help="Records of service-status.")
@click.option("--mentions", metavar="FILE", help="Records of social-mentions: unhappy and happy mentions.")
@click.option("--surveys", metavar="FILE", help="Records of survey-responses: unhappy answers, to compare with.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
@click.pass_context
def command(
    context: click.Context, definitions_file: str | None, facts: str | None, signals: str | None,
    status: str | None, mentions: str | None, surveys: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Tell when more customers than expected left, complained, praised or were disrupted, and what that consisted of.

    Files hold one JSON object a line and may be gzip or zstd compressed; - is standard input. Everything happens in
    event time: what is told of a minute rests on nothing after it. A line that is no valid record is counted and
    reported, never fatal.
    """
    if context.invoked_subcommand is not None:
        return
    if definitions_file is None:
        raise WrongInput("--definitions is missing: what the records mean")
    files = [facts, signals, status, mentions, surveys]
    if not any(file is not None for file in (facts, signals, mentions, surveys)):
        raise WrongInput("nothing to look at: give --facts, --signals, --mentions or --surveys")
    if files.count("-") > 1:
        raise WrongInput("only one file can be standard input")
    definitions = load_definitions(definitions_file)
    scorer = None if mentions is None else fitted_scorer(definitions, definitions_file)
    recount = SurgeRecount(definitions, with_facts=facts is not None, now_us=wall_clock_us, scorer=scorer)
    if facts is not None:
        count_records(facts, "customer-events", recount.add_facts)
        recount.end_of_facts()
    if status is not None:
        count_records(status, "service-status", recount.add_statuses)
    if signals is not None:
        count_records(signals, "qos-signals", recount.add_signals)
    if mentions is not None:
        count_records(mentions, "social-mentions", recount.add_mentions)
    if surveys is not None:
        count_records(surveys, "survey-responses", recount.add_answers)
    found = recount.finish()
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(found) + b"\n")
        return
    for line in surge_lines(found, definitions.currency):
        click.echo(line)


command.add_command(mark_command)
