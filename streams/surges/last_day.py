"""How much busier or quieter the last day was than the days before it, and how much of that is believed.

The middle of ten days lags behind a level that moves by five of them. The hours of the last day but the newest six,
which a surge may be in, are held against the same hours of the days before. What they lie apart is drawn to nothing
as far as chance explains it: levels that wander, whose sums over hours stray much further than those of one cell,
keep the level of ten days.
"""

from math import exp

import numpy as np
import numpy.typing as npt

from streams.surges.cell_sums import ROOT_SHIFT
from streams.surges.grid import Grid
from streams.surges.inner_parts import centre_and_spread

Floats = npt.NDArray[np.float64]

HOURS, NEWEST = 24, 6
"""Of the last day, and those of them that are left out."""
LEAST_DAYS, LEAST_HOURS = 3, 6
"""Days before the last one, and hours, that must be known."""
USUAL = 0.15
"""Standard deviation of the logarithm of a day's level about that of the days before."""
MOST = 0.4
"""A larger logarithm is no usual day but a new level, a weekend or a long surge: those are told, not followed."""
INNER_LOSS = 1.15
"""Variance of the mean of the inner parts of normal values over that of their mean."""
STRAY_FURTHER = 2.0
"""By which power of the growth of the spread, from the shortest sums to the longest, a day strays further still. With
1 or less, real series of mentions lost surges."""


def hours_of_days(grid: Grid, following: int) -> npt.NDArray[np.int64] | None:
    """Numbers of the cells of these hours, (day, hour, cell), the last day first; None: this grid has no such hours.

    Args:
        following: the number of the cell that comes next.
    """
    if not grid.season or grid.season != grid.per_day or grid.per_day % HOURS:
        return None
    hour = grid.per_day // HOURS
    days = (min(following, grid.kept) - grid.per_day) // grid.season
    if days < LEAST_DAYS:
        return None
    cells = np.arange((HOURS - NEWEST) * hour).reshape(-1, hour) - grid.per_day
    return following + cells - grid.season * np.arange(days + 1)[:, None, None]


def growth_of_last_day(hours: Floats, spread: Floats) -> float:
    """By which factor the counts of the last day were more than those of the days before, as far as it is believed.

    Args:
        hours: counts, (day, hour), the last day first; NaN where unknown.
        spread: standard deviations of the roots of sums (2 * sqrt of a count), the shortest sums first.
    Source: empirical Bayes for a normal mean (Efron and Morris, JASA 70, 1975), on the logarithm of the level.
    """
    if not np.isfinite(spread).all():
        return 1.0
    roots = 2.0 * np.sqrt(hours + ROOT_SHIFT)
    usual, _ = centre_and_spread(np.ascontiguousarray(roots[1:].T))
    known = np.isfinite(roots[0]) & np.isfinite(usual)
    if known.sum() < LEAST_HOURS:
        return 1.0
    (apart,), _ = centre_and_spread(((roots[0] - usual) / usual)[None, known])
    log_growth = 2.0 * float(apart)
    if abs(log_growth) > MOST:
        return 1.0
    shortest, longest = np.square(spread[[0, -1]])
    stray = longest * max(1.0, longest / shortest) ** STRAY_FURTHER
    noise = 4.0 * stray * INNER_LOSS * (1.0 + 1.0 / (len(hours) - 1)) / np.square(usual[known]).sum()
    return exp(log_growth / (1.0 + float(noise) / USUAL**2))
