"""Latency quantiles by a sketch that merges exactly: DDSketch, whose answer does not depend on order or partition.

Source: Masson, Rim, Lee, DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees,
PVLDB 12 (2019). Bins are counted by vector here, since its own `add` takes one value at a time; the sketch made of
them gives the quantiles.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from ddsketch import DDSketch
from ddsketch.mapping import LogarithmicMapping

ACCURACY = 0.01
"""Relative error of a quantile."""

ZERO = -(1 << 30)
"""Stands for the bin of latencies below a microsecond."""

_MAPPING = LogarithmicMapping(ACCURACY)
_PER_LOG2 = 1.0 / np.log2(_MAPPING.gamma)


def bins_of(latencies_us: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The sketch's bin of each latency, microseconds."""
    bins: npt.NDArray[np.int64] = np.ceil(np.log2(np.maximum(latencies_us, 1.0)) * _PER_LOG2).astype(np.int64)
    bins[latencies_us < 1.0] = ZERO
    return bins


def sketch_of(bins: Mapping[int, int]) -> DDSketch:
    """A sketch of counted bins, in microseconds."""
    sketch = DDSketch(ACCURACY)
    for place, count in bins.items():
        sketch.add(0.0 if place == ZERO else _MAPPING.value(place), count)
    return sketch


def quantiles(bins: Mapping[int, int], shares: tuple[float, ...]) -> tuple[float, ...] | None:
    """Latencies, microseconds, below which these shares lie; None when none was measured."""
    if not bins:
        return None
    sketch = sketch_of(bins)
    return tuple(float(sketch.get_quantile_value(share) or 0.0) for share in shares)
