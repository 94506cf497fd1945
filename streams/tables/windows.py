"""The windows of the running tables: which span of event time each has at an instant of the clock."""

from typing import NamedTuple

from streams.ledger.rules import HOUR, MINUTE
from streams.tables.calendar import Calendar, minute_start

BEGINNING = -(1 << 62)
"""Start of the window `all`: before every instant."""


class Span(NamedTuple):
    """[start, end) in microseconds since 1970 UTC."""

    start: int
    end: int


class Window(NamedTuple):
    """The span of a window now, and the one that stands beside it, if any does."""

    span: Span
    before: Span | None


ROLLING_MINUTES = {"5m": 5, "1h": 60, "24h": 1440}
ROLLING_HOURS = {"7d": 168, "30d": 720}
CALENDAR = {"day": ("today", "yesterday"), "week": ("this_week", "last_week")} | {
    by: (f"this_{by}", f"last_{by}") for by in ("month", "quarter")
}
WINDOW_NAMES = (
    *ROLLING_MINUTES,
    *ROLLING_HOURS,
    *(name for names in CALENDAR.values() for name in names),
    "all",
)


def windows_at(calendar: Calendar, clock: int) -> dict[str, Window]:
    """Every window by name. All that run end with the minute that holds the clock."""
    minute = minute_start(clock)
    end = minute + MINUTE
    found: dict[str, Window] = {}
    for name, minutes in ROLLING_MINUTES.items():
        start = end - minutes * MINUTE
        found[name] = Window(Span(start, end), Span(start - minutes * MINUTE, start))
    hour = calendar.hour_start(minute)
    for name, hours in ROLLING_HOURS.items():
        # Where a clock change of half an hour moved the hours, the window begins with the whole hour.
        start = calendar.hour_start(hour - (hours - 1) * HOUR)
        found[name] = Window(Span(start, end), Span(calendar.hour_start(start - hours * HOUR), start))
    for by, (running, last) in CALENDAR.items():
        start = calendar.period_start(by, minute)
        before = Span(calendar.period_start(by, start - 1), start)
        found[running] = Window(Span(start, end), before)
        found[last] = Window(before, None)
    found["all"] = Window(Span(BEGINNING, end), None)
    return found


def is_final(end: int, clock: int, horizon_us: int, grouping_us: int) -> bool:
    """Whether nothing inside the horizon can change what ended at `end` any more."""
    return clock >= end + horizon_us + grouping_us
