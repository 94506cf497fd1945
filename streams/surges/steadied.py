"""Spreads drawn to their own average of some days, as far as they differ no more than chance explains.

A spread is measured on the sums around one time of day. Of five minutes that is some 240 sums in ten days; of hours
three a day, and in the first days a handful: such spreads differ from hour to hour by chance, up to a factor of ten,
and where one is by chance small, any evening is a surge.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

NOISE: Final = np.array([0.0045, 0.006, 0.009, 0.018, 0.035, 0.065])
"""Variance of the logarithm of a spread that is measured on ten days of five minutes, by length of sum. The alarm
line was set with it."""
NOISE_OF_ONE: Final = 1.08
"""The same of a spread measured on one sum, from the inner parts of sorted values; on more that do not overlap it is
that much less. On 3 to 28 days of drawn hours it was 0.94 to 1.41 of that, and the mean of the logarithm was as much
too low as its variance; on two days and less both more."""
MEMORY_DAYS: Final = 3
LEAST: Final = 0.3


def steadied(
    memory: Floats, spread: Floats, noise: Floats, forget: float, bias: Floats | float = 0.0
) -> Floats:
    """Learn from these spreads, by length of sum, and draw them to their average.

    Args:
        memory: (3, lengths): average and average square of logarithms, and the share that is known; changed in place.
        spread: standard deviations of the roots of sums; NaN where unknown.
        noise: variance of their logarithms by chance.
        forget: share of what is known that one look leaves.
        bias: by how much their logarithms are too low in the mean.
    Source: empirical Bayes (Efron and Morris, JASA 70, 1975); the share kept is 1 - noise / variance seen.
    """
    known = np.isfinite(spread)
    logs = np.log(np.maximum(np.where(known, spread, 1.0), LEAST)) + bias
    average, squared, trust = memory
    weight = np.where(known, 1.0 - forget, 0.0)
    trust += weight * (1.0 - trust)
    gain = weight / np.maximum(trust, 1e-9)
    average += gain * (logs - average)
    squared += gain * (logs * logs - squared)
    kept = np.maximum(0.0, 1.0 - noise / np.maximum(squared - average * average, 1e-9))
    drawn: Floats = np.exp(average + np.where(known, kept * (logs - average), 0.0))
    return drawn


def noise_of_few(columns: int, lengths: Floats) -> Floats:
    """Variance by chance of the logarithm of a spread measured on so many sums of one season, by their length.

    Sums that overlap tell as much as `1 + (columns - 1) / length` that do not. Of more seasons it is that much less.
    """
    return NOISE_OF_ONE / (1.0 + (columns - 1.0) / lengths)
