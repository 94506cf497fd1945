"""What the facts of one customer mean: movements, pending losses, and an outcome for each fact."""

from dataclasses import dataclass, field
from typing import Any

from .facts import Fact


@dataclass
class Movement:
    """One movement, or an opening; `transfer` leaves `scope` for `to`. `cause` None: the clock."""

    kind: str
    at: int
    scope: tuple[str, str, str]
    customers: int
    value: int
    cause: Fact | None
    to: tuple[str, str, str] | None = None
    activity: str = ""
    earned: bool = False
    reason: str = ""
    loss_kind: str = ""
    early: bool = False
    count: int = 0
    cohort_at: int | None = None

    @property
    def by_clock(self) -> bool:
        """Whether no fact, but the clock brought it."""
        return self.cause is None


@dataclass
class LateOpening:
    """An opening that came beyond the horizon and takes the place of an implied one that is older too."""

    fact: Fact
    corrects_loss: bool
    """The implying fact is a loss at that same instant: then value and profile are the opening's as well."""
    forgotten: tuple
    """Order of the newest fact older than the horizon then: what that and earlier ones meant stays."""


@dataclass
class History:
    """What the facts of one customer mean."""

    movements: list[Movement] = field(default_factory=list)
    outcomes: dict[Any, str] = field(default_factory=dict)
    pendings: list[list] = field(default_factory=list)
    """Pending losses as [set at, ended at or None, the standing fact that set it last]."""
    known: bool = False
    implied_by: Any = None
    """The standing fact that implied an opening, while no real opening took its place."""
    lost_at_once: bool = False
    """The fact that implied the opening is itself a loss that was not withdrawn."""
