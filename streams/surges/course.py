"""How an open surge goes on: whether it is growing, steady or easing."""

from collections import deque
from collections.abc import Mapping
from math import sqrt
from typing import Final

from streams.ledger.rules import HOUR, MINUTE
from streams.surges.series import Series

SHORT_US: Final = 10 * MINUTE
LONG_US: Final = 3 * HOUR
"""What is compared with as long a time before it: of surges told by short slots, and by hours or days."""

FINE_S: Final = 300
SIGMAS: Final = 2.0
"""Two counts of one rate differ by more than so many times the root of their sum once in twenty times."""

MOST_HELD: Final = 1_000_000
"""Counts that are held at most, some hundred bytes each: of tens of thousands of busy series some twenty minutes."""

GROWING, STEADY, EASING = 1, 0, -1


class RecentCounts:
    """What was counted of every series in the newest minutes, six hours back."""

    def __init__(self) -> None:
        self._minutes: deque[tuple[int, dict[Series, float]]] = deque()
        self._held = self._from = 0
        self._running: tuple[int, Mapping[Series, float]] = (0, {})

    def add(self, minute_us: int, counts: Mapping[Series, float]) -> None:
        """Take in a minute; minutes come in order, one may come in pieces."""
        held = self._minutes
        if held and held[-1][0] == minute_us:
            newest = held[-1][1]
            self._held -= len(newest)
            for key, amount in counts.items():
                newest[key] = newest.get(key, 0.0) + amount
            self._held += len(newest)
        elif counts:
            held.append((minute_us, dict(counts)))
            self._held += len(counts)
        while len(held) > 1 and (held[0][0] < minute_us - 2 * LONG_US or self._held > MOST_HELD):
            oldest, gone = held.popleft()
            self._held -= len(gone)
            if oldest >= minute_us - 2 * LONG_US:
                self._from = oldest + MINUTE

    def note_running(self, minute_us: int, counts: Mapping[Series, float]) -> None:
        """What was counted so far in a minute that is not over."""
        self._running = minute_us, counts

    def course(self, key: Series, clock: int, step_s: int, lump: float = 1.0) -> int:
        """GROWING, STEADY or EASING at an instant; the running minute counts as it stands.

        Args:
            step_s: seconds of the slots that told the surge.
            lump: what one event counts for on average, so that sums of money vary as counts do.
        """
        width = SHORT_US if step_s <= FINE_S else LONG_US
        if self._from > clock - 2 * width:
            return STEADY  # of so many series so many minutes are not held
        running, counted = self._running
        now, before = counted.get(key, 0.0) if running >= clock else 0.0, 0.0
        for minute, counts in reversed(self._minutes):
            if minute < clock - 2 * width:
                break
            if minute < clock - width:
                before += counts.get(key, 0.0)
            elif minute < clock:
                now += counts.get(key, 0.0)
        more = (now - before) / lump
        if abs(more) <= SIGMAS * sqrt(max(0.0, now + before) / lump):
            return STEADY
        return GROWING if more > 0 else EASING
