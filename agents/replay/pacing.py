"""Pacing: when a record is due, so that event time passes so many times faster than the wall clock."""

import threading
import time
from collections.abc import Callable

AS_FAST_AS_POSSIBLE = None
_WORTH_WAITING_S = 0.002


def parse_speed(text: str) -> float | None:
    """How many seconds of event time pass in one second; None for `max`.

    Raises: ValueError, with what is wanted.
    """
    if text == "max":
        return AS_FAST_AS_POSSIBLE
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0.0 < factor < float("inf"):
        raise ValueError(f"{text!r} is no speed; give a number above 0, for example 3600 (an hour a second), or max")
    return factor


class Pacer:
    """Holds a record back until it is due. The first record's event time is the moment of the start.

    Records without a time, or older than one already sent, are due at once.
    """

    def __init__(
        self, factor: float | None, stop: threading.Event, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._factor = factor
        self._stop = stop
        self._now = now
        self._started = 0.0
        self._first_us: int | None = None

    def delay_s(self, at_us: int | None) -> float:
        """Seconds until the record of this event time is due; 0 when it is due now."""
        if self._factor is None or at_us is None:
            return 0.0
        if self._first_us is None:
            self._first_us, self._started = at_us, self._now()
        due = self._started + (at_us - self._first_us) / (1e6 * self._factor)
        return max(0.0, due - self._now())

    def pass_over(self, at_us: int | None) -> None:
        """A record that is not sent, because it was sent before; time begins with the first one that is."""

    def wait(self, at_us: int | None) -> bool:
        """Wait until the record is due; False when the replay was stopped meanwhile."""
        delay = self.delay_s(at_us)
        if delay > _WORTH_WAITING_S:
            self._stop.wait(delay)
        return not self._stop.is_set()
