"""What every part of the benchmark is given, and what it gives back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rich.table import Table

from benchmarks.contenders import Contender
from benchmarks.field import Field
from benchmarks.workload import Shape


@dataclass(frozen=True, slots=True)
class Bench:
    """One call of the command.

    Attributes:
        contenders: those asked for that can be run here.
        runs: how often each figure is taken.
        check: whether answers are judged.
        step: to be called after each run of a contender.
        base_customers: of the standing base whose memory and recovery are measured.
    """

    field: Field
    contenders: Sequence[Contender]
    shape: Shape
    runs: int
    check: bool
    step: Callable[[], None]
    base_customers: int = 1_000_000


class Figures(Protocol):
    """What one part measured."""

    def table(self) -> Table:
        """For people."""
        ...

    def as_json(self) -> Any:
        """For `--json`."""
        ...

    def faults(self) -> list[str]:
        """Answers that were wrong, a sentence each."""
        ...
