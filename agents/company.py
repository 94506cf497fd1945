"""The tables of the whole company, read back from `scope-parts` by every worker.

Each worker reads what all of them write and adds it up, so that any of them answers for the whole company. What one
exports and writes to `net-growth` is decided by who owns the scope's partition now.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Collection, Iterable
from time import monotonic
from typing import Any

from agents.input_ends import Ends, unread
from agents.partition_state import OTHER_DEFINITIONS, OtherDefinitions
from agents.parts_reader import POLL_MS, PartFormat, PartsReader
from config.settings import Settings
from streams.books import Flush
from streams.facts.definitions.model import Definitions
from streams.facts.placement import partition_for
from streams.recount import add_accounting
from streams.report.growth_line import GrowthLine
from streams.report.instants import WindowView, is_final_now, past_card, past_view, row_in
from streams.tables.buckets import FEW_OPEN
from streams.tables.calendar import Calendar
from streams.tables.cohorts import cohorts
from streams.tables.labels import customers_had
from streams.tables.ledger_json import ledger_json
from streams.tables.levels import NO_MEASURES, Level
from streams.tables.merge import CompanyTables
from streams.tables.part_records import OwnPart, epoch_of, is_part_of, is_progress, read_key
from streams.tables.parts_in_force import PartsInForce
from streams.tables.rows import Row, row
from streams.tables.running import WITH_SEGMENT_REGION, RunningWindows
from streams.tables.scopes import THE_TOTAL, TOTAL, ScopeKey
from streams.tables.tables import TableRules, Tables
from streams.tables.watermark import ClockRules, PartitionState, TablesClock
from streams.tables.windows import Span, windows_at

RESTED_AT_ONCE = 10
"""Buckets of the tables packed with a tick of the clock before which nothing came: some milliseconds if large."""

PIECE_S = 0.003
"""How long the taking in of own flushes may hold up everything else."""


def scope_name(scope: ScopeKey) -> str:
    """A scope as the key of `net-growth` writes it: `total`, `segment=SMB`, `segment=SMB,region=EMEA`."""
    dimension, first, second = scope
    if dimension == "total":
        return "total"
    if dimension == "segment_region":
        return f"segment={first},region={second}"
    return f"{dimension}={first}"


class Company:
    """The merged tables at the clock of the tables.

    Attributes:
        clock: smallest watermark of all partitions, microseconds; None before the first record.
        parts: what reads `scope-parts`.
        owned: which partitions this worker owns and speaks for now; asked, never remembered.
        shows: whether these tables are the company's now, or those of an edition that is not in force; as `owned`.
    """

    def __init__(
        self, settings: Settings, definitions: Definitions, table_rules: TableRules, clock_rules: ClockRules,
        owned: Callable[[], Iterable[int]], shows: Callable[[], bool] = lambda: True,
    ) -> None:
        self.definitions = definitions
        self.owned = owned
        self.shows = shows
        self.partitions = settings.partitions
        self._rules = clock_rules
        self._tables = CompanyTables(table_rules)
        self._taken = 0
        self._tables.hold_open(FEW_OPEN)  # what is read back comes level by level and by time
        self._clock = TablesClock(clock_rules, settings.partitions)
        self._windows: RunningWindows | None = None
        self._coming: deque[tuple[bytes, bytes | None, OwnPart | None]] = deque()  # delivered, not yet in the tables
        self.parts = PartsReader(
            settings, "scope-parts", PartFormat(is_progress, epoch_of, is_part_of), self._tables.apply,
            PartsInForce(self._tables.tables.calendar),
        )

    @property
    def tables(self) -> Tables:
        """The merged tables, without flushes that are being taken in."""
        return self._tables.tables

    @property
    def clock(self) -> int | None:
        """The clock of the tables."""
        return self._clock.clock

    @property
    def complete(self) -> bool:
        """Everything that lay in `scope-parts` when reading began has been read; before that nothing is told."""
        return self.parts.complete

    async def take_own(self, partition: int, flush: Flush) -> None:
        """Take in a flush that this worker has delivered, as if its records had been read back.

        That is done piece by piece, so that nothing else waits long; whoever asks for the tables finds all of it.
        """
        self.parts.pass_over(partition, flush.epoch)
        self._coming.extend((key, value, flush.decoded.get(key)) for key, value in flush.parts)
        while self._coming:
            self._take_coming(PIECE_S)
            await asyncio.sleep(PIECE_S / 2)

    def _take_coming(self, seconds: float) -> None:
        """Take in what has been delivered, for so long."""
        end = monotonic() + seconds
        while self._coming:
            key, value, own = self._coming.popleft()
            if own is None:
                self._tables.apply(key, value)
            else:
                self._tables.apply_part(read_key(key), own.part, own.packed)
            if monotonic() > end:
                return

    @property
    def _whole(self) -> CompanyTables:
        """The merged tables with every flush in them whole."""
        self._take_coming(math.inf)
        return self._tables

    async def unread(self, now: int, input_ends: Ends) -> set[int]:
        """Partitions told to be idle that hold more than was read of them; `input_ends` tells where they end."""
        return await unread(self._clock, self.states(), now, input_ends) if self.complete else set()

    def advance(self, now: int, unread: Collection[int] = ()) -> int | None:
        """Move the clock on by what all partitions told; `now` is the wall clock, microseconds.

        `unread`: partitions that hold more than was read of them, whatever was told.

        Raises: OtherDefinitions: a worker of other definitions writes to these tables.
        """
        if not self.complete:
            return None
        self._check_definitions()
        clock = self._clock.advance(self.states(), now, unread)
        if clock is None:
            return None
        if self._windows is None:
            self._tables.hold_open(None)
            # From the first movement on they are filled in pieces; summed at once, a long history would hold up all.
            # They begin with a whole day: a record of an hour or a day that began before them would never enter them.
            tables = self._tables.tables
            first = clock if tables.first_at is None else min(clock, tables.calendar.day_start(tables.first_at) - 1)
            self._windows = RunningWindows(tables, first)
        self._windows.advance(clock)
        return clock

    def _check_definitions(self) -> None:
        """A worker that owns no partition restores none, so here it sees what the others count by."""
        mine = (self.definitions.name, self.definitions.version)
        for number, progress in self._tables.progress.items():
            # Older programs told the version alone.
            theirs = (progress.definitions_name or mine[0], progress.definitions_version)
            if theirs != mine:
                raise OtherDefinitions(
                    f"partition {number} is counted under the definitions {' '.join(theirs)}, and these are "
                    f"{' '.join(mine)}: {OTHER_DEFINITIONS}"
                )

    async def follow(self) -> None:
        """Move the windows to the clock, one at a time, so that nothing else waits long; then forget what is old.

        While nothing comes, what was not touched for longest is packed, some of it with every call.
        """
        windows = self._windows
        if windows is None:
            return
        while windows.step():
            await asyncio.sleep(0)
        self._tables.tables.forget(windows.clock)
        if self._tables.taken == self._taken:
            self._tables.rest(RESTED_AT_ONCE)
        self._taken = self._tables.taken

    def rows(self, window: str, *, before: bool = False) -> dict[ScopeKey, Row]:
        """The row of every scope in a window; nothing before the clock is known."""
        self._take_coming(math.inf)
        return {} if self._windows is None else self._windows.rows(window, before=before)

    def span(self, window: str) -> Span | None:
        """[start, end) of a window at the clock, microseconds."""
        return None if self._windows is None else self._windows.windows[window].span

    def closed_hours(self, most: int) -> list[Span]:
        """Hours before the clock in which something was counted since they were last asked for; the oldest first."""
        tables, clock = self._tables.tables, self.clock
        if clock is None or not self.complete:
            return []
        if tables.touched_hours is None:
            # What was told before this worker read the tables back stands; the horizon may still correct it.
            tables.touched_hours = self._recent_hours(clock)
        calendar = tables.calendar
        hours = sorted(tables.touched_hours)[:most]
        spans = [Span(hour, calendar.next_hour(hour)) for hour in hours]
        closed = [span for span in spans if span.end <= clock]
        tables.touched_hours.difference_update(span.start for span in closed)
        return closed

    def day_of(self, at: int) -> Span:
        """The company's day that holds an instant."""
        calendar = self._tables.tables.calendar
        start = calendar.day_start(at)
        return Span(start, calendar.next_day(start))

    @property
    def calendar(self) -> Calendar:
        """The company's calendar."""
        return self._tables.tables.calendar

    def local_text(self, at: int) -> str:
        """An instant in the company's time zone, with its offset."""
        return self._tables.tables.calendar.local_text(at)

    def told(self, row: Row, start: int) -> Row:
        """The row of a span that begins at `start`, as others are told it (`TableRules.told`)."""
        return self._tables.tables.rules.told(row, start)

    def rows_in(self, span: Span) -> dict[ScopeKey, Row]:
        """The row of every scope in which something was counted in a span, summed anew."""
        tables = self._whole.tables
        counted = tables.sums(span).by_scope
        return {scope: row for scope, row in tables.rows(span).items() if scope in counted}

    def _recent_hours(self, clock: int) -> set[int]:
        calendar, definitions = self._tables.tables.calendar, self.definitions
        hour = calendar.hour_start(clock - definitions.horizon_us - definitions.grouping_us)
        hours = set()
        while hour <= clock:
            hours.add(hour)
            hour = calendar.next_hour(hour)
        return hours

    def owns(self, scope: ScopeKey) -> bool:
        """Whether this worker exports the scope now."""
        return self.place(scope) in self.owned()

    def place(self, scope: ScopeKey) -> int:
        """The partition whose owner exports the scope."""
        return partition_for(scope_name(scope).encode(), self.partitions)

    def cohorts(self) -> list[dict[str, Any]]:
        """Customers by month of joining."""
        self._take_coming(math.inf)
        if self._windows is None:
            return []
        return cohorts(self._windows.total_sums().by_scope.get(THE_TOTAL, NO_MEASURES))

    def accounting(self) -> dict[str, Any]:
        """What became of all records, as each partition last told."""
        return add_accounting([progress.accounting for progress in self._whole.progress.values()])

    def past_card(self, at: int, window: str) -> dict[str, Any]:
        """The report card of an instant not after the clock.

        Raises: CannotAnswer, saying which instants can be answered.
        """
        definitions = self.definitions
        named = {"name": definitions.name, "version": definitions.version}
        return past_card(
            self._whole.tables, at, self.clock or 0, window, definitions=named, currency=definitions.currency,
            accounting=self.accounting(),
        )

    def view(self, scope: ScopeKey, window: str, at: int | None = None) -> WindowView | None:
        """One scope in one window, now or as it was at an instant; None before the first record.

        Raises: CannotAnswer, saying which instants can be answered.
        """
        tables, windows = self._whole.tables, self._windows
        if windows is None:
            return None
        if at is not None:
            return past_view(tables, scope, window, at, windows.clock)
        span, beside = windows.windows[window]
        held = scope[0] != "segment_region" or window in (*WITH_SEGMENT_REGION, "all")

        def found(of: Span, *, before: bool) -> Row:
            known = self.rows(window, before=before).get(scope) if held else None
            return known or row_in(tables, scope, of)

        final = is_final_now(tables, window, windows.clock, windows.clock)
        return WindowView(span, found(span, before=False), found(beside, before=True) if beside else None, final)

    def growth_line(self, scope: ScopeKey) -> GrowthLine:
        """Net growth of a scope period by period; for whoever keeps it: it remembers what does not change."""
        return GrowthLine(self._tables.tables, scope)

    def names(self) -> dict[str, list[str]]:
        """Segments, regions and products that there are, those of most customers first."""
        had = customers_had(self.rows("all"))
        return {
            label: sorted(had[label], key=lambda name: (-had[label][name], name))
            for label in ("segment", "region", "product")
        }

    def states(self) -> dict[int, PartitionState]:
        """What each partition last told of its time."""
        return {
            number: PartitionState(progress.watermark, progress.idle, progress.fresh, progress.end)
            for number, progress in self._tables.progress.items()
        }

    def offsets(self) -> dict[int, int]:
        """The next offset of each source partition that is in the tables."""
        return {number: progress.next_offset for number, progress in self._tables.progress.items()}

    def total(self) -> Row:
        """The row of the whole company for all time up to the clock, summed for itself: no window is moved for it."""
        tables = self._tables.tables
        everything = windows_at(tables.calendar, self.clock or 0)["all"].span
        measures = tables.sums(everything, TOTAL).by_scope.get(THE_TOTAL, NO_MEASURES)
        return row(measures, Level(), tables.rules.rows)

    def ledger(self) -> dict[str, Any] | None:
        """The ledger's JSON at the clock; None before there is one."""
        if self._windows is None:
            return None
        return ledger_json(
            self._whole.tables,
            definitions_name=self.definitions.name,
            definitions_version=self.definitions.version,
            currency=self.definitions.currency,
            until_us=self._windows.clock,
            accounting=self.accounting(),
        )


async def caught_up(company: Company, timeout_s: float) -> bool:
    """Wait until the tables are read back; False when it takes longer."""
    try:
        async with asyncio.timeout(timeout_s):
            while not company.complete:
                await asyncio.sleep(POLL_MS / 1000)
    except TimeoutError:
        return False
    return True
