"""What counts as one event of a series: 1 for counts; for money, rates and latencies, what makes them look like one.

The detector reasons about counts, whose variance is of the order of their mean. Fractions, and amounts of money that
come in lumps, are measured in a unit that makes them so: the variance from one cell to the next over the mean.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

LUMPY = 50.0
"""Whole numbers whose variance is this many times their mean are lumps (say, cents of customers lost), not counts."""


def unit_of(values: npt.NDArray[np.floating[Any]]) -> float:
    """The unit of a series whose newest cells are given; NaN are unknown. 1 where nothing can be said."""
    known = values[np.isfinite(values)]
    if len(known) < 4:
        return 1.0
    level = float(known.mean())
    if level <= 0.0:
        return 1.0
    steps = np.abs(np.diff(known))
    # Of neighbours, and the middle one: neither the season nor a surge counts as restlessness.
    spread = (1.4826 * float(np.median(steps))) ** 2 / 2.0
    if spread == 0.0:
        spread = float(known.var())
    ratio = spread / level
    nearest = np.round(known)
    whole = bool((np.abs(known - nearest) <= 1e-3 * np.maximum(1.0, np.abs(known))).all())
    if whole and ratio < LUMPY:
        return 1.0
    return ratio if ratio > 0.0 else level
