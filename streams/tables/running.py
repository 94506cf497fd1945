"""Every window's sums, kept up to date: an addition touches the windows that hold it, a tick of the clock
only the buckets that enter or leave, so that a tick costs what changed and not what is in the windows."""

from dataclasses import dataclass

from streams.tables.buckets import DAYS, EVER, HOURS, MINUTES
from streams.tables.calendar import minute_start
from streams.tables.cells import PAIRED, Cell, depends_on_start
from streams.tables.levels import NO_MEASURES, Level
from streams.tables.rows import Row, row
from streams.tables.scopes import EVERY, MAIN, ScopeKey
from streams.tables.sums import ScopeSums
from streams.tables.tables import Tables
from streams.tables.windows import ROLLING_HOURS, ROLLING_MINUTES, Span, Window, windows_at

WITH_SEGMENT_REGION = ("1h", "24h")
"""Windows that also show segment x region."""


@dataclass(slots=True)
class _Held:
    """The sums of one span of a window."""

    span: Span
    sums: ScopeSums
    coarsest: int  # level of bucket at which the span may start
    rebuild: bool = False


class RunningWindows:
    """The windows of the tables at a clock that only goes forward.

    `advance` before the tables forget what the old windows were made of. Rows of scopes in which nothing
    changed since they were last asked for are not made again.
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
        tables.running = self

    def added(self, level: int, start: int, cell: Cell, customers: int, value: int) -> None:
        """Takes note of an addition to a bucket of a level. Called by the tables."""
        paired = cell[0] >= PAIRED
        for held in self._held.values():
            span = held.span
            if span.start <= start < span.end:
                if level > held.coarsest:
                    # A bucket coarser than the window's own start may reach over it: sum anew, later.
                    held.rebuild = True
                if paired:
                    held.sums.add_paired(cell, customers, value)
                else:
                    held.sums.add_plain(cell, customers, value)

    def advance(self, clock: int) -> None:
        """Moves the clock on; one that is not later changes nothing."""
        if minute_start(clock) <= minute_start(self.clock):
            self.clock = max(self.clock, clock)
            return
        self.clock = clock
        self.windows = windows_at(self._tables.calendar, clock)
        for (name, beside), held in self._held.items():
            span = self.windows[name][beside]
            if span is None:
                raise ValueError(f"the window {name} has lost the one beside it")
            if span != held.span or held.rebuild:
                self._move(name, held, span)
                self._rows.pop((name, beside), None)

    def rows(self, window: str, *, before: bool = False) -> dict[ScopeKey, Row]:
        """The row of every scope in a window now, or in the one beside it.

        Scopes are the total, segments, regions and products, in `1h` and `24h` also segment x region.
        Raises: KeyError for a window that there is not.
        """
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
        return self._held["all", False].sums

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

    def _move(self, name: str, held: _Held, span: Span) -> None:
        old = held.span
        held.span = span
        if held.rebuild or span.start >= old.end or span.start < old.start or span.end < old.end:
            held.rebuild = False
            held.sums = self._summed(name, span)
            return
        sums = held.sums
        if span.start > old.start:
            self._add(sums, Span(old.start, span.start), sign=-1)
            self._shift(sums, Span(span.start, old.end))
        self._add(sums, Span(old.end, span.end))

    def _shift(self, sums: ScopeSums, span: Span) -> None:
        """Makes `span.start` the start of sums of which only the buckets of `span` are left."""
        moved = [
            (cell, n, v)
            for bucket in self._tables.buckets.within(span.start, span.end)
            for cell, (n, v) in bucket.paired.items()
            if depends_on_start(cell, sums.start, span.start)
        ]
        for cell, n, v in moved:
            sums.add_paired(cell, -n, -v)
        sums.start = span.start
        for cell, n, v in moved:
            sums.add_paired(cell, n, v)

    def _add(self, sums: ScopeSums, span: Span, *, sign: int = 1) -> None:
        for bucket in self._tables.buckets.within(span.start, span.end):
            for cell, (n, v) in bucket.plain.items():
                sums.add_plain(cell, sign * n, sign * v)
            for cell, (n, v) in bucket.paired.items():
                sums.add_paired(cell, sign * n, sign * v)


def _coarsest(name: str) -> int:
    if name == "all":
        return EVER
    if name in ROLLING_MINUTES:
        return MINUTES
    return HOURS if name in ROLLING_HOURS else DAYS
