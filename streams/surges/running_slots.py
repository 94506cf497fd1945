"""The slots of five minutes, hours and days that run at the clock of the bank."""

from collections.abc import Collection
from typing import Any, Final

from streams.surges.steps import DAY_S, STEPS
from streams.tables.calendar import Calendar

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND


class RunningSlots:
    """Of each length: where the running slot begins and ends, and how much of it is known.

    Attributes:
        starts, ends: by seconds of the length; microseconds since 1970.
    """

    def __init__(self, zone: str) -> None:
        """Days are those of a time zone. Raises: zoneinfo.ZoneInfoNotFoundError."""
        self.starts = dict.fromkeys(STEPS, 0)
        self.ends = dict.fromkeys(STEPS, 0)
        self._calendar = Calendar(zone)
        self._seen = dict.fromkeys(STEPS, 0)
        self._unknown: dict[int, dict[str, int]] = {step_s: {} for step_s in STEPS}

    def see(self, unknown: Collection[str]) -> None:
        """A minute was handed in, in which nothing is known of these measures."""
        for step_s in STEPS:
            self._seen[step_s] += 1
            of_measure = self._unknown[step_s]
            for measure in unknown:
                of_measure[measure] = of_measure.get(measure, 0) + 1

    def has_any(self, step_s: int) -> bool:
        """Whether any minute of the running slot was handed in."""
        return self._seen[step_s] > 0

    def minutes(self, step_s: int) -> int:
        """Length of the running slot."""
        return (self.ends[step_s] - self.starts[step_s]) // MINUTE

    def unknown(self, step_s: int, measure: str) -> int:
        """Minutes of the running slot in which a measure is not known."""
        return self.minutes(step_s) - self._seen[step_s] + self._unknown[step_s].get(measure, 0)

    def place(self, step_s: int) -> int:
        """Where the running slot lies for a detector: local days are whole days to it."""
        start = self.starts[step_s]
        return self._calendar.date_of(start).toordinal() * DAY_S * SECOND if step_s == DAY_S else start

    def turn_to(self, step_s: int, us: int) -> None:
        """Let the slot run that holds an instant."""
        self.starts[step_s] = self._calendar.day_start(us) if step_s == DAY_S else us - us % (step_s * SECOND)
        self.ends[step_s] = self._end(step_s)
        self._seen[step_s] = 0
        self._unknown[step_s].clear()

    def back(self, step_s: int, slots: int) -> int:
        """Start of the slot so many before the running one."""
        start = self.starts[step_s]
        if step_s != DAY_S:
            return start - slots * step_s * SECOND
        for _ in range(slots):
            start = self._calendar.day_start(start - 1)
        return start

    def saved(self) -> Any:
        """For `restore`."""
        return [(step_s, self.starts[step_s], self._seen[step_s], self._unknown[step_s]) for step_s in STEPS]

    def restore(self, saved: list[tuple[int, int, int, dict[str, int]]]) -> None:
        """Take over what `saved` gave."""
        for step_s, start, seen, unknown in saved:
            self.starts[step_s], self._seen[step_s], self._unknown[step_s] = start, seen, unknown
            self.ends[step_s] = self._end(step_s)

    def _end(self, step_s: int) -> int:
        start = self.starts[step_s]
        return self._calendar.next_day(start) if step_s == DAY_S else start + step_s * SECOND
