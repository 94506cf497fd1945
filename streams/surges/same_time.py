"""What sums were at the very time of day, not around it: at the edges of quiet nights neighbours are no guide."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.surges.cell_sums import ROOT_SHIFT

Floats = npt.NDArray[np.float64]

PLAIN, STEEP = 4.0, 0.5
"""A level that is borrowed lies so many standard errors off that of the same time of day, and by so much of it, where
it is not believed."""


class SameTime(NamedTuple):
    """What sums at the very time of day were, of days before: (length of sum, cell of the renewal).

    Attributes:
        mean: of all days, of which the largest, of three and more, counts as the one after it; NaN: none is known.
        variance: of one of them.
        days: how many.
    """

    mean: Floats
    variance: Floats
    days: Floats


def same_time_of(roots: Floats, near: int, renew: int) -> SameTime:
    """Of (length, row, column) of roots, of which so many columns lie before and after those of the renewal."""
    counts = np.maximum(np.square(0.5 * roots) - ROOT_SHIFT, 0.0)
    if near > 1:
        counts = (counts[:, :, near - 1 : -2] + counts[:, :, near:-1] + counts[:, :, near + 1 :])[:, :, :renew] / 3.0
    else:
        counts = counts[:, :, near : near + renew]
    counts = np.sort(counts, axis=1)  # NaN last
    known = np.isfinite(counts).sum(axis=1)
    place = np.arange(counts.shape[1])[:, None]
    largest = np.maximum(known - 1, 0)[:, None, :]
    tamed = np.take_along_axis(counts, np.where(known[:, None, :] > 2, largest - 1, largest), axis=1)
    counts = np.where(place < largest, counts, np.where(place == largest, tamed, 0.0))
    days = np.maximum(known, 1).astype(np.float64)
    mean = np.where(known > 0, np.add.reduce(counts, axis=1) / days, np.nan)
    apart = np.where(place <= largest, np.square(counts - mean[:, None, :]), 0.0)
    return SameTime(mean, np.add.reduce(apart, axis=1) / np.maximum(days - 1.0, 1.0), days)


def unless_another(level: Floats, spread: Floats, own: SameTime, number: int) -> tuple[Floats, Floats]:
    """Level and spread that are taken from other times, or those of the very time of day where it is plainly another.

    Args:
        level: expected counts; spread: variance over mean; both of the cells of the renewal.
        number: of the length of sum.
    """
    mean, variance, days = own.mean[number], own.variance[number], own.days[number]
    error = np.sqrt(np.maximum(variance, level) / days)
    plain = np.abs(level - mean) > np.maximum(PLAIN * error, STEEP * level)
    plain &= (mean < level) | (days > 1.0)  # One day that was busier may have had a surge.
    if not plain.any():
        return level, spread
    of_own = np.maximum(spread, variance / np.maximum(mean, 1.0)) * (1.0 + 1.0 / days)
    return np.where(plain, mean, level), np.where(plain, of_own, spread)
