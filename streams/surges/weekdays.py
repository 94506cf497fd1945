"""Which parts of the week are busier or quieter than the same time of other days: learnt once weeks have shown it.

The past of a series holds days, not weeks. So what each part of the week was, beside the days before it, is kept for
the last three weeks; their middle is believed as far as the parts of the week differ by more than chance explains.
"""

import numpy as np
import numpy.typing as npt

from streams.surges.grid import Grid

Floats = npt.NDArray[np.float64]

WEEKS, DAYS, LEAST_DAYS = 3, 7, 5
"""Of the days before so many must be known, or a part of the week teaches nothing."""
PARTS = 4
"""Parts of a day: six hours each, which cost a series no more than a few hundred bytes."""
FEW = 2.0
"""Events added on both sides of a ratio, so that empty parts have one."""
MOST = 4.0
"""Largest logarithm of a ratio that is learnt."""
ERROR_OF_MIDDLE = 0.45
"""Variance of the middle of three normal values over the variance of one."""
MIDDLE_OF_VARIANCE = 0.693
"""Middle of the variances of samples of three normal values over the true one: chi-square of two degrees, halved."""
LEAST_SHARE = 0.9
LEAST_SEEN = 0.25
"""Smaller shares, and smaller mean squares of the logarithms (a weekend at a third of the other days has 0.34, one at
half of them 0.14), are not believed: the spread of the past covers them, and a level that is wrong costs more."""

_NOTHING: Floats = np.empty(0)


class Weekdays:
    """What is known of the week of one series.

    Attributes:
        logs: of the ratio of each part of the week to the same part of the days before: (week, part of the week);
            NaN where unknown.
        factors: what is believed of them, logarithms, 0 in the middle; empty while weeks have shown nothing.
    """

    __slots__ = ("_cells", "_parts", "factors", "logs")

    def __init__(self, grid: Grid) -> None:
        is_daily = grid.season == grid.per_day and grid.per_day % PARTS == 0
        self._parts = PARTS if is_daily else 0
        self._cells = max(1, grid.per_day // PARTS)
        self.logs = np.full((WEEKS, DAYS * self._parts), np.nan, dtype=np.float16)
        self.factors = _NOTHING

    def restore(self, logs: bytes) -> None:
        """Take over the bytes of `logs`; empty: nothing is known."""
        if logs:
            self.logs = np.frombuffer(logs, dtype=np.float16).reshape(WEEKS, -1).copy()
            self._believe()

    def ends_part(self, following: int) -> int:
        """How many cells the part of the week has that ends before this cell; 0 where none does."""
        return self._cells if self._parts and following % self._cells == 0 else 0

    def learn(self, following: int, sums: Floats) -> None:
        """A part ended before this cell.

        Args:
            sums: events in this part, and in the same part on the days before, newest first; NaN where unknown.
        """
        part = following // self._cells - 1
        week, place = divmod(part, self.logs.shape[1])
        log = np.nan
        back = np.flatnonzero(np.isfinite(sums[1:])) + 1
        if len(back) >= LEAST_DAYS and np.isfinite(sums[0]):
            usual = sums[back]
            if len(self.factors):
                usual = usual * np.exp(-self.factors[(part - back * self._parts) % len(self.factors)])
            log = float(np.clip(np.log((sums[0] + FEW) / (np.median(usual) + FEW)), -MOST, MOST))
        self.logs[week % WEEKS, place] = log
        self._believe()

    def growth(self, following: int, days: int) -> Floats | None:
        """How many times as busy this cell is as those 1, 2, ... so many days before; None: nothing is known."""
        if not len(self.factors):
            return None
        part = following // self._cells - self._parts * np.arange(days + 1)
        logs = self.factors[part % len(self.factors)]
        growth: Floats = np.exp(logs[0] - logs[1:])
        return growth

    def _believe(self) -> None:
        """Weigh the middle of the weeks by how far it can be trusted.

        Source: empirical Bayes; the share kept is 1 - variance by chance / variance seen.
        """
        logs = self.logs.astype(np.float64)
        whole = np.isfinite(logs).all(axis=0)
        self.factors = _NOTHING
        if not whole.all():
            return
        weeks = logs.reshape(WEEKS, DAYS, self._parts)
        days = weeks.mean(axis=2, keepdims=True)
        self.factors = (_believed(days) + _believed(weeks - days)).ravel()
        if not self.factors.any():
            self.factors = _NOTHING


def _believed(weeks: Floats) -> Floats:
    """The middle of the weeks, beside the middle of the days, as far as it can be trusted: (day, part)."""
    middles: Floats = np.median(weeks, axis=0)
    middles -= np.median(middles, axis=0)
    seen = float(np.mean(np.square(middles)))
    chance = ERROR_OF_MIDDLE * float(np.median(weeks.var(axis=0, ddof=1))) / MIDDLE_OF_VARIANCE
    kept = 1.0 - chance / seen if seen > 0.0 else 0.0
    return middles * (kept if kept >= LEAST_SHARE and seen >= LEAST_SEEN else 0.0)
