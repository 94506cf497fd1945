"""What customers experienced in a block of time: signals of one partition to counts that add up over partitions.

A customer lives in one partition, so that distinct counts of partitions add up. The interactions of a customer with a
service at a stage in a minute are one cell; it is disrupted by the rule of the definitions. A signal that stands for
several customers is a cell of its own, and its customers are summed.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.facts.models import UNKNOWN
from streams.health.columns import OK, SYNTHETIC, Attributes, Kind, Rows, Signals
from streams.health.customers import Customers, Profile
from streams.health.latencies import bins_of
from streams.health.parts import CELL, BlockPart, Ints, ScopeCounts, ScopeName, SubsetCells
from streams.health.rules import Disruption
from streams.ledger.rules import MINUTE

SATISFIED, TOLERATING, FRUSTRATED = range(3)

Needs = Callable[[str, str, str], float | None]
"""Service, stage and segment to T, microseconds; None: what is fast is not known, so that only failures count."""


class _Cells(NamedTuple):
    """Cells as columns."""

    minute: Ints
    kind: Ints
    customer: Ints
    attributes: Ints
    weight: Ints  # customers: 1, or those a signal stands for
    summed: npt.NDArray[np.bool_]
    disrupted: npt.NDArray[np.bool_]
    scope: Ints


def experience(
    signals: Signals, start: int, end: int, customers: Customers, needs: Needs, rule: Disruption
) -> BlockPart:
    """What the customers of one partition experienced in [start, end)."""
    part = BlockPart(start)
    rows = signals.rows(start)
    if not len(rows):
        return part
    scopes = _Scopes(signals, customers, start, end)
    row_scope = scopes.of(rows)
    classes = _classes(rows, row_scope, scopes.names, needs)
    probes = (rows["flags"] & SYNTHETIC) > 0
    if probes.any():
        _count_probes(part, row_scope[probes], classes[probes], scopes.names)
        rows, classes, row_scope = rows[~probes], classes[~probes], row_scope[~probes]
        if not len(rows):
            return part
    bad = classes >= (TOLERATING if rule.tolerating_is_bad else FRUSTRATED)
    cells = _cells(rows, row_scope, bad, rule.share)
    for whole in (False, True):
        cell_scope, of_rows, names = cells.scope, row_scope, scopes.names
        if whole:
            cell_scope, of_rows, names = _wholes(cells.scope, row_scope, names)
        _count_interactions(part, rows, classes, of_rows, names)
        _count_customers(part, cells, cell_scope, names)
    _gather_subsets(part, cells, scopes.names, signals)
    return part


class _Scopes:
    """The scope of each row: where the ledger says that its customer counts, else the signal's own word."""

    def __init__(self, signals: Signals, customers: Customers, start: int, end: int) -> None:
        self._signals = signals
        self._customers = customers
        self._start, self._end = start, end
        self.names: list[ScopeName] = []

    def of(self, rows: Rows) -> Ints:
        profiles, profile_of_row = self._profiles(rows)
        own = profile_of_row < 0
        if own.any():
            numbered: dict[Profile, int] = {profile: place for place, profile in enumerate(profiles)}
            numbers, inverse = np.unique(rows["attributes"][own], return_inverse=True)
            stated = np.empty(len(numbers), dtype=np.int64)
            for place, number in enumerate(numbers.tolist()):
                profile = stated_profile(self._signals.attributes.names[number])
                stated[place] = numbered.setdefault(profile, len(numbered))
            profiles = list(numbered)
            profile_of_row[own] = stated[inverse]
        code = rows["kind"].astype(np.int64) * len(profiles) + profile_of_row
        codes, inverse = np.unique(code, return_inverse=True)
        kinds = self._signals.kinds.names
        for one in codes.tolist():
            kind, profile_place = divmod(one, len(profiles))
            profile = profiles[profile_place]
            service, stage = kinds[kind]
            self.names.append(ScopeName(service, stage, profile.segment, profile.region))
        places: Ints = inverse.astype(np.int64)
        return places

    def _profiles(self, rows: Rows) -> tuple[list[Profile], Ints]:
        """Profiles by the ledger, and of each row the place of its own; -1: the ledger does not know the customer."""
        found = np.full(len(rows), -1, dtype=np.int64)
        if not self._customers.known:
            return [], found
        places: dict[Profile, int] = {}
        profile_at, names = self._customers.profile, self._signals.customers.names
        numbers, inverse = np.unique(rows["customer"], return_inverse=True)
        of_customer = np.full(len(numbers), -1, dtype=np.int64)
        moved: list[int] = []
        for place, number in enumerate(numbers.tolist()):
            before, after = profile_at(names[number], self._start), profile_at(names[number], self._end - 1)
            if before != after:
                moved.append(place)
            elif after is not None:
                of_customer[place] = places.setdefault(after, len(places))
        found = of_customer[inverse]
        if moved:
            for row in np.flatnonzero(np.isin(inverse, moved)).tolist():
                # At the end of its minute, so that the interactions of one cell have one scope.
                minute_end = int(rows["at"][row]) // MINUTE * MINUTE + MINUTE - 1
                profile = profile_at(names[int(rows["customer"][row])], minute_end)
                found[row] = -1 if profile is None else places.setdefault(profile, len(places))
        return list(places), found


