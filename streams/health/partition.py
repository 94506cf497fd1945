"""Stage one: the signals of one source partition, and what they add to the health of every scope."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.health.columns import Attributes, Kind, Signals
from streams.health.customers import Customers
from streams.health.experience import Needs, experience
from streams.health.parts import CELL, BlockPart, Ints, ScopeName, SubsetCells
from streams.health.rules import HealthRules
from streams.health.signals import Signal
from streams.ledger.remembered import NEVER
from streams.ledger.rules import DAY, HOUR, MINUTE

MINUTELY_US = 2 * HOUR
"""So far back cells are held by the minute; before that customers by ten minutes."""

COARSE_MINUTES = 10


@dataclass(slots=True)
class Distinct:
    """Distinct customers of a scope in a period.

    Attributes:
        value: expected value of those disrupted whom the ledger knows, minor units.
        value_unknown: how many of those disrupted it does not know.
    """

    customers: int = 0
    disrupted: int = 0
    value: int = 0
    value_unknown: int = 0

    def add(self, other: "Distinct") -> None:
        """Add another partition's."""
        self.customers += other.customers
        self.disrupted += other.disrupted
        self.value += other.value
        self.value_unknown += other.value_unknown


class PartitionHealth:
    """Signals of one partition in, parts of blocks out.

    Attributes:
        watermark: the largest event time admitted, NEVER before the first.
        late: signals older than the horizon when they came, which are not counted.
        met, hurt: with a ledger, customers seen, with the first minute; the minutes in which they were disrupted.
    """

    def __init__(self, rules: HealthRules, block_start: Callable[[int], int], customers: Customers) -> None:
        self.rules = rules
        self.watermark = NEVER
        self.late = 0
        self.signals = Signals(block_start, rules.horizon_us)
        self.met: dict[str, int] = {}
        self.hurt: dict[str, list[int]] = {}
        self._customers = customers
        self._seen: dict[ScopeName, Ints] = {}
        self._hurt: dict[ScopeName, Ints] = {}
        self._recent: dict[int, dict[Kind, SubsetCells]] = {}
        self._coarse: set[int] = set()

    def apply(self, signals: Iterable[Signal]) -> None:
        """Take in signals in their order of arrival."""
        horizon, watermark = self.rules.horizon_us, self.watermark
        in_time = []
        for signal in signals:
            at = signal.at
            if at > watermark:
                watermark = at
            elif at < watermark - horizon:
                self.late += 1
                continue
            in_time.append(signal)
        self.watermark = watermark
        self.signals.add(in_time)

    def block(self, start: int, end: int, needs: Needs) -> BlockPart:
        """What is known of the block [start, end)."""
        part = experience(self.signals, start, end, self._customers, needs, self.rules.disruption)
        self._recent[start] = part.cells
        if self._customers.known:
            self._remember(part)
        return part

    def _remember(self, part: BlockPart) -> None:
        """Who was seen, and in which minutes disrupted: what is asked when customers leave."""
        names = self.signals.customers.names
        for held in part.cells.values():
            single = held.cells[held.cells["customers"] == 1]
            order = np.argsort(single["minute"], kind="stable")
            numbers, first = np.unique(single["customer"][order], return_index=True)
            for number, minute in zip(numbers.tolist(), single["minute"][order][first].tolist(), strict=True):
                self.met[names[number]] = min(minute, self.met.get(names[number], minute))
            hurt = single[single["disrupted"]]
            for number, minute in zip(hurt["customer"].tolist(), hurt["minute"].tolist(), strict=True):
                self.hurt.setdefault(names[number], []).append(minute)

    def gather(self, part: BlockPart) -> None:
        """Add the distinct customers of a block to those of the period that is being gathered."""
        for mine, its in ((self._seen, part.seen), (self._hurt, part.hurt)):
            for scope, numbers in its.items():
                held = mine.get(scope)
                mine[scope] = numbers if held is None else np.union1d(held, numbers)

    def settle(self, start: int, end: int) -> dict[ScopeName, Distinct]:
        """Distinct customers of the period [start, end) that was gathered; another one begins."""
        found: dict[ScopeName, Distinct] = {}
        names, value_of = self.signals.customers.names, self._customers.value
        values: dict[int, int | None] = {}
        for scope, numbers in self._seen.items():
            found[scope] = Distinct(customers=len(numbers))
        for scope, numbers in self._hurt.items():
            one = found[scope]
            one.disrupted = len(numbers)
            for number in numbers.tolist():
                if number not in values:
                    values[number] = value_of(names[number], start, end - 1)
                value = values[number]
                if value is None:
                    one.value_unknown += 1
                else:
                    one.value += value
        self._seen, self._hurt = {}, {}
        return found

    def count(
        self, kind: Kind, chosen: Callable[[Attributes], bool], start: int, end: int
    ) -> tuple[int, int, int, int]:
        """Customers seen and disrupted in [start, end), a day back at most: of chosen combinations, and of all.

        Customers are distinct; those that a signal stands for are summed.
        """
        rows, inside = self._cells(kind, chosen, start, end)
        return *_distinct(rows[inside]), *_distinct(rows)

    def course(
        self, kind: Kind, chosen: Callable[[Attributes], bool], start: int, end: int
    ) -> tuple[Ints, Ints, Ints]:
        """Minutes of [start, end), a day back at most, with units seen and disrupted of the chosen combinations."""
        rows, inside = self._cells(kind, chosen, start, end)
        rows = rows[inside]
        minutes, inverse = np.unique(rows["minute"].astype(np.int64), return_inverse=True)
        hurt = np.bincount(inverse, rows["disrupted"], minlength=len(minutes)).astype(np.int64)
        return minutes, np.bincount(inverse, minlength=len(minutes)).astype(np.int64), hurt

    def _cells(
        self, kind: Kind, chosen: Callable[[Attributes], bool], start: int, end: int
    ) -> tuple[npt.NDArray[np.void], npt.NDArray[np.bool_]]:
        """Cells of [start, end), and which of them are of a chosen combination."""
        gathered: list[npt.NDArray[np.void]] = [np.empty(0, dtype=CELL)]
        inside: list[npt.NDArray[np.bool_]] = [np.empty(0, dtype=bool)]
        for held in self._recent.values():
            cells = held.get(kind)
            if cells is None:
                continue
            minutes = cells.cells["minute"]
            within = cells.cells[(minutes >= start // MINUTE) & (minutes < -(-end // MINUTE))]
            flags = np.array([chosen(name) for name in cells.names], dtype=bool)
            gathered.append(within)
            inside.append(flags[within["place"]])
        return np.concatenate(gathered), np.concatenate(inside)

    def forget(self, start: int) -> None:
        """Let go of the signals of a block, and of what the search of subsets no longer looks back on."""
        kept = [*self._seen.values(), *self._hurt.values()]
        for old in [block for block in self._recent if block < start - DAY]:
            del self._recent[old]
        for block in [block for block in self._recent if block not in self._coarse and block < start - MINUTELY_US]:
            self._coarse.add(block)
            for held in self._recent[block].values():
                held.cells = coarse(held.cells)
        self._coarse &= self._recent.keys()
        cells = [cells.cells for held in self._recent.values() for cells in held.values()]
        new = self.signals.forget(start, [*kept, *(rows["customer"] for rows in cells)])
        if new is None:
            return
        self._seen = {scope: np.sort(new[numbers]) for scope, numbers in self._seen.items()}
        self._hurt = {scope: np.sort(new[numbers]) for scope, numbers in self._hurt.items()}
        for rows in cells:
            rows["customer"] = new[rows["customer"]]


def _distinct(rows: npt.NDArray[np.void]) -> tuple[int, int]:
    group = rows["customers"] > 1
    single = rows[~group]
    hurt = group & rows["disrupted"]
    return (
        len(np.unique(single["customer"])) + int(rows["customers"][group].sum()),
        len(np.unique(single["customer"][single["disrupted"]])) + int(rows["customers"][hurt].sum()),
    )


def coarse(cells: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """Cells of a customer within ten minutes as one, or as two where it was disrupted in some of them."""
    group = cells["customers"] > 1
    single = cells[~group].copy()
    single["minute"] -= single["minute"] % COARSE_MINUTES
    return np.concatenate((np.unique(single), cells[group]))
