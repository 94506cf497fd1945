"""What a detector says of one value."""

from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """What a series is in."""

    WARMING = "warming"
    NORMAL = "normal"
    SURGE = "surge"


class Verdict(NamedTuple):
    """What one value says.

    Attributes:
        score: in [0, 1); at 0.5 and above it is an alarm. Always 0 while warming.
        expected, low, high: the value expected in this slot, and the range that a single slot leaves only in a surge;
            None while nothing is known.
        direction: "up" or "down", of the largest deviation; None when there is none.
        onset_slots: how many slots ago the deviation began (0: in this very one).
        warming_s: seconds until the series may raise an alarm; 0 afterwards.
        slot: what was counted in this slot; 0 where unknown.
        observed, usual: what was counted in the sum that deviates most, and what was expected of it; both 0 while
            nothing is known.
    """

    score: float
    expected: float | None
    low: float | None
    high: float | None
    state: State
    direction: str | None
    onset_slots: int
    warming_s: int
    slot: float
    observed: float
    usual: float
