"""What every part of the benchmark is given, and what it gives back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Protocol, TypeVar

from rich.table import Table

from benchmarks.child import ChildFailed
from benchmarks.contenders import Contender
from benchmarks.field import Field
from benchmarks.peers.kafka_streams import CannotBuild
from benchmarks.workload import Shape

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Bench:
    """One call of the command.

    Attributes:
        contenders: those asked for that can be run here.
        runs: how often each figure is taken.
        check: whether answers are judged.
        step: to be called after each run of a contender.
        base_customers: of the standing base whose memory and recovery are measured.
        failed: what could not be measured, and why.
    """

    field: Field
    contenders: Sequence[Contender]
    shape: Shape
    runs: int
    check: bool
    step: Callable[[], None]
    base_customers: int = 1_000_000
    failed: list[str] = dataclass_field(default_factory=list)

    def attempt(self, what: str, work: Callable[[], Result]) -> list[Result]:
        """Do a step of the benchmark: its result, or nothing, and why in `failed`; one failure spoils no other."""
        try:
            return [work()]
        except (ChildFailed, CannotBuild) as error:
            self.failed.append(f"{what}: {error}")
            return []
        finally:
            self.step()


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
