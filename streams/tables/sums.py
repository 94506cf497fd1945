"""Sums of cells by scope, for one window."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from streams.compiled import piece
from streams.tables.buckets import Bucket, add_cells
from streams.tables.cells import (
    COHORT,
    ENDED,
    HOW,
    IN,
    OPENED,
    OUT,
    STAY,
    STEPS,
    TOTAL_FROM,
    TRANSFER,
    Addition,
    Cell,
    Measure,
    stay_start,
    stay_value,
)
from streams.tables.levels import NO_MEASURES, Level, change
from streams.tables.scopes import (
    DIMENSION_OF,
    DIMENSIONS,
    EVERY,
    THE_TOTAL,
    TOTAL,
    ScopeKey,
    scope_key,
    scopes_of,
)
from streams.tables.windows import BEGINNING

_sums = piece("streams.tables._sums")


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

    def add_plain(self, additions: Iterable[Addition]) -> None:
        """Adds plain cells to every scope they count in."""
        dimensions, add = self.dimensions, self._add
        if _sums is not None:
            _sums.add_plain(self.by_scope, self.touched, self._changes, _places, dimensions, additions)
            return
        for cell, customers, value in additions:
            for scope, measure in _places(cell, dimensions):
                add(scope, measure, customers, value)

    def add_paired(self, additions: Iterable[Addition], sign: int = 1) -> None:
        """Adds what paired cells mean for a window with this start."""
        paired = PairedSums((self,))
        paired.add(additions)
        paired.spread(sign)

    def add_buckets(self, buckets: Iterable[Bucket], sign: int = 1) -> None:
        """Adds whole buckets, or takes them away (sign -1)."""
        plain, paired = summed(buckets, (self,))
        self.add_plain((cell, sign * n, sign * v) for cell, (n, v) in plain.items())
        paired.spread(sign)

    def add_sums(self, other: "ScopeSums") -> None:
        """Adds the plain measures of sums that have every dimension of these."""
        for scope, measures in other.by_scope.items():
            if DIMENSION_OF[scope[0]] & self.dimensions:
                for measure, (customers, value) in measures.items():
                    self._add(scope, measure, customers, value)

    def _add(self, scope: ScopeKey, measure: Measure, customers: int, value: int) -> None:
        if _sums is not None:
            _sums.add_one(self.by_scope, self.touched, self._changes, scope, measure, customers, value)
            return
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


FEW = 64
"""Cells up to which adding them to every window costs less than adding them up by scope once."""


class PairedSums:
    """What paired cells mean for windows with different starts: gathered from many cells, then spread over scopes."""

    def __init__(self, targets: Sequence[ScopeSums]) -> None:
        self._targets = sorted(targets, key=lambda sums: sums.start)
        self._starts = [sums.start for sums in self._targets]
        self._dimensions = [sums.dimensions for sums in self._targets]
        # Of a gain or recommendation: how many of the windows hold it; those in none are left out.
        self._held_by: list[dict[tuple[int, str, str, str, str], int]] = [{} for _ in self._starts]
        self._stays: list[dict[tuple[int, str, str, str, int], list[int]]] = [{} for _ in self._starts]

    def add(self, cells: Mapping[Cell, Sequence[int]] | Iterable[Addition]) -> None:
        """Gathers cells of a bucket, or additions to them."""
        starts, dimensions, held_by, stays = self._starts, self._dimensions, self._held_by, self._stays
        if _sums is not None:
            _sums.gather_paired(cells, starts, dimensions, held_by, stays)
            return
        latest = starts[-1]
        additions = ((cell, n, v) for cell, (n, v) in cells.items()) if isinstance(cells, Mapping) else cells
        for (code, segment, region, product, a, _, _, numbers), customers, value in additions:
            if code != STAY:
                if windows := bisect_right(starts, numbers[0]):
                    held, place = held_by[windows - 1], (code, segment, region, product, a)
                    held[place] = held.get(place, 0) + customers
                continue
            # Most stays began within a long window, in every dimension: they say nothing there.
            began = min(numbers[TOTAL_FROM:STEPS])
            if not numbers[OPENED] and began >= latest:
                continue
            first = 0 if numbers[OPENED] else bisect_right(starts, began)
            for window in range(first, len(starts)):
                _stay(stays[window], dimensions[window], starts[window], segment, region, product, numbers,
                      customers, value)  # fmt: skip

    def spread(self, sign: int = 1) -> None:
        """Adds what was gathered to every scope that it counts in, or takes it away (sign -1)."""
        # Whatever a window holds, those that start earlier hold too.
        held_since: dict[tuple[ScopeKey, Measure], int] = {}
        for sums, held in zip(reversed(self._targets), reversed(self._held_by), strict=True):
            for (code, segment, region, product, a), customers in held.items():
                for scope in scopes_of(segment, region, product, EVERY):
                    measured = (scope, (code, a, "", 0))
                    held_since[measured] = held_since.get(measured, 0) + customers
            dimensions, add = sums.dimensions, sums._add
            for (scope, measure), customers in held_since.items():
                if DIMENSION_OF[scope[0]] & dimensions:
                    add(scope, measure, sign * customers, 0)
        for sums, stays in zip(self._targets, self._stays, strict=True):
            for (dimension, segment, region, product, how), (customers, value) in stays.items():
                scope = scope_key(dimension, segment, region, product)
                sums._add(scope, (STAY, "", "", how), sign * customers, sign * value)


def summed(buckets: Iterable[Bucket], targets: Sequence[ScopeSums]) -> tuple[dict[Cell, list[int]], PairedSums]:
    """The plain cells of many buckets added up, and what their paired cells mean for some windows.

    A cell counts in several scopes: added up first, each is spread over them once, in however many buckets it is.
    """
    plain: dict[Cell, list[int]] = {}
    paired = PairedSums(targets)
    for bucket in buckets:
        add_cells(plain, bucket.plain)
        paired.add(bucket.paired)
    return plain, paired


def add_span(buckets: Iterable[Bucket], targets: Sequence[ScopeSums]) -> None:
    """Adds the same buckets to many sums, of windows with different starts: cheaper than to one after the other."""
    cells, paired = summed(buckets, targets)
    plain = [(cell, n, v) for cell, (n, v) in cells.items()]
    if len(plain) > FEW:
        once = ScopeSums(BEGINNING)
        once.add_plain(plain)
        for target in targets:
            target.add_sums(once)
    elif plain:
        for target in targets:
            target.add_plain(plain)
    paired.spread()


def add_to_all(targets: Sequence[ScopeSums], additions: Iterable[Addition]) -> None:
    """Adds to the same cells of many sums, of windows with different starts."""
    bucket = Bucket()
    bucket.add_all(additions)
    add_span((bucket,), targets)


def _stay(
    found: dict[tuple[int, str, str, str, int], list[int]], dimensions: int, start: int, segment: str, region: str,
    product: str, numbers: tuple[int, ...], customers: int, value: int,
) -> None:
    """Adds what a stay means for a window with this start, by dimension."""
    for dimension in DIMENSIONS:
        if not dimension & dimensions & numbers[ENDED]:
            continue
        if stay_start(numbers, dimension) < start:
            counted = customers * stay_value(numbers, start)
        elif numbers[OPENED] & dimension:
            counted = value
        else:
            continue
        place = (dimension, segment, region, product, numbers[HOW])
        held = found.get(place)
        if held is None:
            found[place] = [customers, counted]
        else:
            held[0] += customers
            held[1] += counted
