"""The figure that surveys are read by: the mean score of the last seven days, and when it falls out of the ordinary.

The last seven days are compared with the four weeks before them: the mean is low when it lies `LOW` standard errors
below theirs, and until it lies less than `OVER` below. Whole weeks, so that the day of the week does not matter.
Sixty drawn years of 40 answers a day, all from one distribution, were low ten times: once in six years.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from streams.ledger.rules import DAY, HOUR

RECENT_US: Final = 7 * DAY
PAST_US: Final = 28 * DAY
LEAST_RECENT: Final = 20
LEAST_PAST: Final = 50
"""Answers without which the mean of those days says nothing."""
LOW: Final = 3.5
OVER: Final = 2.0
"""Standard errors below the weeks before from which on the mean is low, and until it no longer is."""
KEPT_US: Final = 130 * DAY
"""Of the newest answer's past: sixty days of troubles, and what those that begin them are compared with."""

Floats = npt.NDArray[np.float64]
_RECENT_H, _PAST_H = RECENT_US // HOUR, PAST_US // HOUR


class SurveyMean:
    """Answers by hour, as sums of shares of the scale, 0 to 1; instants are microseconds of event time."""

    def __init__(self) -> None:
        self._hours: dict[int, tuple[int, float, float]] = {}
        self._judged: tuple[int, npt.NDArray[np.int8]] | None = None

    def add(self, at: int, share: float) -> None:
        """Count an answer; whoever calls sees to it that each comes once."""
        hour = at - at % HOUR
        number, total, squares = self._hours.get(hour, (0, 0.0, 0.0))
        self._hours[hour] = number + 1, total + share, squares + share * share
        self._judged = None

    def forget(self, newest: int) -> None:
        """Let go of what is too old to be asked for."""
        old = [hour for hour in self._hours if hour < newest - KEPT_US]
        for hour in old:
            del self._hours[hour]
        if old:
            self._judged = None

    def is_known(self, start: int, end: int) -> bool:
        """Whether at the end of any hour in (start, end] there were answers enough to judge the mean."""
        return bool((self._states(start, end) != _UNKNOWN).any())

    def turned_low(self, start: int, end: int) -> int | None:
        """The first instant in (start, end] at which the mean was low after it had not been; None: it never was.

        It is the end of an hour. A mean that was low already when `start` came must first recover.
        """
        states = self._states(start - HOUR, end)
        turned = np.flatnonzero((states[1:] == _LOW) & (states[:-1] != _LOW))
        return _hour_end(start) + int(turned[0]) * HOUR if turned.size else None

    def _states(self, start: int, end: int) -> npt.NDArray[np.int8]:
        """For each end of an hour in (start, end]: whether the mean was low, not low, or not known."""
        first, last = _hour_end(start), end - end % HOUR
        length = max(0, (last - first) // HOUR + 1)  # of hours whose end is wanted
        found = np.full(length, _UNKNOWN, dtype=np.int8)
        if length and self._hours:
            begins, judged = self._all()
            # `judged[n]` is of the end of the hour that begins n hours after `begins`.
            offset = (first - HOUR - begins) // HOUR
            low, high = max(0, -offset), min(length, len(judged) - offset)
            if low < high:
                found[low:high] = judged[offset + low : offset + high]
        return found

    def _all(self) -> tuple[int, npt.NDArray[np.int8]]:
        if self._judged is None:
            begins = min(self._hours)
            # After the newest answer the window still moves on: a week without any is not known.
            length = (max(self._hours) - begins) // HOUR + 1 + _RECENT_H
            sums = np.zeros((3, length))
            for hour, told in self._hours.items():
                sums[:, (hour - begins) // HOUR] = told
            self._judged = begins, _judge(sums)
        return self._judged


_UNKNOWN, _FINE, _LOW = -1, 0, 1


def _judge(sums: Floats) -> npt.NDArray[np.int8]:
    running = np.cumsum(np.pad(sums, ((0, 0), (1, 0))), axis=1)
    ends = np.arange(1, running.shape[1])
    middle, start = np.maximum(0, ends - _RECENT_H), np.maximum(0, ends - _RECENT_H - _PAST_H)
    recent, past = running[:, ends] - running[:, middle], running[:, middle] - running[:, start]
    known = (recent[0] >= LEAST_RECENT) & (past[0] >= LEAST_PAST)
    n_recent, n_past = np.maximum(1.0, recent[0]), np.maximum(1.0, past[0])
    both = recent + past
    n_both = np.maximum(1.0, both[0])
    variance = np.maximum(0.0, both[2] / n_both - (both[1] / n_both) ** 2)
    fall = past[1] / n_past - recent[1] / n_recent
    error = np.sqrt(variance * (1.0 / n_recent + 1.0 / n_past))
    is_fall = fall > 1e-9
    enters, stays = is_fall & (fall >= LOW * error), is_fall & (fall >= OVER * error)
    states = np.full(len(ends), _FINE, dtype=np.int8)
    is_low = False
    for place in np.flatnonzero(stays):
        is_low = bool(enters[place] or (is_low and stays[place - 1]))
        if is_low:
            states[place] = _LOW
    states[~known] = _UNKNOWN
    return states


def _hour_end(at: int) -> int:
    """The first end of an hour after an instant."""
    return at - at % HOUR + HOUR
