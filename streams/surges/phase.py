"""What a series is in: warming, normal, in a surge; and whether a level that lasts has become the usual one."""

from typing import Final

from streams.surges.grid import Grid
from streams.surges.verdict import State

ONE_SIDED: Final = 0.8
"""Of a day, the share by which values lie more often on one side of what was expected when that is the new level."""
ONE_SIDED_DAYS: Final = 1.6
"""How long values on one side alone take to reach that share."""
ONE_SIDED_BELOW: Final = 0.889
ONE_SIDED_BELOW_DAYS: Final = 2.2
"""Likewise of fewer than expected: a weekend must not become the usual level, or each Monday is a surge."""
LASTING: Final = 0.75
LASTING_ALARMS: Final = 0.35
"""Such a level is new if for so large a share of a day the deviation came near the line."""
QUIET: Final = 2.0
CLOSE_S: Final = 3 * 3_600
"""A surge is over when nothing deviates by more than QUIET for so long, and for three slots at least."""


class Phase:
    """The state of one series.

    Attributes:
        state: as the last value left it.
        quiet_slots: since the last deviation of an open surge.
        drop_told: a drop was told and is not over.
        one_sided: by how much more often values lie above what was expected than below, -1 to 1, over a day.
        alarms: share of a day in which the deviation came near the line.
    """

    __slots__ = ("_close_slots", "_day", "_per_cell", "alarms", "drop_told", "one_sided", "quiet_slots", "state")

    def __init__(self, grid: Grid) -> None:
        self.state = State.WARMING
        self.quiet_slots = 0
        self.drop_told = False
        self.one_sided = 0.0
        self.alarms = 0.0
        self._day = max(24, grid.per_day)
        self._per_cell = grid.per_cell
        self._close_slots = max(3, round(CLOSE_S / grid.interval_s))

    def move(self, deviate: float, line: float, *, is_warming: bool, is_drop: bool) -> None:
        """A slot is over: a surge opens at the line and closes after hours of quiet."""
        raised = not is_warming and deviate >= LASTING * line
        self.alarms += (raised - self.alarms) / (self._day * self._per_cell)
        if is_warming:
            self.state = State.WARMING
        elif deviate >= line:
            self.state = State.SURGE
            self.quiet_slots = 0
        elif self.state is State.SURGE:
            self.quiet_slots = self.quiet_slots + 1 if deviate < QUIET else 0
            if self.quiet_slots >= self._close_slots:
                self.state = State.NORMAL
        else:
            self.state = State.NORMAL
        self.drop_told = self.state is State.SURGE and (self.drop_told or (is_drop and deviate >= line))

    def early(self, deviate: float, line: float, *, is_warming: bool) -> State:
        """The state that the running slot is in already."""
        if is_warming:
            return State.WARMING
        return State.SURGE if deviate >= line or self.state is State.SURGE else State.NORMAL

    def lean(self, *, is_above: bool) -> int:
        """A value lay above what was expected, or below: for how many cells the level has been a new one, or 0.

        A restless series has such days too: only a level that raised an alarm, and still does, is new.
        """
        side, share, days = (
            (1.0, ONE_SIDED, ONE_SIDED_DAYS) if is_above else (-1.0, ONE_SIDED_BELOW, ONE_SIDED_BELOW_DAYS)
        )
        self.one_sided += (side - self.one_sided) / self._day
        if side * self.one_sided <= share or self.alarms <= LASTING_ALARMS:
            return 0
        self.one_sided = self.alarms = 0.0
        return round(days * self._day)
