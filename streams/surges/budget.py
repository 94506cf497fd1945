"""How far out a surge must lie: the budget of false alarms of each series, and that of the whole board."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from streams.surges.alarm_line import BUDGET_DAYS, alarm_line
from streams.surges.grid import grid_of
from streams.surges.series import Series
from streams.surges.steps import DAY_S, FINE_S, HOUR_S, Step

BOARD_BUDGET_DAYS: Final = 7.0
"""One false alarm in so many days over all series together."""
WHOLES_SHARE: Final = 0.75
PARTS_SHARE: Final = 0.5
"""Of the board's budget, the part for the wholes (of each measure the series with the fewest labels), and that for
what lies in them. More than one in all: a part seldom surges alone."""
SHARES: Final = {FINE_S: 2 / 3, HOUR_S: 2 / 3, DAY_S: 1 / 6}
"""Of a series' budget, the part for slots of each length. More than one in all: they look at much the same counts.
For days it is the least: what is told a day late had better be true."""
FIRST_DAYS: Final = 1.25
"""So much further out must lie what is told on the first two days, when nobody knows yet how the morning rises."""


@dataclass(frozen=True)
class SurgeRules:
    """What an operator may set.

    Attributes:
        budget_days: one false alarm in so many days and series is accepted.
        board_budget_days: and one in so many days over all series together; the stricter of the two holds.
        zone: IANA name of the company's time zone, in which days begin.
    """

    budget_days: float = BUDGET_DAYS
    board_budget_days: float = BOARD_BUDGET_DAYS
    zone: str = "UTC"


class Budget:
    """The lines of all series.

    Attributes: surging: wholes with an open surge.
    """

    def __init__(self, rules: SurgeRules) -> None:
        """Raises: ValueError for a budget that is not positive."""
        if not (rules.budget_days > 0 and rules.board_budget_days > 0):
            raise ValueError(f"need budgets above 0 days, got {rules.budget_days!r} and {rules.board_budget_days!r}")
        self.surging: set[Series] = set()
        self._rules = rules
        self._fewest: dict[str, int] = {}
        self._wholes = self._parts = 0
        self._lines: dict[tuple[float, int], float] = {}

    def take_in(self, key: Series) -> None:
        """There is another series."""
        self._fewest[key.measure] = min(len(key.labels), self._fewest.get(key.measure, len(key.labels)))

    def count(self, keys: Iterable[Series]) -> None:
        """Count the wholes and the parts, which share the board's budget."""
        wholes = [self.is_whole(key) for key in keys]
        if (sum(wholes), len(wholes) - sum(wholes)) != (self._wholes, self._parts):
            self._wholes, self._parts = sum(wholes), len(wholes) - sum(wholes)
            self._lines.clear()

    def is_whole(self, key: Series) -> bool:
        """Whether no series of the measure has fewer labels."""
        return len(key.labels) <= self._fewest.get(key.measure, len(key.labels))

    def may_tell(self, key: Series, step: Step) -> bool:
        """Whether a step may tell a surge.

        Until hours have seen the time of day they leave it to the shorter slots, and parts to their whole: on the
        first morning all of them rise.
        """
        if step.step_s == DAY_S or (step.step_s == FINE_S and self.is_whole(key)):
            return True
        return step.known_days > 0

    def line(self, key: Series, step: Step) -> float:
        """The stricter of a series' own budget and its share of the board's.

        In a whole that surges its parts are judged by their own budget alone: one looks into what is told already.
        """
        if self.is_whole(key):
            line = self._line(step.step_s, self._wholes / WHOLES_SHARE)
        elif self._lies_in_a_surge(key):
            line = self._line(step.step_s, 0.0)
        else:
            line = self._line(step.step_s, self._parts / PARTS_SHARE)
        return line * FIRST_DAYS if step.step_s == FINE_S and step.known_days < 2 else line

    def _lies_in_a_surge(self, key: Series) -> bool:
        if not self.surging:
            return False
        labels = set(key.labels)
        return any(whole.measure == key.measure and labels.issuperset(whole.labels) for whole in self.surging)

    def _line(self, step_s: int, sharing: float) -> float:
        line = self._lines.get((sharing, step_s))
        if line is None:
            days = max(self._rules.budget_days, self._rules.board_budget_days * sharing)
            line = self._lines[sharing, step_s] = alarm_line(grid_of(step_s), days / SHARES[step_s])
        return line