def stated_profile(attributes: Attributes) -> Profile:
    """Where a customer counts by the signal's own word."""
    segment = region = UNKNOWN
    for name, value in attributes:
        if name == "segment":
            segment = value or UNKNOWN
        elif name == "region":
            region = value or UNKNOWN
    return Profile(segment, region)


def _classes(rows: Rows, row_scope: Ints, names: list[ScopeName], needs: Needs) -> Ints:
    """Satisfied, tolerating or frustrated, by Apdex."""
    within = np.empty(len(names))
    for place, name in enumerate(names):
        satisfied = needs(name.service, name.stage, name.segment or UNKNOWN)
        within[place] = np.inf if satisfied is None else satisfied
    limit, latency = within[row_scope], rows["latency"]
    # A latency that was not told is NaN, which is above nothing.
    classes = (latency > limit).astype(np.int64) + (latency > 4 * limit)
    classes[(rows["flags"] & OK) == 0] = FRUSTRATED
    return classes


def _cells(rows: Rows, row_scope: Ints, bad: npt.NDArray[np.bool_], share: float) -> _Cells:
    minute = rows["at"] // MINUTE
    group = rows["customers"] > 1
    one = ~group
    first_minute = int(minute[0])
    key = (minute[one] - first_minute) << 52 | rows["kind"][one].astype(np.int64) << 32 | rows["customer"][one]
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    count = np.bincount(inverse, minlength=len(first))
    hurt = np.bincount(inverse, weights=bad[one], minlength=len(first))
    single = np.flatnonzero(one)[first]
    picked = np.concatenate((single, np.flatnonzero(group)))
    disrupted = np.concatenate(((hurt > 0) & (hurt >= share * count - 1e-9), bad[group]))
    chosen = rows[picked]
    return _Cells(
        minute[picked], chosen["kind"].astype(np.int64), chosen["customer"].astype(np.int64),
        chosen["attributes"].astype(np.int64), chosen["customers"].astype(np.int64), group[picked], disrupted,
        row_scope[picked],
    )  # fmt: skip


def _wholes(cell_scope: Ints, row_scope: Ints, names: list[ScopeName]) -> tuple[Ints, Ints, list[ScopeName]]:
    """The same by kind alone."""
    wholes: dict[ScopeName, int] = {}
    place_of = np.empty(len(names), dtype=np.int64)
    for place, name in enumerate(names):
        place_of[place] = wholes.setdefault(ScopeName(name.service, name.stage, None, None), len(wholes))
    return place_of[cell_scope], place_of[row_scope], list(wholes)


def _count_probes(part: BlockPart, row_scope: Ints, classes: Ints, names: list[ScopeName]) -> None:
    total = np.bincount(row_scope, minlength=len(names))
    failed = np.bincount(row_scope, weights=classes == FRUSTRATED, minlength=len(names))
    for place in np.flatnonzero(total).tolist():
        name = names[place]
        for scope in (name, ScopeName(name.service, name.stage, None, None)):
            probes = part.scopes.setdefault(scope, ScopeCounts()).probes
            probes[0] += int(total[place])
            probes[1] += int(failed[place])


def _count_interactions(part: BlockPart, rows: Rows, classes: Ints, scope: Ints, names: list[ScopeName]) -> None:
    weight = rows["customers"].astype(np.int64)
    size = len(names)
    # Sums of whole numbers below 2^53 are exact in floats.
    sums = np.bincount(scope * 3 + classes, weights=weight, minlength=3 * size).reshape(size, 3)
    for place, name in enumerate(names):
        counts = part.scopes.setdefault(name, ScopeCounts())
        counts.interactions = [int(n) for n in sums[place]]
    told = ~np.isnan(rows["latency"])
    if not told.any():
        return
    bins = bins_of(rows["latency"][told])
    lowest = int(bins.min())
    width = int(bins.max()) - lowest + 1
    keys, inverse = np.unique(scope[told] * width + (bins - lowest), return_inverse=True)
    counted = np.bincount(inverse, weights=weight[told], minlength=len(keys))
    for key, count in zip(keys.tolist(), counted.tolist(), strict=True):
        place, bin_place = divmod(key, width)
        part.scopes[names[place]].latencies.count(bin_place + lowest, int(count))


