"""The running tables of many customers: movements in, rows of any scope and window out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streams.ledger.movements import Movement
from streams.ledger.rules import HOUR
from streams.tables.buckets import HOURS, MINUTES, Buckets, Retention, add_cells
from streams.tables.calendar import calendar_of, minute_start, utc_text
from streams.tables.cells import Addition, Cell, cells_of
from streams.tables.levels import Level, change
from streams.tables.rows import Row, RowRules, row
from streams.tables.scopes import MAIN, ScopeKey
from streams.tables.sums import ScopeSums
from streams.tables.windows import BEGINNING, Span

if TYPE_CHECKING:
    from streams.tables.running import RunningWindows


@dataclass(frozen=True, slots=True)
class TableRules:
    """What the definitions and settings fix for the tables; spans in microseconds.

    `counts_from`: the instant at which the count begins, with the customers whom another one had; None: it has all.
    """

    zone: str = "UTC"
    horizon_us: int = 36 * HOUR
    grouping_us: int = HOUR
    rows: RowRules = field(default_factory=RowRules)
    retention: Retention = field(default_factory=Retention)
    counts_from: int | None = None

    def told(self, row: Row, start: int) -> Row:
        """The row of a span that begins at `start`; if the count begins later, it says from when it counts."""
        if self.counts_from is None or start >= self.counts_from:
            return row
        return {**row, "counts_from": utc_text(self.counts_from)}


class Tables:
    """Cells of all movements, by buckets of event time.

    Every movement is added once, and taken back with sign -1 when a late fact has changed what it meant; the
    two must be equal. Nothing here reads a clock.
    """

    def __init__(self, rules: TableRules) -> None:
        self.rules = rules
        self.calendar = calendar_of(rules.zone)
        self.buckets = Buckets(self.calendar, rules.retention)
        self.first_at: int | None = None
        self.running: RunningWindows | None = None
        self.touched_hours: set[int] | None = None  # starts of hours in which anything was counted; None: not noted

    def add_movement(self, movement: Movement, sign: int = 1) -> None:
        """Adds a movement (sign +1) or takes one back (sign -1)."""
        at = movement.at
        if self.first_at is None or at < self.first_at:
            self.first_at = at
        level = self.buckets.level_at(at)
        if level == MINUTES:
            start = minute_start(at)
        else:
            start = self.calendar.hour_start(at) if level == HOURS else self.calendar.day_start(at)
        self.add_cells(
            level, start, [(cell, sign * n, sign * v) for cell, n, v in cells_of(movement, self.calendar) if n or v]
        )

    def add_cells(self, level: int, start: int, additions: Sequence[Addition]) -> None:
        """Adds to cells of a bucket of a level; a bucket of days holds its hours, these their minutes.

        None of the additions is of nothing.
        """
        self.buckets.add_all(level, start, additions)
        if self.touched_hours is not None and level <= HOURS:
            self.touched_hours.add(self.calendar.hour_start(start))
        if self.running is not None:
            self.running.added(level, start, additions)

    def forget(self, clock: int) -> None:
        """Lets go of minutes and hours past their retention, once running windows stand at their own clock."""
        if self.running is not None:
            self.running.catch_up()
        self.buckets.forget(clock)

    def sums(self, span: Span, dimensions: int = MAIN) -> ScopeSums:
        """Sums of every scope of these dimensions over a span of whole minutes."""
        found = ScopeSums(span.start, dimensions)
        found.add_buckets(self.buckets.within(span.start, span.end))
        return found

    def levels(self, at: int, dimensions: int = MAIN) -> dict[ScopeKey, Level]:
        """The level of every scope at the start of a minute."""
        found = ScopeSums(BEGINNING, dimensions)
        cells: dict[Cell, list[int]] = {}
        for bucket in self.buckets.within(BEGINNING, at):
            add_cells(cells, bucket.plain)
        found.add_plain((cell, n, v) for cell, (n, v) in cells.items())
        return {scope: change(measures) for scope, measures in found.by_scope.items()}

    def rows(self, span: Span, dimensions: int = MAIN) -> dict[ScopeKey, Row]:
        """The row of every scope that has one, in a span, summed anew."""
        sums = self.sums(span, dimensions)
        before = {} if span.start == BEGINNING else self.levels(span.start, dimensions)
        scopes = sums.by_scope.keys() | before.keys()
        return {
            scope: row(sums.by_scope.get(scope, {}), before.get(scope, Level()), self.rules.rows) for scope in scopes
        }
