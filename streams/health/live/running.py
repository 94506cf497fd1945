"""The running windows of one partition: minutes enter and leave, and what is distinct is counted by customer.

A window holds, of every customer in a scope, in how many of its minutes it was seen, so that one that leaves with a
minute is still counted if another minute of the window has it.
"""

from bisect import insort
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from streams.health.live.counting import COLUMNS, SUMMED, SUMMED_HURT, MinuteCounts, Places
from streams.health.live.held import HeldSignals
from streams.health.live.minute_state import Minutes
from streams.health.live.tally import Ints, Tally, counted
from streams.health.naming import RECENT

WINDOWS = {"5m": 5, "1h": 60, "24h": 1440}
"""Windows of perceived health, minutes: the running one and those before it."""

LONGEST = 1440

IN_MEMORY = 62
"""Minutes back whose counts stay in memory: an hour's window is left minute by minute."""

_NONE = np.empty(0, dtype=np.int64)


class _Window:
    """Minutes of the last so many."""

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes
        self.held: list[int] = []
        self.seen, self.hurt = Tally(), Tally()

    def leaving(self, running: int) -> list[int]:
        """Minutes that are too old; they are held no more."""
        old = [minute for minute in self.held if minute <= running - self.minutes]
        del self.held[: len(old)]
        return old

    def covers(self, minute: int, running: int) -> bool:
        return running - self.minutes < minute <= running


class ScopeWindow(_Window):
    """Scopes over a window.

    Attributes:
        sums: by scope, counts that add up (`counting.COLUMNS`).
        seen, hurt: scope and customer to minutes.
        latencies: scope and bin to interactions.
    """

    def __init__(self, minutes: int) -> None:
        super().__init__(minutes)
        self.sums: Ints = np.zeros((0, COLUMNS), dtype=np.int64)
        self.latencies = Tally()

    def add(self, counts: MinuteCounts, whole_of: Ints, sign: int) -> None:
        """A minute's counts come (1) or go (-1)."""
        missing = len(whole_of) - len(self.sums)
        if missing > 0:
            self.sums = np.concatenate((self.sums, np.zeros((missing + len(self.sums), COLUMNS), dtype=np.int64)))
        self.sums[counts.scopes] += sign * counts.sums
        of_it = counts.scope_keys(whole_of)
        self.sums[of_it.wholes] += sign * of_it.sums
        for tally, keys in ((self.seen, of_it.seen), (self.hurt, of_it.hurt)):
            tally.add(keys, np.full(len(keys), sign))
        self.latencies.add(counts.latencies, sign * counts.latency_counts)


class GroupWindow(_Window):
    """Combinations of attributes over a span: who was seen, who was disrupted, and sums of those not distinct."""

    def __init__(self, minutes: int) -> None:
        super().__init__(minutes)
        self.summed: Ints = np.zeros((0, 2), dtype=np.int64)

    def add(self, counts: MinuteCounts, size: int, sign: int) -> None:
        """A minute's counts come (1) or go (-1)."""
        missing = size - len(self.summed)
        if missing > 0:
            self.summed = np.concatenate((self.summed, np.zeros((missing + len(self.summed), 2), dtype=np.int64)))
        for place, (tally, keys) in enumerate(zip((self.seen, self.hurt), counts.group_keys(), strict=True)):
            tally.add(keys, np.full(len(keys), sign))
            group = counts.cell_summed & counts.cell_hurt if tally is self.hurt else counts.cell_summed
            if group.any():
                np.add.at(self.summed[:, place], counts.cell_combination[group], sign * counts.cell_weight[group])

    def distinct(self, size: int) -> Ints:
        """Customers seen and disrupted of each combination, two columns."""
        columns = (self.seen.distinct(size), self.hurt.distinct(size))
        found: Ints = np.stack(columns, axis=-1).astype(np.int64)
        known = min(size, len(self.summed))
        found[:known] += self.summed[:known]
        return found


Windowed = ScopeWindow | GroupWindow


class Subset(Protocol):
    """A subset that is counted over the minutes of its trouble (`named_counts.SubsetWindow`)."""

    def covers(self, minute: int) -> bool: ...
    def add(self, counts: MinuteCounts, sign: int) -> None: ...
    def renumber(self, new: Ints) -> None: ...
    def customers(self) -> Ints: ...


