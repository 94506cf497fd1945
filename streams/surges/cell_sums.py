"""Sums of neighbouring cells over the lengths that are compared, and their roots."""

from typing import Final

import numpy as np
import numpy.typing as npt

from streams.surges.grid import WINDOWS

Floats = npt.NDArray[np.float64]

LONGEST: Final = WINDOWS[-1]
LENGTHS: Final = np.array(WINDOWS, dtype=np.float64)
ROOT_SHIFT: Final = 0.375
"""Anscombe's: 2 * sqrt(count + 3/8) has the same standard deviation, 1, for every mean of a Poisson variable."""


def sums_of(values: npt.NDArray[np.float64 | np.bool_]) -> Floats:
    """Of the cells that end in each column but the first ones: (length of sum, row, column)."""
    rows, width = values.shape
    running = np.zeros((rows, width + 1))
    np.cumsum(values, axis=1, out=running[:, 1:])
    sums = np.empty((len(WINDOWS), rows, width - LONGEST + 1))
    for number, length in enumerate(WINDOWS):
        np.subtract(running[:, LONGEST:], running[:, LONGEST - length : width + 1 - length], out=sums[number])
    return sums


def roots_of_sums(values: Floats, unit: float, *, whole: bool = False) -> Floats:
    """Roots of the sums that end in each column but the first ones: (length of sum, row, column).

    `whole`: a sum with an unknown cell is unknown; else it is made up for if at least half is known.
    """
    unknown = np.isnan(values)
    gaps = bool(unknown.any())
    sums = sums_of(np.where(unknown, 0.0, values) if gaps else values)
    if gaps:
        known = sums_of(~unknown) / LENGTHS[:, None, None]
        sums = np.where(known >= (1.0 if whole else 0.5), sums / np.maximum(known, 0.5), np.nan)
    if unit != 1.0:
        sums /= unit
    sums += ROOT_SHIFT
    np.sqrt(np.maximum(sums, 0.0), out=sums)
    sums *= 2.0
    return sums
