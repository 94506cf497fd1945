"""A part that has grown beside the rest of its whole: what a twentieth of all losses hides.

A segment with two losses a minute that doubles is a hundred losses in half an hour where fifty were expected. By its
own past, whose level is known to a fifth, that is no surge, and in the whole it drowns. But how large a part is of
the whole at that time of day is known much better: the rest of the whole tells how busy the hour is. So its count is
held against its count at the same time on the days before, times how much busier the rest is now, by the difference
of the roots of two Poisson counts (Huffman 1984, Applied Statistics 33). Only counts of customers: they leave one by
one.
"""

from math import log, sqrt
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams.surges.cell_sums import ROOT_SHIFT
from streams.surges.detector import SurgeDetector

LENGTHS: Final = (3, 6)
"""Slots of five minutes that are looked at: a quarter of an hour and half an hour."""
LASTING: Final = 12
NEAR: Final = 9
"""Slots either side of the same time of day that are looked at on the days before."""
LEAST_DAYS, MOST_DAYS = 3, 5
LINE: Final = 4.3
"""Of six drawn parts without a change the worst passed it 0.15 times in 30 days (docs/surges.md)."""
MANY_PARTS: Final = 100
"""More parts than that lie further out."""
_DAY: Final = 288
"""Slots."""
LEAST_REST: Final = 50.0
"""Events of the rest, below which it does not tell how busy the time is."""
STAYS: Final = 2.0
GROWN: Final = 1.5
"""A part that is as large as ever, while the rest is smaller, has not surged."""

Floats = npt.NDArray[np.float64]


class Shift(NamedTuple):
    """A part that has grown: over how many slots, what was counted in them, and what the rest leads one to expect."""

    slots: int
    observed: float
    expected: float


def line_of(parts: int) -> float:
    """How far out a part must lie where there are so many of them."""
    return sqrt(LINE * LINE + 2.0 * log(max(1.0, parts / MANY_PARTS)))


Counted = tuple[int, Floats]
"""The newest slots, oldest first, NaN where unknown, and the number of the slot after them."""


def counted_of(detector: SurgeDetector) -> Counted:
    """What `grown` asks of a part and of a whole, which are watched in slots of five minutes."""
    return detector.counted(MOST_DAYS * _DAY + NEAR + LASTING + 1)


def grown(part: Counted, whole: Counted, line: float) -> Shift | None:
    """Whether a part has grown beside the rest of its whole, up to the newest slot that both know.

    Args:
        part, whole: as `counted_of`.
        line: in standard deviations; what the part's own past varies more than chance lies further out.
    """
    counts = _aligned(part, whole)
    if counts is None:
        return None
    for slots in LENGTHS:
        found = _look(*counts, slots)
        if found is not None and found[0] >= line and found[0] >= line * _restless(*counts, slots):
            return found[1]
    return None


def is_still_grown(part: Counted, whole: Counted) -> bool:
    """Whether a part that had grown is still larger than the rest leads one to expect."""
    counts = _aligned(part, whole)
    found = [] if counts is None else [_look(*counts, slots) for slots in (*LENGTHS, LASTING)]
    return any(one is not None and one[0] >= STAYS for one in found)


def _aligned(part: Counted, whole: Counted) -> tuple[Floats, Floats] | None:
    """Counts of the part and of the rest, slot by slot, up to the newest that both know; unknown in both as NaN."""
    (end, counted), (whole_end, of_whole) = part, whole
    newest = min(end, whole_end)
    counted, of_whole = counted[: len(counted) - (end - newest)], of_whole[: len(of_whole) - (whole_end - newest)]
    length = min(len(counted), len(of_whole))
    if length < LEAST_DAYS * _DAY + NEAR + LASTING:
        return None
    counted, of_whole = counted[-length:], of_whole[-length:]
    rest = np.maximum(0.0, of_whole - counted)
    return np.where(np.isnan(rest), np.nan, counted), rest


def _look(part: Floats, rest: Floats, slots: int) -> tuple[float, Shift] | None:
    """How far out the newest slots lie, and what was counted in them; None where it is not known, or not grown."""
    now, beside = part[-slots:].sum(), rest[-slots:].sum()
    if np.isnan(now):
        return None
    before, beside_before, days = _same_time(part, rest, len(part), slots)
    if days < LEAST_DAYS or beside < LEAST_REST or beside_before < LEAST_REST:
        return None
    if now < GROWN * before * slots / (days * (slots + 2 * NEAR)):
        return None
    expected = float(before * beside / beside_before)
    return _deviation(now, before, beside, beside_before), Shift(slots, round(float(now)), expected)


def _same_time(part: Floats, rest: Floats, end: int, slots: int) -> tuple[float, float, int]:
    """Counts around the same time on the days before, of part and rest, and how many days are known."""
    before = beside = 0.0
    days = 0
    for back in range(1, MOST_DAYS + 1):
        last = end - back * _DAY + NEAR
        first = last - slots - 2 * NEAR
        if first < 0:
            break
        counted, others = part[first:last], rest[first:last]
        known = ~np.isnan(counted)
        if known.mean() >= 0.5:
            days += 1
            before += float(counted[known].sum())
            beside += float(others[known].sum())
    return before, beside, days


def _deviation(now: float, before: float, beside: float, beside_before: float) -> float:
    """The difference of the roots; how busy the rest makes the hour is a count, too, and adds to the variance."""
    ratio = beside / beside_before
    variance = 1.0 + ratio + ratio * before * (1.0 / beside + 1.0 / beside_before)
    return float(2.0 * (sqrt(now + ROOT_SHIFT) - sqrt(ratio * (before + ROOT_SHIFT))) / sqrt(variance))


def _restless(part: Floats, rest: Floats, slots: int) -> float:
    """By how much more than chance the part has varied beside the rest: 1 or more, of the last day before today's."""
    found = []
    for end in range(len(part) - _DAY, len(part) - slots - NEAR, slots):
        now, beside = part[end - slots : end].sum(), rest[end - slots : end].sum()
        before, beside_before, _ = _same_time(part, rest, end, slots)
        if not np.isnan(now) and min(beside, beside_before) >= LEAST_REST:
            found.append(_deviation(now, before, beside, beside_before))
    return max(1.0, sqrt(float(np.mean(np.square(found))))) if found else 1.0
