"""Windows and calendar buckets in the company's time zone; every window is [start, end)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from .facts import EPOCH, HOUR, MINUTE

SINCE_EVER = -1


@dataclass(frozen=True)
class Window:
    """[start, end), microseconds; `before` is the one it stands beside."""

    start: int
    end: int
    before: "Window | None" = None


class Calendar:
    """Hours, days, weeks, months and quarters of one time zone."""

    def __init__(self, time_zone: str) -> None:
        self.zone = ZoneInfo(time_zone)

    def local(self, at: int) -> datetime:
        """The instant on the company's wall clock."""
        return (EPOCH + timedelta(microseconds=at)).astimezone(self.zone)

    def midnight(self, day: date) -> int:
        """First instant of a local day; fold=0 is right where midnight is skipped or comes twice."""
        local = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        return (local - EPOCH) // timedelta(microseconds=1)

    def text(self, at: int) -> str:
        """The instant with the zone's offset."""
        return self.local(at).isoformat()

    def month(self, at: int) -> str:
        """Name of the local month, as 2011-05."""
        return f"{self.local(at):%Y-%m}"

    def bucket(self, at: int, unit: str) -> tuple[int, int]:
        """Start and end of the hour, day, week, month or quarter that holds an instant."""
        local = self.local(at)
        if unit == "hour":
            start = at - (local.minute * 60 + local.second) * 1_000_000 - local.microsecond
            return start, start + HOUR
        first = first_day(local.date(), unit)
        return self.midnight(first), self.midnight(next_first_day(first, unit))

    def buckets(self, first_at: int, last_at: int, unit: str) -> list[tuple[int, int]]:
        """All buckets from the one that holds `first_at` to the one that holds `last_at`."""
        found = [self.bucket(first_at, unit)]
        while found[-1][1] <= last_at:
            found.append(self.bucket(found[-1][1], unit))
        return found


def first_day(day: date, unit: str) -> date:
    """First day of the day, week (from Monday), month or quarter that holds `day`."""
    if unit == "day":
        return day
    if unit == "week":
        return day - timedelta(days=day.weekday())
    month = day.month if unit == "month" else (day.month - 1) // 3 * 3 + 1
    return date(day.year, month, 1)


def next_first_day(first: date, unit: str) -> date:
    """First day of the next unit."""
    longest = {"day": 1, "week": 7, "month": 31, "quarter": 92}[unit]
    return first_day(first + timedelta(days=longest), unit)


def windows(clock: int, calendar: Calendar) -> dict[str, Window]:
    """The windows of the customer math at a clock: the running minute, or hour, is included."""
    minute_end = clock // MINUTE * MINUTE + MINUTE
    hour_end = calendar.bucket(clock, "hour")[1]
    found = {}
    for name, end, length in (
        ("5m", minute_end, 5 * MINUTE),
        ("1h", minute_end, 60 * MINUTE),
        ("24h", minute_end, 1440 * MINUTE),
        ("7d", hour_end, 168 * HOUR),
        ("30d", hour_end, 720 * HOUR),
    ):
        found[name] = Window(end - length, end, Window(end - 2 * length, end - length))
    for unit, this, last in (
        ("day", "today", "yesterday"),
        ("week", "this_week", "last_week"),
        ("month", "this_month", "last_month"),
        ("quarter", "this_quarter", "last_quarter"),
    ):
        start = calendar.bucket(clock, unit)[0]
        whole_before = Window(*calendar.bucket(start - 1, unit))
        found[this] = Window(start, minute_end, whole_before)
        found[last] = whole_before
    found["all"] = Window(SINCE_EVER, minute_end)
    return found
