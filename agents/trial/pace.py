"""The pace of a trial: first a base of customers quickly, then slowly enough to watch."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from agents.replay.pacing import Pacer


@dataclass(frozen=True, slots=True)
class Pace:
    """Event time against the wall clock.

    Attributes:
        base_us: length of the base, microseconds of event time from the first record on.
        base_speed: seconds of event time in a second while the base is played.
        speed: the same afterwards; None: everything as fast as possible.
    """

    base_us: int
    base_speed: float
    speed: float | None

    def due_s(self, since_first_us: int) -> float:
        """When a record is due that lies so far behind the first one, seconds after the start."""
        if self.speed is None:
            return 0.0
        base = min(since_first_us, self.base_us)
        return base / (1e6 * self.base_speed) + (since_first_us - base) / (1e6 * self.speed)


class TrialPacer(Pacer):
    """Holds records back by a `Pace`; records that were sent by an earlier run take no time."""

    def __init__(self, pace: Pace, stop: threading.Event, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(pace.speed, stop, now)
        self._pace = pace
        self._clock = now
        self._beginning_us: int | None = None
        self._begun: float | None = None

    def pass_over(self, at_us: int | None) -> None:
        """The base is counted from the first record of all, sent or not."""
        if self._beginning_us is None:
            self._beginning_us = at_us

    def delay_s(self, at_us: int | None) -> float:
        """Seconds until the record of this event time is due; 0 when it is due now, or has no time."""
        if at_us is None:
            return 0.0
        self.pass_over(at_us)
        assert self._beginning_us is not None
        due = self._pace.due_s(at_us - self._beginning_us)
        if self._begun is None:
            self._begun = self._clock() - due
        return max(0.0, self._begun + due - self._clock())
