"""Lines of `timestamp,value`, as `netgrowth detect` reads them, and what each says of the series.

Nothing is told of the series but the lines: where its interval is not given, the first lines show it.
"""

from datetime import UTC, datetime
from itertools import pairwise
from math import isfinite
from statistics import median
from typing import NamedTuple

from streams.facts.times import micros
from streams.surges.alarm_line import BUDGET_DAYS
from streams.surges.detector import SurgeDetector
from streams.surges.verdict import Verdict

GAPS_LOOKED_AT = 12
"""Gaps between the first instants whose middle is taken as the interval."""


class Judged(NamedTuple):
    """What one line says.

    Attributes:
        at_us, value: as read; None where the line cannot be read, or tells no value.
        verdict: None where there is none: the line cannot be read, its slot was judged before, or the interval is
            not known yet.
    """

    at_us: int | None
    value: float | None
    verdict: Verdict | None


class LineDetector:
    """A detector of one series that comes as lines.

    Attributes:
        unreadable: lines that are no `timestamp,value`.
        repeated: lines of a slot that was judged before.
    """

    def __init__(
        self, interval_s: float | None = None, *, seasonal: bool = True, budget_days: float = BUDGET_DAYS
    ) -> None:
        """`interval_s` None: taken from the first lines. Raises: ValueError as SurgeDetector does."""
        self._seasonal = seasonal
        self._budget_days = budget_days
        self._detector: SurgeDetector | None = None
        self._held: list[tuple[int, float | None]] = []
        self.unreadable = 0
        self.repeated = 0
        if interval_s is not None:
            self._detector = self._made(interval_s)

    @property
    def interval_s(self) -> float | None:
        """Seconds from one value to the next; None while it is not known."""
        return None if self._detector is None else self._detector.grid.interval_s

    def judge(self, line: bytes) -> Judged:
        """Judge a line, then learn from it. A line that cannot be read is counted, and tells nothing."""
        try:
            at_us, value = read_line(line)
        except ValueError:
            self.unreadable += 1
            return Judged(None, None, None)
        if self._detector is None:
            return Judged(at_us, value, self._wait(at_us, value))
        verdict = self._detector.observe(at_us, value)
        self.repeated += verdict is None
        return Judged(at_us, value, verdict)

    def _made(self, interval_s: float) -> SurgeDetector:
        return SurgeDetector(interval_s, seasonal=self._seasonal, budget_days=self._budget_days, anchor_us=None)

    def _wait(self, at_us: int, value: float | None) -> Verdict | None:
        if self._held and at_us <= self._held[-1][0]:
            self.repeated += 1
            return None
        self._held.append((at_us, value))
        if len(self._held) <= GAPS_LOOKED_AT:
            return None
        instants = [at for at, _ in self._held]
        gap_us = median(later - earlier for earlier, later in pairwise(instants))
        try:
            self._detector = self._made(max(1, round(gap_us / 1e6)))
        except ValueError:
            self._held.clear()
            return None
        verdict = None
        for at, held in self._held:
            verdict = self._detector.observe(at, held)
        self._held.clear()
        return verdict


def read_line(line: bytes) -> tuple[int, float | None]:
    """Instant (microseconds since 1970) and value of a line; the value is None where the line leaves it empty.

    Args:
        line: RFC 3339 or `YYYY-MM-DD hh:mm:ss` (then UTC), a comma, a number that is not negative.
    Raises: ValueError.
    """
    stamp, comma, number = line.decode().strip().partition(",")
    if not comma:
        raise ValueError("a line is timestamp,value")
    moment = datetime.fromisoformat(stamp)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if not number:
        return micros(moment), None
    value = float(number)
    if not isfinite(value):
        raise ValueError("the value is no number")
    return micros(moment), value
