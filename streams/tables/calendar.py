"""The company's calendar: where hours, days, weeks, months and quarters begin in its time zone.

Instants are microseconds since 1970 UTC. Spans are [start, end). A day has 23 or 25 hours when the clocks
change; an hour begins at full local minutes also in zones 30 or 45 minutes off, and is shorter where a clock
change of half an hour cuts it.
"""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from streams.ledger.rules import HOUR, MINUTE

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
REMEMBERED = 50_000
"""Starts kept at hand before the memory of them is emptied: some 6 MB, a month of minutes."""


def minute_start(us: int) -> int:
    """Start of the minute that holds an instant."""
    return us - us % MINUTE


@cache
def calendar_of(zone: str) -> "Calendar":
    """The calendar of a time zone: one for all tables, so that what it keeps at hand is kept once."""
    return Calendar(zone)


def utc_text(us: int) -> str:
    """RFC 3339 in UTC, ending in Z; fractions only where there are any."""
    return (EPOCH + us * MICROSECOND).replace(tzinfo=None).isoformat() + "Z"


class Calendar:
    """Calendar of one time zone (IANA name). Raises zoneinfo.ZoneInfoNotFoundError for an unknown one."""

    def __init__(self, zone: str = "UTC") -> None:
        self.zone = zone
        self._zone = ZoneInfo(zone)
        self._hours: dict[int, int] = {}
        self._days: dict[int, int] = {}
        self._months: dict[int, str] = {}

    def local(self, us: int) -> datetime:
        """The instant as the company's clocks show it."""
        return (EPOCH + us * MICROSECOND).astimezone(self._zone)

    def local_text(self, us: int) -> str:
        """RFC 3339 with the zone's offset."""
        return self.local(us).isoformat()

    def month_name(self, us: int) -> str:
        """`YYYY-MM` of the local month."""
        day = self.day_start(us)
        name = self._months.get(day)
        if name is None:
            local = self.local(day)
            name = self._months[day] = f"{local.year:04d}-{local.month:02d}"
        return name

    def hour_start(self, us: int) -> int:
        """Start of the local hour that holds an instant."""
        minute = us - us % MINUTE
        start = self._hours.get(minute)
        if start is None:
            if len(self._hours) >= REMEMBERED:
                self._hours.clear()
            start = self._hours[minute] = self._hour_of(minute)
        return start

    def day_start(self, us: int) -> int:
        """Start of the local day that holds an instant."""
        hour = self.hour_start(us)
        start = self._days.get(hour)
        if start is None:
            if len(self._days) >= REMEMBERED:
                self._days.clear()
            day = self.local(hour).date()
            start = self._date_start(day)
            # Clocks put back just after midnight show the old date again: it is the new day all the same.
            tomorrow = self._date_start(day + timedelta(days=1))
            start = self._days[hour] = tomorrow if tomorrow <= hour else start
        return start

    def date_of(self, us: int) -> date:
        """The local day that holds an instant."""
        return self.local(self.day_start(us)).date()

    def week_start(self, us: int) -> int:
        """Start of the local week, from Monday, that holds an instant."""
        day = self.date_of(us)
        return self._date_start(day - timedelta(days=day.weekday()))

    def month_start(self, us: int) -> int:
        """Start of the local month that holds an instant."""
        return self._date_start(self.date_of(us).replace(day=1))

    def quarter_start(self, us: int) -> int:
        """Start of the local quarter that holds an instant."""
        day = self.date_of(us)
        return self._date_start(day.replace(month=day.month - (day.month - 1) % 3, day=1))

    def next_hour(self, start: int) -> int:
        """Start of the local hour after the one that begins at `start`."""
        end = self.hour_start(start + HOUR)
        while (between := self.hour_start(end - 1)) > start:
            end = between
        return end

    def next_day(self, start: int) -> int:
        """Start of the local day after the one that begins at `start`."""
        return self._after(start, self.local(start).date(), 1)

    def period_start(self, by: str, us: int) -> int:
        """Start of the local `hour`, `day`, `week`, `month` or `quarter` that holds an instant."""
        match by:
            case "hour":
                return self.hour_start(us)
            case "day":
                return self.day_start(us)
            case "week":
                return self.week_start(us)
            case "month":
                return self.month_start(us)
            case "quarter":
                return self.quarter_start(us)
        raise ValueError(f"no such period: {by!r}; use hour, day, week, month or quarter")

    def next_period(self, by: str, start: int) -> int:
        """Start of the period after the one that begins at `start`."""
        match by:
            case "hour":
                return self.next_hour(start)
            case "day":
                return self.next_day(start)
            case "week":
                return self._after(start, self.local(start).date(), 7)
            case "month" | "quarter":
                # 31 and 92 days are the longest; three more days make up for any clock change.
                return self.period_start(by, start + (34 if by == "month" else 95) * 24 * HOUR)
        raise ValueError(f"no such period: {by!r}; use hour, day, week, month or quarter")

    def _hour_of(self, minute: int) -> int:
        local = self.local(minute)
        start = minute - local.minute * MINUTE
        changed = self._offset(start) - self._offset(minute)
        if changed % timedelta(hours=1) == timedelta(0):
            return start
        # A clock change of part of an hour lies between: the hour begins with it.
        before, after = start, minute
        while after - before > MINUTE:
            middle = minute_start((before + after) // 2)
            if self._offset(middle) == self._offset(minute):
                after = middle
            else:
                before = middle
        return after

    def _offset(self, us: int) -> timedelta:
        offset = self.local(us).utcoffset()
        return offset if offset is not None else timedelta(0)

    def _date_start(self, day: date) -> int:
        # A midnight that the clocks skip stands, with fold 0, for the instant of the change itself.
        midnight = datetime(day.year, day.month, day.day, tzinfo=self._zone)
        return minute_start((midnight.astimezone(UTC) - EPOCH) // MICROSECOND)

    def _after(self, start: int, day: date, days: int) -> int:
        while (end := self._date_start(day + timedelta(days=days))) <= start:
            days += 1  # a whole local day that never was (Samoa, 30 December 2011)
        return end