class Running:
    """Windows and spans up to the running minute.

    Attributes:
        minute: the running one, since 1970.
        since: the first minute that was counted, a day before the clock when this process began; None: none yet.
        subsets: those that the company named.
        minutes: counts of those minutes that some window holds.
        windows, spans: by name, and by minutes.
    """

    def __init__(self, places: Places, held: HeldSignals) -> None:
        self.minute = 0
        self.since: int | None = None
        self.subsets: Sequence[Subset] = ()
        self.minutes = Minutes(held, places)
        self.windows = {name: ScopeWindow(minutes) for name, minutes in WINDOWS.items()}
        self.spans = {minutes: GroupWindow(minutes) for minutes in RECENT}
        self._all: list[Windowed] = [*self.windows.values(), *self.spans.values()]
        self._places = places
        self._whole_of = _NONE

    @property
    def whole_of(self) -> Ints:
        """Of each scope the number of its service and stage as a whole."""
        if len(self._whole_of) != len(self._places.whole_of):
            self._whole_of = np.array(self._places.whole_of, dtype=np.int64)
        return self._whole_of

    def put(self, minute: int, counts: MinuteCounts | None) -> None:
        """The counts of a minute, in place of those it had."""
        before = self.minutes.get(minute)
        if before is not None:
            self.minutes.drop(minute)
            self._add(minute, before, -1)
            self._count_subsets(minute, before, -1)
        if counts is not None:
            self.minutes.put(minute, counts)
            self._add(minute, counts, 1)
            self._count_subsets(minute, counts, 1)

    def _count_subsets(self, minute: int, counts: MinuteCounts, sign: int) -> None:
        for one in self.subsets:
            if one.covers(minute):
                one.add(counts, sign)

    def _add(self, minute: int, counts: MinuteCounts, sign: int) -> None:
        for window in self._all:
            if not window.covers(minute, self.minute):
                continue
            if sign > 0:
                insort(window.held, minute)
            elif minute in window.held:
                window.held.remove(minute)
            else:
                continue
            self._change(window, counts, sign)

    def _change(self, window: Windowed, counts: MinuteCounts, sign: int) -> None:
        if isinstance(window, ScopeWindow):
            window.add(counts, self.whole_of, sign)
        else:
            window.add(counts, len(self._places.combinations), sign)

    def slide(self, minute: int) -> bool:
        """The running minute is this one; says whether anything left a window."""
        self.minute = minute
        leaving: dict[int, list[Windowed]] = {}
        for window in self._all:
            for old in window.leaving(minute):
                leaving.setdefault(old, []).append(window)
        for old, windows in leaving.items():
            counts = self.minutes.look(old)
            assert counts is not None
            for window in windows:
                self._change(window, counts, -1)
        for old in [old for old in self.minutes.customers if old <= minute - LONGEST]:
            self.minutes.drop(old)
        self.minutes.lay_aside(minute - IN_MEMORY)
        return bool(leaving)

    def minutes_of(self, customers: Ints) -> list[int]:
        """Minutes in which one of these customers was seen."""
        wanted = customers.astype(np.uint32)
        return [minute for minute, seen in self.minutes.customers.items() if np.isin(wanted, seen).any()]

    def disrupted_now(self) -> Iterator[tuple[int, int, int]]:
        """Service and stage, customer, and the first minute of the shortest window in which it was disrupted."""
        held = self.windows["5m"].held
        first: dict[tuple[int, int], int] = {}
        for minute in held:
            counts = self.minutes.get(minute)
            if counts is None:
                continue
            chosen = counts.cell_hurt & ~counts.cell_summed
            wholes = self.whole_of[counts.cell_scope[chosen]].tolist()
            for key in zip(wholes, counts.cell_customer[chosen].tolist(), strict=True):
                first.setdefault(key, minute)
        for (whole, customer), minute in first.items():
            yield whole, customer, minute

    def renumber(self, new: Ints) -> None:
        """Customers have other numbers: `new` by the old one."""
        self.minutes.renumber(new)
        for window in self._all:
            window.seen.renumber(new)
            window.hurt.renumber(new)
        for one in self.subsets:
            one.renumber(new)

    def customers(self) -> list[Ints]:
        """Numbers of customers that are held."""
        of_minutes = [numbers.astype(np.int64) for numbers in self.minutes.customers.values()]
        return [*of_minutes, *(one.customers() for one in self.subsets)]

    def units(self, minute: int) -> tuple[Ints, Ints, Ints]:
        """Combinations that occur in a minute, cells seen, and cells disrupted."""
        counts = self.minutes.get(minute)
        if counts is None:
            return _NONE, _NONE, _NONE
        found, seen = counted(counts.cell_combination)
        hurt = np.bincount(np.searchsorted(found, counts.cell_combination), counts.cell_hurt, minlength=len(found))
        return found, seen, hurt.astype(np.int64)

    def scope_minute(self, minute: int) -> tuple[Ints, Ints, Ints]:
        """Scopes that occur in a minute, wholes too, customers seen, and customers disrupted."""
        counts = self.minutes.get(minute)
        if counts is None:
            return _NONE, _NONE, _NONE
        places = np.concatenate((counts.cell_scope, self.whole_of[counts.cell_scope]))
        weight, hurt = np.tile(counts.cell_weight, 2), np.tile(counts.cell_hurt, 2)
        found, inverse = np.unique(places, return_inverse=True)
        seen = np.bincount(inverse, weight, minlength=len(found)).astype(np.int64)
        return found, seen, np.bincount(inverse, weight * hurt, minlength=len(found)).astype(np.int64)


def window_matrix(window: ScopeWindow, size: int, values: Ints) -> Ints:
    """Customers, disrupted, COLUMNS sums, value at risk and customers of unknown value, of each scope.

    `values`: by customer's number, minor units; below zero: not known to the ledger.
    """
    found = np.zeros((size, COLUMNS + 4), dtype=np.int64)
    known = min(size, len(window.sums))
    found[:known, 2 : 2 + COLUMNS] = window.sums[:known]
    found[:, 0] = window.seen.distinct(size) + found[:, 2 + SUMMED]
    found[:, 1] = window.hurt.distinct(size) + found[:, 2 + SUMMED_HURT]
    places, customers = window.hurt.parts()
    of_key = values[customers]
    found[:, -2] = np.bincount(places, of_key.clip(min=0), minlength=size).astype(np.int64)
    unknown = np.bincount(places, of_key < 0, minlength=size).astype(np.int64)
    found[:, -1] = unknown + found[:, 2 + SUMMED_HURT]
    return found
