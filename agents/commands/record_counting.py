"""Counting a file of records for a command, with progress and faults on stderr."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from agents.commands.environment import WrongInput
from agents.record_files import UnreadableFile, read_records, size_of
from streams.facts.models import DeadLetter, RawRecord
from streams.report.wording import plural

SHOWN_DEAD_LETTERS = 5


class Admitted(Protocol):
    """What became of the records of one batch."""

    @property
    def records(self) -> int: ...

    @property
    def unmapped(self) -> int: ...

    @property
    def dead_letters(self) -> Sequence[DeadLetter]: ...


def count_records(file: str, topic: str, add: Callable[[Sequence[RawRecord]], Admitted]) -> None:
    """Give `add` the records of a file, as they would lie in a topic, batch by batch.

    The first few faults are told with their lines, and how many records were not admitted, or taken by no rule.

    Raises: WrongInput when the file cannot be read.
    """
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("counting {task.fields[name]}"), BarColumn(), TextColumn("{task.fields[records]:,} records"),
        TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True,
        disable=not console.is_terminal,
    )  # fmt: skip
    refused = read = unmapped = 0
    try:
        with bar:
            task = bar.add_task("", total=size_of(file), name=Path(file).name, records=0)
            for records in read_records(file, topic, on_read=lambda n: bar.advance(task, n)):
                batch = add(records)
                read += batch.records
                unmapped += batch.unmapped
                for letter in batch.dead_letters:
                    if refused < SHOWN_DEAD_LETTERS:
                        line = letter.position.offset + 1
                        click.echo(f"{topic}, line {line}: {letter.reason}: {letter.detail}", err=True)
                    refused += 1
                bar.update(task, records=read)
    except UnreadableFile as error:
        raise WrongInput(str(error)) from error
    if refused > SHOWN_DEAD_LETTERS:
        told = plural(refused, f"record of {topic}", f"records of {topic}")
        click.echo(f"... {told} could not be admitted; they are counted by reason", err=True)
    if unmapped:
        told = plural(unmapped, f"record of {topic} is", f"records of {topic} are")
        click.echo(f"{told} unmapped: no rule takes such a record", err=True)
