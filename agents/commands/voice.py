"""`netgrowth voice`: mentions over a file of records, without Kafka."""

import sys

import click
import orjson

from agents.commands.fitted import fitted_scorer
from agents.commands.ledger import load_definitions
from agents.commands.record_counting import count_records
from agents.commands.voice_text import voice_lines
from agents.wall_clock import wall_clock_us
from streams.voice.recount import VoiceRecount


@click.command(
    "voice",
    epilog="Example: netgrowth replay airline-tweets --data ../shared/data/airline-tweets --print social-mentions | "
    "netgrowth voice --definitions airline-tweets --mentions - --by day",
)
@click.option("--definitions", "definitions_file", required=True, help="The definitions file (YAML).")
@click.option(
    "--mentions", required=True, metavar="FILE", help="Records, one JSON object a line; - is standard input."
)
@click.option("--by", type=click.Choice(["hour", "day"]), help="A period each; default: one over all.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
def command(definitions_file: str, mentions: str, by: str | None, as_json: bool) -> None:
    """Count a file of records as they lie in social-mentions: who says what of which brand, happy or unhappy.

    Copies, swarms of accounts and machines are told from people and set apart. The file may be gzip or zstd
    compressed. A line that is no valid record is counted and reported, never fatal.
    """
    definitions = load_definitions(definitions_file)
    scorer = fitted_scorer(definitions, definitions_file)
    recount = VoiceRecount(definitions, by=by, now_us=wall_clock_us, scorer=scorer)
    count_records(mentions, "social-mentions", recount.add)
    found = recount.finish()
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(found) + b"\n")
        return
    for line in voice_lines(found):
        click.echo(line)