def _count_customers(part: BlockPart, cells: _Cells, scope: Ints, names: list[ScopeName]) -> None:
    size = len(names)
    minutes = np.bincount(scope, weights=cells.weight * cells.disrupted, minlength=size)
    summed = np.bincount(scope, weights=cells.weight * cells.summed, minlength=size)
    summed_hurt = np.bincount(scope, weights=cells.weight * (cells.summed & cells.disrupted), minlength=size)
    distinct = ~cells.summed
    seen = np.unique(scope[distinct] << 32 | cells.customer[distinct])
    hurt = np.unique(scope[distinct & cells.disrupted] << 32 | cells.customer[distinct & cells.disrupted])
    for keys, into in ((seen, part.seen), (hurt, part.hurt)):
        owners = keys >> 32
        starts = np.searchsorted(owners, np.arange(size + 1))
        for place in np.flatnonzero(np.diff(starts)).tolist():
            into[names[place]] = keys[starts[place] : starts[place + 1]] & 0xFFFFFFFF
    for place, name in enumerate(names):
        counts = part.scopes[name]
        counts.customer_minutes = int(minutes[place])
        counts.summed, counts.summed_disrupted = int(summed[place]), int(summed_hurt[place])
    _gather_minutes(part, cells, scope, names)


def _gather_minutes(part: BlockPart, cells: _Cells, scope: Ints, names: list[ScopeName]) -> None:
    first = int(cells.minute.min())
    keys, inverse = np.unique(scope << 12 | (cells.minute - first), return_inverse=True)
    seen = np.bincount(inverse, weights=cells.weight, minlength=len(keys)).astype(np.int64)
    hurt = np.bincount(inverse, weights=cells.weight * cells.disrupted, minlength=len(keys)).astype(np.int64)
    owners = keys >> 12
    starts = np.searchsorted(owners, np.arange(len(names) + 1))
    minutes = (keys & 0xFFF) + first
    for place, name in enumerate(names):
        span = slice(starts[place], starts[place + 1])
        part.minutes[name] = minutes[span], seen[span], hurt[span]


def _gather_subsets(part: BlockPart, cells: _Cells, names: list[ScopeName], signals: Signals) -> None:
    """Cells by kind and combination of attributes; where a customer counts is an attribute like others."""
    attributes = len(signals.attributes.names)
    combined, place = np.unique(cells.scope * attributes + cells.attributes, return_inverse=True)
    numbers_of: dict[Kind, list[int]] = {}
    combinations: list[Attributes] = []
    for number, code in enumerate(combined.tolist()):
        scope, stated = divmod(code, attributes)
        name = names[scope]
        key = stated, name.segment, name.region
        found = signals.combinations.get(key)
        if found is None:
            found = signals.combinations[key] = combination(signals.attributes.names[stated], name)
        combinations.append(found)
        numbers_of.setdefault((name.service, name.stage), []).append(number)
    kind_of = np.empty(len(combined), dtype=np.int64)
    place_of = np.empty(len(combined), dtype=np.int64)
    for kind_place, numbers in enumerate(numbers_of.values()):
        kind_of[numbers], place_of[numbers] = kind_place, np.arange(len(numbers))
    order = np.argsort(kind_of[place], kind="stable")
    bounds = np.searchsorted(kind_of[place][order], np.arange(len(numbers_of) + 1))
    for kind_place, (kind, numbers) in enumerate(numbers_of.items()):
        chosen = order[bounds[kind_place] : bounds[kind_place + 1]]
        made = np.empty(len(chosen), dtype=CELL)
        made["minute"], made["customer"] = cells.minute[chosen], cells.customer[chosen]
        made["customers"], made["place"] = cells.weight[chosen], place_of[place[chosen]]
        made["disrupted"] = cells.disrupted[chosen]
        part.cells[kind] = SubsetCells([combinations[number] for number in numbers], made)


def combination(stated: Attributes, scope: ScopeName) -> Attributes:
    """Attributes as a signal states them, and where the customer counts where the signal is silent."""
    known = dict(stated)
    for name, value in (("segment", scope.segment), ("region", scope.region)):
        if value is not None and value != UNKNOWN:
            known.setdefault(name, value)
    return tuple(sorted(known.items()))
