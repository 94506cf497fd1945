"""Stage two: parts of all partitions put together to the health of the company, block by block."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from streams.health.columns import Attributes, Kind
from streams.health.detection import FollowedCustomers
from streams.health.latencies import Bins, quantiles
from streams.health.naming import Named, SubsetWatch
from streams.health.needs import Needs
from streams.health.partition import Distinct, PartitionHealth
from streams.health.parts import BlockPart, ScopeCounts, ScopeName
from streams.health.red_spells import RedSpells
from streams.health.rules import HealthRules
from streams.health.shares import ColourName, colour
from streams.health.spans import Minute, minutes_of, put_together
from streams.health.status import FalseGreens, StatusBook
from streams.ledger.rules import MINUTE
from streams.tables.calendar import Calendar

QUANTILES = (0.5, 0.95, 0.99)


@dataclass(slots=True)
class ScopeHealth:
    """One scope in one period; `latencies`: once it has ended the quantiles QUANTILES, microseconds."""

    counts: ScopeCounts
    distinct: Distinct
    latencies: tuple[float, ...] | None = None

    @property
    def customers(self) -> int:
        """Distinct customers seen, and those summed."""
        return self.counts.summed + self.distinct.customers

    @property
    def disrupted(self) -> int:
        """Distinct customers disrupted, and those summed."""
        return self.counts.summed_disrupted + self.distinct.disrupted


@dataclass(slots=True)
class Period:
    """Health in [start, end), microseconds."""

    start: int
    end: int
    scopes: dict[ScopeName, ScopeHealth] = field(default_factory=dict)


def learn(rules: HealthRules, needs: Needs, kind: Kind, hour: int, latencies: Bins, bad: int, seen: int) -> None:
    """What an hour that ended teaches of a service and stage, if no need is stated for it.

    Args:
        bad, seen: interactions, which tell whether customers fared as usual.
    """
    if not latencies or needs.is_stated(kind):
        return
    found = quantiles(latencies, (rules.learning.quantile,))
    if found is not None:
        needs.absorb(kind, hour, found[0], colour(rules, bad, seen) is ColourName.GREEN)


class HealthTables:
    """Health of the company by period, from partitions that are closed block by block.

    Attributes:
        periods: those that have ended.
        has_status: whether operations said anything.
        red_spells: troubles, scope by scope.
        followed: customers of whom it is kept when they were disrupted.
    """

    def __init__(
        self, rules: HealthRules, calendar: Calendar, partitions: Sequence[PartitionHealth], by: str | None,
        on_part: Callable[[BlockPart], None] | None = None,
    ) -> None:  # fmt: skip
        """`by` is `hour` or `day`; None: one period over everything. `on_part` is told of each part counted."""
        self.rules = rules
        self.periods: list[Period] = []
        self.statuses = StatusBook(rules.status_stale_us // MINUTE)
        self.has_status = False
        self.false_greens = FalseGreens()
        self.red_spells = RedSpells()
        self.followed = FollowedCustomers()
        self._calendar = calendar
        self._partitions = partitions
        self._by = by
        self._on_part = on_part
        self._watches: dict[Kind, SubsetWatch] = {}
        self._needs = Needs(rules)
        self._period: Period | None = None
        self._hour_start: int | None = None
        self._hour: dict[ScopeName, ScopeCounts] = {}

    def close(self, start: int, end: int, until: int) -> None:
        """Count the block [start, end) for good, and let its signals go; blocks come in order, none over two hours.

        `until`: where the clock ends, as far as it is known.
        """
        hour = self._calendar.hour_start(start)
        if hour != self._hour_start:
            self._learn()
            self._hour_start, self._hour = hour, {}
            self._needs.begin(hour)
        parts = [partition.block(start, end, self._needs) for partition in self._partitions]
        self._turn_to(start, end, until)
        assert self._period is not None
        scopes = self._period.scopes
        for partition, part in zip(self._partitions, parts, strict=True):
            if self._on_part is not None:
                self._on_part(part)
            partition.gather(part)
            self.followed.add(part, partition.signals.customers.names)
            for scope, counts in part.scopes.items():
                if scope.segment is None:
                    self._hour.setdefault(scope, ScopeCounts()).add(counts)
                held = scopes.get(scope)
                if held is None:
                    held = scopes[scope] = ScopeHealth(ScopeCounts(), Distinct())
                held.counts.add(counts)
        self._watch(parts)
        self._search(parts)
        for partition in self._partitions:
            partition.forget(start)

    @property
    def named(self) -> list[Named]:
        """Every subset that was named, by when it began."""
        least = self.rules.subsets.least
        found = [named for watch in self._watches.values() for named in watch.named if named.disrupted >= least]
        return sorted(found, key=lambda named: (named.start, named.kind, named.subset.choices))

    def finish(self, until: int) -> None:
        """End the period that is being gathered; the one over everything lasts to the end of the clock."""
        if self._period is not None and self._by is None:
            clock_end = self._calendar.next_hour(self._calendar.hour_start(until))
            self._period.end = max(self._period.end, clock_end)
        self._settle(until)

    def _turn_to(self, start: int, end: int, until: int) -> None:
        period = self._period
        if period is not None and (self._by is None or start < period.end):
            if self._by is None:
                period.end = end
            return
        self._settle(until)
        if self._by is None:
            self._period = Period(start, end)
            return
        # Periods have no gaps.
        wanted = self._calendar.period_start(self._by, start)
        following = wanted if period is None else period.end
        while following < wanted:
            after = self._calendar.next_period(self._by, following)
            self.periods.append(Period(following, after))
            following = after
        self._period = Period(wanted, self._calendar.next_period(self._by, wanted))

    def _settle(self, until: int) -> None:
        period = self._period
        if period is None:
            return
        for partition in self._partitions:
            for scope, distinct in partition.settle(period.start, min(period.end, until + 1)).items():
                period.scopes[scope].distinct.add(distinct)
        for health in period.scopes.values():
            health.latencies = quantiles(health.counts.latencies, QUANTILES)
            health.counts.latencies = Bins()
        self.periods.append(period)
        self._period = None

    def _learn(self) -> None:
        """What the hour that ended teaches of services for which no need is stated."""
        hour = self._hour_start
        tolerating_is_bad = self.rules.disruption.tolerating_is_bad
        for scope, counts in self._hour.items():
            satisfied, tolerating, frustrated = counts.interactions
            bad = frustrated + (tolerating if tolerating_is_bad else 0)
            if hour is not None:
                seen = satisfied + tolerating + frustrated
                learn(self.rules, self._needs, (scope.service, scope.stage), hour, counts.latencies, bad, seen)

    def _watch(self, parts: list[BlockPart]) -> None:
        """Minutes in which customers were red, and those of them in which operations said up."""
        hurt = {scope for part in parts for scope, (_, _, disrupted) in part.minutes.items() if disrupted.any()}
        for scope in sorted(hurt, key=lambda one: tuple(name or "" for name in one)):
            columns = [np.array(part.minutes[scope]) for part in parts if scope in part.minutes]
            minutes, seen, disrupted = np.concatenate(columns, axis=1)
            found, inverse = np.unique(minutes, return_inverse=True)
            seen, disrupted = np.bincount(inverse, seen), np.bincount(inverse, disrupted)
            for place in np.flatnonzero(disrupted).tolist():
                name, minute = colour(self.rules, int(disrupted[place]), int(seen[place])), int(found[place])
                self.red_spells.add(scope, minute, name)
                if name is ColourName.RED:
                    self.false_greens.judge(scope, minute, self.statuses.level(scope, minute))

    def _search(self, parts: list[BlockPart]) -> None:
        """Minutes of all partitions to the watch of each service and stage."""
        for kind in sorted({kind for part in parts for kind in part.cells}):
            watch = self._watches.get(kind)
            if watch is None:
                watch = self._watches[kind] = SubsetWatch(
                    kind, self.rules.subsets, self._day_of, self._count, self._course
                )
            minutes: dict[int, list[Minute]] = {}
            for part in parts:
                cells = part.cells.get(kind)
                if cells is None:
                    continue
                places = np.array([watch.number(name) for name in cells.names], dtype=np.int64)
                for one in minutes_of(cells.cells, places):
                    minutes.setdefault(one.minute, []).append(one)
            watch.pass_minutes([put_together(minutes[minute]) for minute in sorted(minutes)])

    def _day_of(self, at: int) -> int:
        return self._calendar.date_of(at).toordinal()

    def _count(
        self, kind: Kind, chosen: Callable[[Attributes], bool], start: int, end: int
    ) -> tuple[int, int, int, int]:
        counts = [partition.count(kind, chosen, start, end) for partition in self._partitions]
        seen, hurt, all_seen, all_hurt = (sum(column) for column in zip(*counts, strict=True))
        return seen, hurt, all_seen, all_hurt

    def _course(
        self, kind: Kind, chosen: Callable[[Attributes], bool], start: int, end: int
    ) -> list[tuple[int, int, int]]:
        by_minute: dict[int, list[int]] = {}
        for partition in self._partitions:
            for minute, seen, hurt in zip(
                *(column.tolist() for column in partition.course(kind, chosen, start, end)), strict=True
            ):
                held = by_minute.setdefault(minute, [0, 0])
                held[0] += seen
                held[1] += hurt
        return [(minute, seen, hurt) for minute, (seen, hurt) in sorted(by_minute.items())]
