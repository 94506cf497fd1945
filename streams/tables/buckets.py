"""Buckets of cells: minutes, hours and days of event time, each level holding all of what it covers.

A span is summed from the days, hours and minutes that it consists of. Finer levels are kept for a shorter
time; what comes for a time whose minutes are gone goes into its hour and day, or into its day alone. It is then taken
to lie at the start of that hour or day, so that of two spans that meet within one of them exactly one holds it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from streams.compiled import piece
from streams.ledger.rules import DAY, MINUTE
from streams.tables.calendar import Calendar, minute_start
from streams.tables.cells import PAIRED, Addition, Cell, pack_cells, unpack_cells
from streams.tables.windows import BEGINNING

_sums = piece("streams.tables._sums")

MINUTES, HOURS, DAYS, EVER = range(4)
"""Levels, finest first. EVER holds what is older than the days that are kept."""

MOST_OPEN = 1600
"""Buckets of a table whose cells are held as they are; the others, longest untouched, are packed.

A day of minutes with their hours and days, so that a late fact of the last day finds its bucket open.
"""

MOST_OPEN_CELLS = 500_000
"""Cells of these in all, some 300 bytes each: where a minute has many, fewer minutes are held open."""

FEW_OPEN = 16
"""Buckets that are held open however large they are: those of now."""


MOST_COMING = 4000
"""Additions that wait to be put into the buckets; more would hold up the caller for long."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long buckets of each level are kept behind the clock, in microseconds; None: for ever.

    The windows need minutes for 2 days and an hour, hours for 60 days and an hour, days for two quarters.
    """

    minutes_us: int | None = 3 * DAY
    hours_us: int | None = 90 * DAY
    days_us: int | None = 5 * 366 * DAY

    def __post_init__(self) -> None:
        for name, kept, least in (
            ("minutes", self.minutes_us, 49),
            ("hours", self.hours_us, 62 * 24),
            ("days", self.days_us, 190 * 24),
        ):
            if kept is not None and kept < least * 60 * MINUTE:
                raise ValueError(f"retention of {name} is too short for the windows: at least {least} h")


class Bucket:
    """Cells of one bucket; those that came to nothing are not kept."""

    __slots__ = ("paired", "plain")

    def __init__(self) -> None:
        self.plain: dict[Cell, list[int]] = {}
        self.paired: dict[Cell, list[int]] = {}

    def add_all(self, additions: Iterable[Addition]) -> None:
        """Adds to many cells; none of the additions is of nothing."""
        if _sums is not None:
            _sums.add_all(self.plain, self.paired, additions)
            return
        plain, paired = self.plain, self.paired
        for cell, customers, value in additions:
            cells = paired if cell[0] >= PAIRED else plain
            held = cells.get(cell)
            if held is None:
                cells[cell] = [customers, value]
            else:
                held[0] += customers
                held[1] += value
                if not held[0] and not held[1]:
                    del cells[cell]

    def pack(self) -> bytes:
        """The cells as bytes."""
        return pack_cells(list(self.additions()))

    def additions(self) -> Iterator[Addition]:
        """The cells as what has to be added to nothing."""
        return ((cell, n, v) for cells in (self.plain, self.paired) for cell, (n, v) in cells.items())

    @staticmethod
    def of(packed: "Bucket | bytes") -> "Bucket":
        """The bucket that was packed, or itself."""
        if isinstance(packed, Bucket):
            return packed
        bucket = Bucket()
        bucket.add_all(unpack_cells(packed))
        return bucket

    def __len__(self) -> int:
        return len(self.plain) + len(self.paired)


def add_cells(sums: dict[Cell, list[int]], cells: Mapping[Cell, Sequence[int]]) -> None:
    """Adds cells to sums of cells; those that came to nothing are not kept."""
    if _sums is not None:
        _sums.add_cells(sums, cells)
        return
    for cell, (customers, value) in cells.items():
        held = sums.get(cell)
        if held is None:
            sums[cell] = [customers, value]
        else:
            held[0] += customers
            held[1] += value
            if not held[0] and not held[1]:
                del sums[cell]


class Buckets:
    """All buckets of the tables, for any span of whole minutes whose levels are still kept."""

    def __init__(self, calendar: Calendar, retention: Retention) -> None:
        self._calendar = calendar
        self.retention = retention
        self._levels: tuple[dict[int, Bucket | bytes], ...] = ({}, {}, {})  # minutes, hours, days
        self._ever = Bucket()
        self._coming: dict[tuple[int, int], list[Addition]] = {}  # by level and start, not in the buckets yet
        self._coming_count = 0
        self._open: dict[tuple[int, int], int] = {}  # level and start to cells, the longest untouched first
        self._open_cells = 0
        self._most_open: int | None = None
        self._whole: tuple[set[int], ...] = (set(), set(), set())  # by level, starts to which something came as such
        self.minutes_from = self.hours_from = BEGINNING

    def level_at(self, us: int) -> int:
        """The finest level kept for an instant."""
        if us >= self.minutes_from:
            return MINUTES
        return HOURS if us >= self.hours_from else DAYS

    @property
    def minutes(self) -> dict[int, Bucket | bytes]:
        """Buckets of minutes by their start, those long untouched packed."""
        return self._settled(MINUTES)

    @property
    def hours(self) -> dict[int, Bucket | bytes]:
        """Buckets of hours, as `minutes`."""
        return self._settled(HOURS)

    @property
    def days(self) -> dict[int, Bucket | bytes]:
        """Buckets of days, as `minutes`."""
        return self._settled(DAYS)

    def hold_open(self, most: int | None) -> None:
        """Holds so many buckets open from now on and packs the others; None: `MOST_OPEN`."""
        self._most_open = most
        self._pack_beyond()

    def rest(self, most: int) -> None:
        """Packs so many of those that are open, the longest untouched first, but for a few."""
        for _ in range(min(most, len(self._open) - FEW_OPEN)):
            self._pack(next(iter(self._open)))

    def _pack_beyond(self) -> None:
        opened, most = self._open, MOST_OPEN if self._most_open is None else self._most_open
        while len(opened) > most or (self._open_cells > MOST_OPEN_CELLS and len(opened) > FEW_OPEN):
            self._pack(next(iter(opened)))

    def add_all(self, level: int, start: int, additions: Sequence[Addition]) -> None:
        """Adds to a bucket of a level and to the hour and day that hold it; none of the additions is of nothing.

        Whatever comes until a bucket is asked for goes into each hour and day at once.
        """
        coming = self._coming.get((level, start))
        if coming is None:
            if MINUTES < level < EVER:
                self._whole[level].add(start)
            self._coming[level, start] = list(additions)
        else:
            coming.extend(additions)
        self._coming_count += len(additions)
        if self._coming_count > MOST_COMING:
            self._settle()

    def forget(self, clock: int) -> None:
        """Lets go of minutes and hours that are older than they are kept; their sums stay in the days."""
        self._settle()
        minutes, hours, _ = self._levels
        if self.retention.minutes_us is not None:
            cut = self._calendar.hour_start(clock - self.retention.minutes_us)
            if cut > self.minutes_from:
                self.minutes_from = cut
                for start in [s for s in minutes if s < cut]:
                    del minutes[start]
        if self.retention.hours_us is not None:
            cut = self._calendar.day_start(clock - self.retention.hours_us)
            if cut > self.hours_from:
                self.hours_from = cut
                for start in [s for s in hours if s < cut]:
                    del hours[start]
                self._whole[HOURS].difference_update([s for s in self._whole[HOURS] if s < cut])

    def within(self, start: int, end: int) -> Iterator[Bucket]:
        """Buckets that make up [start, end), each instant once."""
        if start >= end:
            return
        self._settle()
        if start == BEGINNING:
            yield self._ever
            first_day = BEGINNING
        else:
            first_day = self._up(start, self._calendar.day_start(start), self._calendar.next_day)
        last_day = self._calendar.day_start(end)
        if first_day > last_day:
            yield from self._within_hours(start, end)
            return
        yield from self._within_hours(start, first_day)
        for day, bucket in self._levels[DAYS].items():
            if first_day <= day < last_day:
                yield Bucket.of(bucket)
        if last_day < end:
            yield from self._come_whole(DAYS, last_day, self._calendar.next_day(last_day))
        yield from self._within_hours(last_day, end)

    def _within_hours(self, start: int, end: int) -> Iterator[Bucket]:
        if start >= end:
            return
        hour = self._up(start, self._calendar.hour_start(start), self._calendar.next_hour)
        last = self._calendar.hour_start(end)
        if hour > last:
            yield from self._within_minutes(start, end)
            return
        yield from self._within_minutes(start, hour)
        while hour < last:
            if (bucket := self._levels[HOURS].get(hour)) is not None:
                yield Bucket.of(bucket)
            hour = self._calendar.next_hour(hour)
        if last < end:
            yield from self._come_whole(HOURS, last, self._calendar.next_hour(last))
        yield from self._within_minutes(last, end)

    def _come_whole(self, level: int, start: int, end: int) -> Iterator[Bucket]:
        """What an hour or day holds that did not come by the minute or hour: none of its parts has it."""
        if start not in self._whole[level] or (bucket := self._levels[level].get(start)) is None:
            return
        found = Bucket()
        found.add_all(Bucket.of(bucket).additions())
        parts, place = self._levels[level - 1], start
        while place < end:
            if (part := parts.get(place)) is not None:
                found.add_all((cell, -n, -v) for cell, n, v in Bucket.of(part).additions())
            place = place + MINUTE if level == HOURS else self._calendar.next_hour(place)
        yield found

    def _within_minutes(self, start: int, end: int) -> Iterator[Bucket]:
        for minute in range(minute_start(start), end, MINUTE):
            if (bucket := self._levels[MINUTES].get(minute)) is not None:
                yield Bucket.of(bucket)

    def _settled(self, level: int) -> dict[int, Bucket | bytes]:
        self._settle()
        return self._levels[level]

    def _settle(self) -> None:
        """Adds what has come since to the buckets."""
        if not self._coming:
            return
        coming, self._coming, self._coming_count = self._coming, {}, 0
        calendar = self._calendar
        hours: dict[int, list[Addition]] = {}
        days: dict[int, list[Addition]] = {}
        for (level, start), additions in coming.items():
            if level == EVER:
                self._ever.add_all(additions)
                continue
            if level == MINUTES:
                self._add(MINUTES, start, additions)
            if level <= HOURS:
                hours.setdefault(calendar.hour_start(start), []).extend(additions)
            days.setdefault(calendar.day_start(start), []).extend(additions)
        for start, additions in hours.items():
            self._add(HOURS, start, additions)
        for start, additions in days.items():
            self._add(DAYS, start, additions)

    def _add(self, level: int, start: int, additions: Sequence[Addition]) -> None:
        buckets, opened, place = self._levels[level], self._open, (level, start)
        held = buckets.get(start)
        bucket = Bucket() if held is None else Bucket.of(held)
        bucket.add_all(additions)
        self._open_cells += len(bucket) - opened.pop(place, 0)
        if not bucket:
            buckets.pop(start, None)
            return
        buckets[start] = bucket
        opened[place] = len(bucket)
        self._pack_beyond()

    def _pack(self, place: tuple[int, int]) -> None:
        self._open_cells -= self._open.pop(place)
        level, start = place
        buckets = self._levels[level]
        bucket = buckets.get(start)
        if isinstance(bucket, Bucket):  # it may have been let go since
            buckets[start] = bucket.pack()

    @staticmethod
    def _up(at: int, start: int, following: Callable[[int], int]) -> int:
        return at if at == start else following(start)
