"""Sums of cells by scope, for one window."""

from functools import lru_cache

from streams.tables.cells import (
    COHORT,
    ENDED,
    FOLLOWED,
    GONE,
    HOW,
    IN,
    OPENED,
    OUT,
    STAY,
    TRANSFER,
    Cell,
    Measure,
    stay_start,
    stay_value,
)
from streams.tables.levels import NO_MEASURES, Level, change
from streams.tables.scopes import DIMENSIONS, EVERY, THE_TOTAL, TOTAL, ScopeKey, scope_key, scopes_of


@lru_cache(maxsize=1 << 16)
def _places(cell: Cell, dimensions: int) -> tuple[tuple[ScopeKey, Measure], ...]:
    code, segment, region, product, a, b, c, numbers = cell
    number = numbers[0] if numbers else 0
    if code == TRANSFER:
        found: list[tuple[ScopeKey, Measure]] = []
        for old, new in zip(
            scopes_of(segment, region, product, dimensions), scopes_of(a, b, c, dimensions), strict=True
        ):
            if old != new:
                found.append((old, (TRANSFER, "", "", OUT)))
                found.append((new, (TRANSFER, "", "", IN)))
        return tuple(found)
    if code == COHORT:
        return ((THE_TOTAL, (COHORT, a, "", number)),) if dimensions & TOTAL else ()
    measure: Measure = (code, a, b, number)
    return tuple((scope, measure) for scope in scopes_of(segment, region, product, dimensions))


class ScopeSums:
    """Sums of a window [start, ...) by scope and measure; a measure that came to nothing is absent."""

    __slots__ = ("_changes", "by_scope", "dimensions", "start", "touched")

    def __init__(self, start: int, dimensions: int = EVERY) -> None:
        self.start = start
        self.dimensions = dimensions
        self.by_scope: dict[ScopeKey, dict[Measure, list[int]]] = {}
        self.touched: set[ScopeKey] = set()
        self._changes: dict[ScopeKey, Level] = {}

    def change(self, scope: ScopeKey) -> Level:
        """By how much the window moves the level of a scope."""
        found = self._changes.get(scope)
        if found is None:
            found = self._changes[scope] = change(self.by_scope.get(scope, NO_MEASURES))
        return found

    def add_plain(self, cell: Cell, customers: int, value: int) -> None:
        """Adds a plain cell to every scope it counts in."""
        for scope, measure in _places(cell, self.dimensions):
            self._add(scope, measure, customers, value)

    def add_paired(self, cell: Cell, customers: int, value: int) -> None:
        """Adds what a paired cell means for a window with this start."""
        code, segment, region, product, a, _, _, numbers = cell
        if code == STAY:
            for dimension in DIMENSIONS:
                if not dimension & self.dimensions & numbers[ENDED]:
                    continue
                if stay_start(numbers, dimension) < self.start:
                    counted = customers * stay_value(numbers, self.start)
                elif numbers[OPENED] & dimension:
                    counted = value
                else:
                    continue
                scope = scope_key(dimension, segment, region, product)
                self._add(scope, (STAY, "", "", numbers[HOW]), customers, counted)
        elif code in (GONE, FOLLOWED) and numbers[0] >= self.start:
            for scope in scopes_of(segment, region, product, self.dimensions):
                self._add(scope, (code, a, "", 0), customers, 0)

    def _add(self, scope: ScopeKey, measure: Measure, customers: int, value: int) -> None:
        measures = self.by_scope.get(scope)
        if measures is None:
            measures = self.by_scope[scope] = {}
        held = measures.get(measure)
        if held is None:
            if customers or value:
                measures[measure] = [customers, value]
        else:
            held[0] += customers
            held[1] += value
            if not held[0] and not held[1]:
                del measures[measure]
        if not measures:
            del self.by_scope[scope]
        if scope not in self.touched:
            self.touched.add(scope)
        self._changes.pop(scope, None)
