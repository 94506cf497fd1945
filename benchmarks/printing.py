"""The tables of `netgrowth bench`, and its progress."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

MIB = 1 << 20
PIPED_WIDTH = 130


class Shown:
    """What is being done, on stderr: a bar over the steps where there is a terminal, else a line for each step."""

    def __init__(self, console: Console, steps: int) -> None:
        self._console = console
        self._steps = steps
        self._done = 0
        self._last = ""
        self._progress: Progress | None = None
        self._task: Any = None
        if console.is_terminal:
            self._progress = Progress(
                BarColumn(20), TextColumn("{task.completed:.0f}/{task.total:.0f}"), TimeElapsedColumn(),
                TextColumn("{task.description}"), console=console, transient=True,
            )  # fmt: skip
            self._task = self._progress.add_task("", total=steps)

    @contextmanager
    def shown(self) -> Iterator["Shown"]:
        """Show it until the end of the block."""
        if self._progress is None:
            yield self
            return
        with self._progress:
            yield self

    def tell(self, text: str) -> None:
        """What is being done now."""
        if self._progress is not None:
            self._progress.update(self._task, description=text)
            return
        # Where nobody watches, a count that goes on is one line, not hundreds.
        first = text.partition(":")[0]
        if first != self._last:
            self._last = first
            self._console.print(first, highlight=False)

    def step(self) -> None:
        """One step is done."""
        self._done += 1
        if self._progress is not None:
            self._progress.update(self._task, completed=self._done)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Names to the left, figures to the right."""
    shown = Table(title=title, title_justify="left", title_style="bold", header_style="", box=SIMPLE_HEAD)
    for place, column in enumerate(columns):
        shown.add_column(column, justify="right" if place else "left", no_wrap=place > 0)
    for row in rows:
        shown.add_row(*row)
    return shown


def output() -> Console:
    """Standard output; wide enough for whole tables where it is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=PIPED_WIDTH)


def mib(size: float) -> str:
    """Bytes as MiB."""
    return f"{size / MIB:,.0f}"
