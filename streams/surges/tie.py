"""Does trouble that people speak of come before losses for that reason, and by how long?

Hourly counts of unhappy mentions of a topic and of losses for the reason of the same name are compared at every shift
of up to three days either way. The root of a count varies alike whatever its level, and less its average at that hour
of the day it does not follow the clock. Of two series that wander by themselves some shift always correlates, so the
interval allows for how slowly both change (Bartlett 1946) and for the number of shifts tried (Bonferroni). And bursts
meet by chance: the correlation must be larger than at every shift of more than three days, around the end, and even
the low end of its interval than half of that.
"""

from collections.abc import Mapping
from math import atanh, sqrt, tanh
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams.ledger.rules import HOUR

MOST_LEAD_H: Final = 72
LEAST_HOURS: Final = 14 * 24
LEAST_EVENTS: Final = 50
"""Mentions, and losses, from which on anything is said."""

CONFIDENCE: Final = 0.95
BY_CHANCE: Final = 0.5
"""Measured on unrelated bursts: with it none of 150 pairs was told to be tied, and all 30 of those that were."""

_DAY_H: Final = 24

Floats = npt.NDArray[np.float64]


class Tie(NamedTuple):
    """What the data say: unhappy mentions come first.

    Attributes:
        lead_h: hours by which they do; low, high: shifts that the data do not tell from it.
        strength: correlation at that shift; strength_low, strength_high: its interval, above 0.
    """

    lead_h: int
    lead_low_h: int
    lead_high_h: int
    strength: float
    strength_low: float
    strength_high: float


def tie_of(mentions: Mapping[int, float], losses: Mapping[int, float], first: int, end: int) -> Tie | None:
    """The tie of two counts by hour; None where the data do not say that mentions come first.

    Args:
        mentions, losses: start of an hour, microseconds, to the count in it; hours that are not named had none.
        first, end: start of the first hour of which both are known, and end of the last one.
    """
    hours = (end - first) // HOUR
    if hours < LEAST_HOURS:
        return None
    said, lost = _counts(mentions, first, hours), _counts(losses, first, hours)
    if min(said.sum(), lost.sum()) < LEAST_EVENTS:
        return None
    x, y = _beyond_the_hour(said), _beyond_the_hour(lost)
    if not (x.any() and y.any()):
        return None
    by_shift = {shift: _correlation(x, y, shift) for shift in range(-MOST_LEAD_H, MOST_LEAD_H + 1)}
    lead = max(range(1, MOST_LEAD_H + 1), key=lambda shift: by_shift[shift])
    strength = by_shift[lead]
    independent = _independent(x, y)
    if independent <= 4 or strength <= 0 or strength <= max(by_shift[shift] for shift in range(-MOST_LEAD_H, 1)):
        return None
    far = _far(x, y)
    by_chance = float(far.max())
    if strength <= by_chance:
        return None
    deviation = max(1.0 / sqrt(independent - 3.0), float(far.std()))
    normal = NormalDist()
    wide = normal.inv_cdf(1.0 - (1.0 - CONFIDENCE) / (2 * len(by_shift))) * deviation
    centre = atanh(min(strength, 0.999999))
    low, high = tanh(centre - wide), tanh(centre + wide)
    if low <= max(0.0, BY_CHANCE * by_chance):
        return None
    alike = tanh(centre - normal.inv_cdf(0.5 + CONFIDENCE / 2) * deviation)
    near = [shift for shift in range(1, MOST_LEAD_H + 1) if by_shift[shift] >= alike]
    return Tie(lead, min(near), max(near), strength, low, high)


def _counts(by_hour: Mapping[int, float], first: int, hours: int) -> Floats:
    return np.array([max(0.0, by_hour.get(first + number * HOUR, 0.0)) for number in range(hours)])


def _beyond_the_hour(counts: Floats) -> Floats:
    roots = np.sqrt(counts + 0.375)
    residual = roots.copy()
    for hour in range(_DAY_H):
        residual[hour::_DAY_H] -= roots[hour::_DAY_H].mean()
    deviation = residual.std()
    return residual / deviation if deviation > 1e-9 else np.zeros_like(residual)


def _correlation(x: Floats, y: Floats, shift: int) -> float:
    """Of x with y so many hours later."""
    a, b = (x[: len(x) - shift], y[shift:]) if shift >= 0 else (x[-shift:], y[:shift])
    return float((a * b).mean())


def _far(x: Floats, y: Floats) -> Floats:
    """Correlations at all shifts further than is looked for, around the end: what comes about by chance."""
    around = np.fft.irfft(np.conj(np.fft.rfft(x)) * np.fft.rfft(y), n=len(x)) / len(x)
    found: Floats = around[MOST_LEAD_H + 1 : len(x) - MOST_LEAD_H]
    return found


def _independent(x: Floats, y: Floats) -> float:
    """As how many independent pairs the hours count."""
    shared = sum(_correlation(x, x, shift) * _correlation(y, y, shift) for shift in range(1, MOST_LEAD_H + 1))
    return len(x) / max(1.0, 1.0 + 2.0 * shared)
