"""Latency quantiles by a sketch that merges exactly: DDSketch, whose answer does not depend on order or partition.

Source: Masson, Rim, Lee, DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees,
PVLDB 12 (2019). Bins are counted by vector here, since its own `add` takes one value at a time; the sketch made of
them gives the quantiles.
"""

from array import array
from collections.abc import Iterator

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


class Bins:
    """Counts of a sketch's bins, from the lowest to the highest that occurs: 8 bytes each, at most some 14 kB."""

    __slots__ = ("_counts", "_low", "_zeros")

    def __init__(self) -> None:
        self._low = 0
        self._counts = array("Q")
        self._zeros = 0

    def __bool__(self) -> bool:
        return bool(self._counts) or self._zeros > 0

    def count(self, place: int, times: int) -> None:
        """Count a bin so many times."""
        if place == ZERO:
            self._zeros += times
            return
        counts = self._counts
        if not counts:
            self._low = place
        elif place < self._low:
            self._counts = counts = array("Q", bytes(8 * (self._low - place))) + counts
            self._low = place
        missing = place - self._low + 1 - len(counts)
        if missing > 0:
            counts.frombytes(bytes(8 * missing))
        counts[place - self._low] += times

    def add(self, other: "Bins") -> None:
        """Add the counts of another one: exact, in any order."""
        for place, times in other.items():
            self.count(place, times)

    def items(self) -> Iterator[tuple[int, int]]:
        """Bins that occur, from the lowest on, with their counts."""
        if self._zeros:
            yield ZERO, self._zeros
        for place, times in enumerate(self._counts, self._low):
            if times:
                yield place, times


def sketch_of(bins: Bins) -> DDSketch:
    """A sketch of counted bins, in microseconds."""
    sketch = DDSketch(ACCURACY)
    for place, count in bins.items():
        sketch.add(0.0 if place == ZERO else _MAPPING.value(place), count)
    return sketch


def quantiles(bins: Bins, shares: tuple[float, ...]) -> tuple[float, ...] | None:
    """Latencies, microseconds, below which these shares lie; None when none was measured."""
    if not bins:
        return None
    sketch = sketch_of(bins)
    return tuple(float(sketch.get_quantile_value(share) or 0.0) for share in shares)
