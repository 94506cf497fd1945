"""The pace of a trial: first a past quickly, then slowly enough to watch, slowest where most happens."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from agents.replay.pacing import Pacer
from streams.ledger.rules import MINUTE

WAIT_STEP_S = 0.2
TOGETHER_S = 0.25
"""Records of so long are sent together: one by one each would cost the worker a fetch of its own."""
BEHIND_S, BEHIND_US = 8.0, 45 * MINUTE
"""How far the worker may be behind before the story waits: by the wall clock, and by event time."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Event time against the wall clock.

    Attributes:
        base_us: length of the past, microseconds of event time from the first record on.
        base_speed: seconds of event time in a second while the past is played; None: as fast as possible, and what
            follows begins when the past is counted.
        speed: the same after the last leg; None: everything as fast as possible.
        legs: what comes between, one after the other: length in microseconds, and speed.
    """

    base_us: int
    base_speed: float | None
    speed: float | None
    legs: tuple[tuple[int, float], ...] = ()

    def due_s(self, since_first_us: int) -> float:
        """When a record is due that lies so far behind the first one, seconds after the start."""
        if self.speed is None:
            return 0.0
        base = min(since_first_us, self.base_us)
        due = 0.0 if self.base_speed is None else base / (1e6 * self.base_speed)
        left = since_first_us - base
        for length, speed in self.legs:
            part = min(left, length)
            due += part / (1e6 * speed)
            left -= part
        return due + left / (1e6 * self.speed)

    def speed_at(self, since_first_us: int) -> float:
        """Seconds of event time in a second, behind the past."""
        left = since_first_us - self.base_us
        for length, speed in self.legs:
            if left <= length:
                return speed
            left -= length
        return self.speed or math.inf


class TrialPacer(Pacer):
    """Holds records back by a `Pace`; records that were sent by an earlier run take no time.

    Args:
        is_counted: whether all that was sent is counted; asked where a past that was sent at once ends.
        behind_us: how much event time the worker is behind with what was sent; on a busy machine the story waits
            for it, so that what shows is what was sent.
    """

    def __init__(
        self, pace: Pace, stop: threading.Event, now: Callable[[], float] = time.monotonic,
        is_counted: Callable[[], bool] = lambda: True, behind_us: Callable[[], int] = lambda: 0,
    ) -> None:
        super().__init__(pace.speed, stop, now)
        self._pace = pace
        self._clock = now
        self._stopped = stop
        self._is_counted = is_counted
        self._behind_us = behind_us
        self._beginning_us: int | None = None
        self._begun: float | None = None
        self._is_past_sent = pace.base_speed is not None or pace.speed is None

    def pass_over(self, at_us: int | None) -> None:
        """The base is counted from the first record of all, sent or not."""
        if self._beginning_us is None:
            self._beginning_us = at_us

    @property
    def past_ends_us(self) -> int | None:
        """Event time at which what is watched begins; None before the first record."""
        return None if self._beginning_us is None else self._beginning_us + self._pace.base_us

    def delay_s(self, at_us: int | None) -> float:
        """Seconds until the record of this event time is due; 0 when it is due now, or has no time."""
        if at_us is None:
            return 0.0
        self.pass_over(at_us)
        assert self._beginning_us is not None
        since_first = at_us - self._beginning_us
        if not self._is_past_sent:
            if since_first <= self._pace.base_us:
                return 0.0
            self._is_past_sent = True
            while not self._is_counted() and not self._stopped.wait(WAIT_STEP_S):
                continue
        due = self._pace.due_s(since_first) // TOGETHER_S * TOGETHER_S
        if self._begun is None:
            self._begun = self._clock() - due
        elif self._pace.base_speed is None and due:
            self._begun += self._wait_for_worker(self._pace.speed_at(since_first))
        return max(0.0, self._begun + due - self._clock())

    def _wait_for_worker(self, speed: float) -> float:
        """Wait until the worker is near; says for how many seconds that was."""
        begun = self._clock()
        allowed = max(BEHIND_US, BEHIND_S * speed * 1e6)
        while self._behind_us() > allowed and not self._stopped.wait(WAIT_STEP_S):
            continue
        return self._clock() - begun
