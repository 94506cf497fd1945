"""Which parts of the week are busier or quieter than the same time of other days: learnt once weeks have shown it.

The past of a series holds days, not weeks. So what each part of the week was, beside the days before it, is kept for
the last three weeks; their middle is believed as far as the parts of the week differ by more than chance explains.
"""

import warnings

import numpy as np
import numpy.typing as npt

from streams.surges.cell_sums import ROOT_SHIFT
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
LEAST_SEEN = 0.1
"""Smaller shares, and smaller mean squares of the logarithms, are not believed: the spread of the past covers them,
and a level that is wrong costs more. A weekend at half of the other days has 0.14, one at two thirds of them 0.05."""

_NOTHING: Floats = np.empty(0)


class Weekdays:
    """What is known of the week of one series.

    Attributes:
        logs: of the ratio of each part of the week to the same part of the days before: (week, part of the week);
            NaN where unknown.
        factors: what is believed of them, logarithms, 0 in the middle; empty while weeks have shown nothing.
        origin: number of cell 0 since 1970: days of the week begin at midnight UTC, whenever a series did.
    """

    __slots__ = ("_cells", "_parts", "factors", "logs", "origin")

    def __init__(self, grid: Grid) -> None:
        is_daily = grid.season == grid.per_day and grid.per_day % PARTS == 0
        self._parts = PARTS if is_daily else 0
        self._cells = max(1, grid.per_day // PARTS)
        self.logs = np.full((WEEKS, DAYS * self._parts), np.nan, dtype=np.float16)
        self.factors = _NOTHING
        self.origin = 0

    def restore(self, logs: bytes, origin: int) -> None:
        """Take over the bytes of `logs`, empty where nothing is known, and `origin`."""
        self.origin = origin
        if logs:
            self.logs = np.frombuffer(logs, dtype=np.float16).reshape(WEEKS, -1).copy()
            self._believe()

    def ends_part(self, following: int) -> int:
        """How many cells the part of the week has that ends before this cell; 0 where none does."""
        return self._cells if self._parts and (following + self.origin) % self._cells == 0 else 0

    def learn(self, following: int, sums: Floats) -> None:
        """A part ended before this cell.

        Args:
            sums: events in this part, and in the same part on the days before, newest first; NaN where unknown.
        """
        part = (following + self.origin) // self._cells - 1
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

    def weights(self, cells: npt.NDArray[np.int64]) -> Floats:
        """How busy the week makes each of these cells, beside its middle; 1 while nothing is known."""
        if not len(self.factors):
            return np.ones(cells.shape)
        weights: Floats = np.exp(self.factors[(cells + self.origin) // self._cells % len(self.factors)])
        return weights

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


def bring_to_weekday(roots: Floats, growth: Floats) -> None:
    """Move the sums of each day by as much as its days of the week were busier or quieter, in place.

    Moved, not multiplied: on the root scale counts stray as far whatever their mean.
    """
    grown = np.sqrt(growth)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # Days that nothing is known of have no middle.
        level = np.nanmedian(np.nanmean(roots * grown, axis=2), axis=1)
    roots += level[:, None, None] * (1.0 - 1.0 / grown)
    np.maximum(roots, 2.0 * np.sqrt(ROOT_SHIFT), out=roots)


def _believed(weeks: Floats) -> Floats:
    """The middle of the weeks, beside the middle of the days, as far as it can be trusted: (day, part)."""
    middles: Floats = np.median(weeks, axis=0)
    middles -= np.median(middles, axis=0)
    seen = float(np.mean(np.square(middles)))
    chance = ERROR_OF_MIDDLE * float(np.median(weeks.var(axis=0, ddof=1))) / MIDDLE_OF_VARIANCE
    kept = 1.0 - chance / seen if seen > 0.0 else 0.0
    return middles * (kept if kept >= LEAST_SHARE and seen >= LEAST_SEEN else 0.0)
