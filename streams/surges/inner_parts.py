"""Middle and spread of samples by the inner parts of their sorted values: what surges do to the ends is left out."""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MIDDLE = (0.2, 0.8)
"""Of the sorted values, the part whose mean is the centre."""
LOW, HIGH = (0.2, 0.4), (0.6, 0.8)
"""Of the sorted values, the parts whose distance tells the spread."""


def _distance_of_parts(low: tuple[float, float]) -> float:
    """Standard deviations between the means of the two parts of a normal sample."""
    normal = NormalDist()
    steps = 2_000
    return -2.0 * sum(normal.inv_cdf(low[0] + (low[1] - low[0]) * (k + 0.5) / steps) for k in range(steps)) / steps


PARTS_APART = _distance_of_parts(LOW)


def centre_and_spread(roots: Floats) -> tuple[Floats, Floats]:
    """Middle and standard deviation of each row, from the inner parts of the sorted values; NaN are left out."""
    roots.sort(axis=1)
    width = roots.shape[1]
    counts = np.isfinite(roots).sum(axis=1)
    if (counts == width).all():
        return _parts(roots, width)
    centre = np.full(len(roots), np.nan)
    spread = np.full(len(roots), np.nan)
    for row, count in enumerate(counts.tolist()):
        if count:
            one = _parts(roots[row : row + 1], count)
            centre[row], spread[row] = one[0][0], one[1][0]
    return centre, spread


def _parts(ordered: Floats, count: int) -> tuple[Floats, Floats]:
    def part(low: float, high: float) -> Floats:
        start = min(int(low * count), count - 1)
        inner = ordered[:, start : max(start + 1, int(high * count + 1e-9))]
        mean: Floats = np.add.reduce(inner, axis=1) / inner.shape[1]
        return mean

    return part(*MIDDLE), (part(*HIGH) - part(*LOW)) / PARTS_APART


def middle_of_rows(values: Floats) -> Floats:
    """The median of each row; none is NaN. (`numpy.median` takes ten times as long for so few.)"""
    ordered = np.sort(values, axis=1)
    half = values.shape[1] // 2
    if values.shape[1] % 2:
        odd: Floats = ordered[:, half]
        return odd
    even: Floats = (ordered[:, half - 1] + ordered[:, half]) / 2.0
    return even
