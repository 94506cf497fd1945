"""Every window's sums, kept up to date: an addition touches the windows that hold it, a move of the clock only the
buckets that enter or leave. Both happen when a window is asked for: additions of many flushes are summed up by scope
once, and while time races, as in a replay, the buckets that a window holds are complete by then, and hours or days
enter it whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streams.ledger.rules import DAY, HOUR
from streams.tables.buckets import DAYS, EVER, HOURS, MINUTES
from streams.tables.calendar import minute_start
from streams.tables.cells import Addition, dependent_on_start
from streams.tables.levels import NO_MEASURES, Level
from streams.tables.rows import Row, row
from streams.tables.scopes import EVERY, MAIN, ScopeKey
from streams.tables.sums import ScopeSums, add_span, add_to_all
from streams.tables.tables import Tables
from streams.tables.windows import ROLLING_HOURS, ROLLING_MINUTES, Span, Window, windows_at

WITH_SEGMENT_REGION = ("1h", "24h")
"""Windows that also show segment x region."""


PIECE_US = 4 * HOUR
BY_DAYS_US = 2 * DAY
MOST_PIECES = 32
"""A move of all windows is done in pieces of so much event time, or in so many, whichever gives fewer."""

MOST_WAITING = 10_000
"""Additions that wait to be added to the windows; more would hold up the caller for long."""


@dataclass(slots=True)
class _Held:
    """The sums of one span of a window."""

    span: Span
    sums: ScopeSums
    coarsest: int  # level of bucket at which the span may start
    rebuild: bool = False


class RunningWindows:
    """The windows of the tables at a clock that only goes forward.

    Rows of scopes in which nothing changed since they were last asked for are not made again.
    """

    def __init__(self, tables: Tables, clock: int) -> None:
        self._tables = tables
        self._held: dict[tuple[str, bool], _Held] = {}
        self._rows: dict[tuple[str, bool], dict[ScopeKey, Row]] = {}
        self._levels: dict[tuple[str, bool], dict[ScopeKey, Level]] = {}
        self.clock = clock
        self.windows: dict[str, Window] = windows_at(tables.calendar, clock)
        for name, window in self.windows.items():
            for beside, span in enumerate(window):
                if span is not None:
                    self._held[name, bool(beside)] = _Held(span, self._summed(name, span), _coarsest(name))
        self._moving: Iterator[bool] = iter(())
        self._waiting: dict[tuple[int, int], list[Addition]] = {}  # by level and start of the bucket
        self._waiting_count = 0
        self._until = max(held.span.end for held in self._held.values())  # no window holds anything from there on
        tables.running = self

    def added(self, level: int, start: int, additions: Sequence[Addition]) -> None:
        """Takes note of additions to a bucket of a level. Called by the tables."""
        if start >= self._until:
            return
        waiting = self._waiting.get((level, start))
        if waiting is None:
            self._waiting[level, start] = list(additions)
        else:
            waiting.extend(additions)
        self._waiting_count += len(additions)
        if self._waiting_count > MOST_WAITING:
            self._add_waiting()

    def advance(self, clock: int) -> None:
        """Sets the clock on; one that is not later changes nothing. The windows follow when they are asked for."""
        if minute_start(clock) <= minute_start(self.clock):
            self.clock = max(self.clock, clock)
            return
        self.clock = clock
        self.windows = windows_at(self._tables.calendar, clock)
        self._moving = self._moves()

    def catch_up(self) -> None:
        """Moves every window to where the clock stands."""
        while self.step():
            pass

    def step(self) -> bool:
        """Does a part of what brings the windows to the clock; False when all of them are there."""
        # A move takes buckets in with what was added to them, and must find nothing of that waiting.
        self._add_waiting()
        if next(self._moving, None) is None:
            return False
        self._until = max(held.span.end for held in self._held.values())
        return True

    def rows(self, window: str, *, before: bool = False) -> dict[ScopeKey, Row]:
        """The row of every scope in a window now, or in the one beside it.

        Scopes are the total, segments, regions and products, in `1h` and `24h` also segment x region.
        Raises: KeyError for a window that there is not.
        """
        self.catch_up()
        key = (window, before)
        held, made = self._held[key], self._rows.setdefault(key, {})
        levels = self._levels_before(held)
        known = self._held["all", False].sums.by_scope
        dimensions = held.sums.dimensions
        for scope in [scope for scope in made if scope not in known]:
            del made[scope]
        changed = held.sums.touched
        old_levels = self._levels.get(key, {})
        for scope in known:
            if scope[0] == "segment_region" and dimensions == MAIN:
                continue
            level = levels.get(scope, Level())
            if scope in changed or scope not in made or old_levels.get(scope, Level()) != level:
                measures = held.sums.by_scope.get(scope, NO_MEASURES)
                made[scope] = row(measures, level, self._tables.rules.rows)
        changed.clear()
        self._levels[key] = levels
        return dict(made)

    def total_sums(self) -> ScopeSums:
        """Sums of all time, with every dimension; for cohorts."""
        self.catch_up()
        return self._held["all", False].sums

    def _add_waiting(self) -> None:
        """Adds what waits to the windows that hold its bucket: what the same windows hold, all at once."""
        if not self._waiting:
            return
        windows = list(self._held.values())
        together: dict[tuple[int, ...], list[Addition]] = {}
        for (level, start), additions in self._waiting.items():
            holding = []
            for number, held in enumerate(windows):
                if held.span.start <= start < held.span.end:
                    # A bucket coarser than the window's own start may reach over it: sum anew, later.
                    held.rebuild = held.rebuild or level > held.coarsest
                    holding.append(number)
            if holding:
                together.setdefault(tuple(holding), []).extend(additions)
        self._waiting, self._waiting_count = {}, 0
        for numbers, additions in together.items():
            add_to_all([windows[number].sums for number in numbers], additions)

    def _levels_before(self, held: _Held) -> dict[ScopeKey, Level]:
        everything = self._held["all", False]
        if held is everything:
            return {}
        sums = [held.sums]
        if held.span.end != everything.span.end:
            sums.append(self._beginning_at(held.span.end, held.sums.dimensions).sums)
        levels = {}
        with_pairs = held.sums.dimensions != MAIN
        for scope in everything.sums.by_scope:
            if scope[0] == "segment_region" and not with_pairs:
                continue
            level = everything.sums.change(scope)
            for later in sums:
                level = level.minus(later.change(scope))
            levels[scope] = level
        return levels

    def _beginning_at(self, start: int, dimensions: int) -> _Held:
        end = self._held["all", False].span.end
        for held in self._held.values():
            if held.span == (start, end) and held.sums.dimensions & dimensions == dimensions:
                return held
        raise ValueError(f"no window runs from {start} to the clock")

    def _summed(self, name: str, span: Span) -> ScopeSums:
        return self._tables.sums(span, EVERY if name in (*WITH_SEGMENT_REGION, "all") else MAIN)

    def _moves(self) -> Iterator[bool]:
        """The moves to the clock one by one; between them every window's sums are those of the span noted with it."""
        growing: dict[tuple[int, int], list[tuple[str, _Held, Span]]] = {}
        for (name, beside), held in self._held.items():
            span, old = self.windows[name][beside], held.span
            if span is None:
                raise ValueError(f"the window {name} has lost the one beside it")
            if span == old and not held.rebuild:
                continue
            self._rows.pop((name, beside), None)
            if held.rebuild or span.start >= old.end or span.start < old.start or span.end < old.end:
                self._rebuild(name, held, span)
                yield True
            else:
                growing.setdefault((old.end, span.end), []).append((name, held, span))
        for ends, windows in growing.items():
            for piece in self._pieces(*ends):
                add_span(self._tables.buckets.within(*piece), [held.sums for _, held, _ in windows])
                for _, held, _ in windows:
                    held.span = Span(held.span.start, piece.end)
                yield True
        for name, held, span in (window for windows in growing.values() for window in windows):
            if held.rebuild:
                self._rebuild(name, held, span)
                yield True
            elif span.start > (start := held.span.start):
                held.span = span
                held.sums.add_buckets(self._tables.buckets.within(start, span.start), -1)
                self._shift(held.sums, span)
                yield True

    def _rebuild(self, name: str, held: _Held, span: Span) -> None:
        held.rebuild, held.span = False, span
        held.sums = self._summed(name, span)

    def _pieces(self, start: int, end: int) -> Iterator[Span]:
        """A span in pieces that end with whole hours or days, so that none holds up the caller for long.

        One that reaches back to where only days may be kept is cut by days: part of such a bucket is in no piece.
        """
        calendar = self._tables.calendar
        by_days = end - start > BY_DAYS_US
        most = max(DAY if by_days else PIECE_US, (end - start) // MOST_PIECES)
        whole = calendar.day_start if by_days else calendar.hour_start
        while end - start > most:
            middle = whole(start + most)
            if middle <= start:
                break
            yield Span(start, middle)
            start = middle
        if start < end:
            yield Span(start, end)

    def _shift(self, sums: ScopeSums, span: Span) -> None:
        """Makes `span.start` the start of sums of which only the buckets of `span` are left."""
        old = sums.start
        moved: list[Addition] = []
        for bucket in self._tables.buckets.within(span.start, span.end):
            moved.extend(dependent_on_start(bucket.paired, old, span.start))
        sums.add_paired(moved, -1)
        sums.start = span.start
        sums.add_paired(moved)


def _coarsest(name: str) -> int:
    if name == "all":
        return EVER
    if name in ROLLING_MINUTES:
        return MINUTES
    return HOURS if name in ROLLING_HOURS else DAYS
