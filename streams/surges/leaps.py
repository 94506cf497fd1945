"""How far amounts and latencies leap beyond what a count would: learnt of each series, as their tails are heavier."""

from math import sqrt
from typing import Final

DAYS: Final = 10
"""How long leaps are remembered."""
MOST_SQUARED: Final = 1_000.0
"""The largest square of one that is learnt from."""


def learnt(leaps: float, deviate: float, slots_of_day: int) -> float:
    """How far a series leaps, after one deviate more.

    Args:
        leaps: by how much its deviates are larger than those of a count, 1 or more, as known so far.
        deviate: of the newest slot.
        slots_of_day: so many make a day.
    Source: the fourth moment of a normal deviate is 3; of heavy tails the fourth power tells more than the square.
    """
    leap = min(deviate * deviate, MOST_SQUARED)
    known = leaps * leaps
    fourth = known * known + (leap * leap / 3.0 - known * known) / (DAYS * slots_of_day)
    return sqrt(sqrt(max(1.0, fourth)))
