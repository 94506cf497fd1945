"""`netgrowth voice`: mentions over a file of records, without Kafka."""

import sys
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from agents.commands.environment import WrongInput
from agents.commands.ledger import SHOWN_DEAD_LETTERS, load_definitions
from agents.commands.voice_text import voice_lines
from agents.record_files import UnreadableFile, read_records, size_of
from agents.sentiment_models import model_path, scorer_for
from agents.wall_clock import wall_clock_us
from streams.sentiment.linear import UnreadableModel
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
    path = model_path(definitions_file)
    try:
        scorer = scorer_for(definitions, path)
    except (OSError, UnreadableModel) as error:
        raise WrongInput(f"{path} cannot be read: {error}; fit it anew, or take it away") from error
    if scorer is not None:
        click.echo(f"sentiment by {path}", err=True)
    recount = VoiceRecount(definitions, by=by, now_us=wall_clock_us, scorer=scorer)
    _read_into(recount, mentions)
    found = recount.finish()
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(found) + b"\n")
        return
    for line in voice_lines(found):
        click.echo(line)


def _read_into(recount: VoiceRecount, file: str) -> None:
    """Count a file, with progress and faults on stderr."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("counting {task.fields[name]}"), BarColumn(), TextColumn("{task.fields[records]:,} records"),
        TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True,
        disable=not console.is_terminal,
    )  # fmt: skip
    faults = 0
    try:
        with bar:
            task = bar.add_task("", total=size_of(file), name=Path(file).name, records=0)
            for records in read_records(file, "social-mentions", on_read=lambda n: bar.advance(task, n)):
                for letter in recount.add(records).dead_letters:
                    if faults < SHOWN_DEAD_LETTERS:
                        click.echo(f"line {letter.position.offset + 1}: {letter.reason}: {letter.detail}", err=True)
                    faults += 1
                bar.update(task, records=recount.records)
    except UnreadableFile as error:
        raise WrongInput(str(error)) from error
    if faults > SHOWN_DEAD_LETTERS:
        click.echo(f"... {faults} records could not be admitted; they are counted by reason", err=True)
    if recount.unmapped:
        click.echo(f"{recount.unmapped} records are unmapped: no source takes them", err=True)
