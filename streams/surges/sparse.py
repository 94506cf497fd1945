"""Level and spread where even sums of the longest length expect few events.

Most such sums are 0, and the inner parts of sorted zeros tell nothing. So the mean of some hours around the time of
day is taken, and the variance of neighbouring cells, over all days known; of both the largest day counts as the one
after it, so that a surge does not raise the bar for ten days.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams.surges.grid import Grid

Floats = npt.NDArray[np.float64]

SPARSE_BELOW: Final = 8.0
"""Expected events of the longest sum."""
HOURS: Final = 4
"""Of each day, so many before the time of day and so many after it."""
LEAST_DAYS: Final = 2


class Sparse(NamedTuple):
    """Expected events of a cell, and variance over mean."""

    mean: float
    spread: float


def cells_of_days(grid: Grid, following: int) -> npt.NDArray[np.int64] | None:
    """Numbers of the cells around the time of day of the next one, (day, cell), the last day first.

    The newest hours are left out: a surge may be in them. None: too few days are known, or cells are days.
    """
    if not grid.season or grid.season != grid.per_day or grid.per_day % 24:
        return None
    near = HOURS * grid.per_day // 24
    days = (min(following, grid.kept) - near) // grid.season
    if days < LEAST_DAYS:
        return None
    return following + np.arange(-near, near) - grid.season * np.arange(1, days + 1)[:, None]


def level_of_few(days: Floats) -> Sparse | None:
    """Level and spread of counts, (day, cell); NaN where unknown. None: nothing is known of any day."""
    days = days[np.isfinite(days).any(axis=1)]
    if len(days) < LEAST_DAYS:
        return None
    stray = np.square(np.diff(days, axis=1))
    mean = _without_the_largest(np.nanmean(days, axis=1))
    known = np.isfinite(stray).any(axis=1)
    if mean <= 0.0 or known.sum() < LEAST_DAYS:
        return None
    return Sparse(mean, 0.5 * _without_the_largest(np.nanmean(stray[known], axis=1)) / mean)


def _without_the_largest(days: Floats) -> float:
    largest = np.sort(days)
    largest[-1] = largest[-2]
    return float(largest.mean())
