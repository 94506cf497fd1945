"""One minute of one partition, counted: the same rules as over files (`streams.health.experience`), in plain columns.

Places are numbers of scopes and of combinations of attributes, which `Places` gives for as long as it lives.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.facts.models import UNKNOWN
from streams.health.columns import OK, SYNTHETIC, Attributes, Kind, Rows
from streams.health.customers import Profile
from streams.health.experience import FRUSTRATED, TOLERATING, Needs, combination, stated_profile
from streams.health.latencies import bins_of
from streams.health.live.held import HeldSignals
from streams.health.live.tally import Ints, key_of
from streams.health.parts import ScopeName
from streams.health.rules import Disruption
from streams.health.subsets import MOST_VALUES

SUMMED, SUMMED_HURT, HURT_MINUTES, SATISFIED, TOLERATED, FRUSTRATING, PROBES, PROBES_FAILED = range(8)
"""Columns of the counts that add up over time."""

COLUMNS = 8

LOWEST_BIN = 1 << 30
"""Added to a bin of the latencies, so that it is no negative number."""

MOST_PLACES = 20_000
"""Combinations beyond which no new one is told apart."""

Bools = npt.NDArray[np.bool_]


class Places:
    """Scopes and combinations by number.

    Attributes:
        scopes, combinations: names by number.
        whole_of: of a scope the number of its service and stage as a whole; a whole is its own.
    """

    def __init__(self) -> None:
        self.scopes: list[ScopeName] = []
        self.whole_of: list[int] = []
        self.combinations: list[tuple[Kind, Attributes]] = []
        self._scopes: dict[ScopeName, int] = {}
        self._combinations: dict[tuple[Kind, Attributes], int] = {}
        self._values: dict[tuple[Kind, str], set[str]] = {}

    def scope(self, name: ScopeName) -> int:
        """The number of a scope."""
        found = self._scopes.get(name)
        if found is None:
            whole = name if name.segment is None else ScopeName(name.service, name.stage, None, None)
            if whole is not name:
                self.scope(whole)
            found = self._scopes[name] = len(self.scopes)
            self.scopes.append(name)
            self.whole_of.append(self._scopes[whole])
        return found

    def combination(self, kind: Kind, attributes: Attributes) -> int:
        """The number of a combination; attributes with more values than groups have are no part of one."""
        found = self._combinations.get((kind, attributes))
        if found is None:
            kept = tuple(one for one in attributes if self._tells(kind, *one))
            if len(self.combinations) >= MOST_PLACES:
                kept = ()
            key = kind, kept
            found = self._combinations.get(key)
            if found is None:
                found = self._combinations[key] = len(self.combinations)
                self.combinations.append(key)
        return found

    def _tells(self, kind: Kind, name: str, value: str) -> bool:
        values = self._values.setdefault((kind, name), set())
        if len(values) <= MOST_VALUES:
            values.add(value)
        return len(values) <= MOST_VALUES


class ScopeKeys(NamedTuple):
    """What a minute adds to every window of scopes.

    Attributes:
        seen, hurt: keys of scopes, wholes among them, and distinct customers, in order.
        wholes, sums: services and stages as a whole, and their counts by column.
    """

    seen: Ints
    hurt: Ints
    wholes: Ints
    sums: Ints


@dataclass(slots=True)
class MinuteCounts:
    """What happened in a minute.

    What it adds to the windows, and takes from them later, is made once: each minute passes through seven of them.

    Attributes:
        cell_*: a customer with a service and stage, or a signal that stands for several.
        scopes, sums: scopes that occur, and their counts by column.
        latencies, latency_counts: keys of scope and bin in order, and how often.
    """

    cell_scope: Ints
    cell_combination: Ints
    cell_customer: Ints
    cell_weight: Ints
    cell_summed: Bools
    cell_hurt: Bools
    scopes: Ints
    sums: Ints
    latencies: Ints
    latency_counts: Ints
    _scope_keys: ScopeKeys | None = field(default=None, init=False, repr=False, compare=False)
    _group_keys: tuple[Ints, Ints] | None = field(default=None, init=False, repr=False, compare=False)

    def scope_keys(self, whole_of: Ints) -> ScopeKeys:
        """What it adds to a window of scopes; `whole_of` as in `Places`."""
        if self._scope_keys is None:
            wholes = whole_of[self.cell_scope]
            seen, hurt = (
                np.sort(np.concatenate((self._keys(self.cell_scope, of_hurt), self._keys(wholes, of_hurt))))
                for of_hurt in (False, True)
            )
            self._scope_keys = ScopeKeys(seen, hurt, *whole_counts(self, whole_of))
        return self._scope_keys

    def group_keys(self) -> tuple[Ints, Ints]:
        """Keys of combinations and distinct customers, in order: of those seen, and of those disrupted."""
        if self._group_keys is None:
            self._group_keys = self._keys(self.cell_combination, False), self._keys(self.cell_combination, True)
        return self._group_keys

    def renumber(self, new: Ints) -> None:
        """Customers have other numbers: `new` by the old one."""
        self.cell_customer = new[self.cell_customer]
        self._scope_keys = self._group_keys = None

    def _keys(self, places: Ints, hurt: bool) -> Ints:
        """Keys of places and distinct customers, in order; of those disrupted alone if so asked."""
        chosen = ~self.cell_summed & self.cell_hurt if hurt else ~self.cell_summed
        return np.unique(key_of(places[chosen], self.cell_customer[chosen]))


def count_minute(
    held: HeldSignals, rows: Rows, profile_of: Callable[[Ints], list[Profile | None]], places: Places, needs: Needs,
    rule: Disruption,
) -> MinuteCounts | None:  # fmt: skip
    """Count the signals of a minute; None where there are none.

    Args:
        rows: in the order of time, each id once.
        profile_of: customers by number to where the ledger counts them; None: it does not know them.
    """
    if not len(rows):
        return None
    row_scope = _scopes_of(held, rows, profile_of, places)
    classes = _classes(rows, row_scope, places, needs)
    probes = (rows["flags"] & SYNTHETIC) > 0
    bad = classes >= (TOLERATING if rule.tolerating_is_bad else FRUSTRATED)
    real = ~probes
    scopes, inverse = np.unique(row_scope, return_inverse=True)
    sums = np.zeros((len(scopes), COLUMNS), dtype=np.int64)
    weight = rows["customers"].astype(np.int64)

    def add(column: int, places: Ints, weights: Ints | Bools) -> None:
        sums[:, column] = np.bincount(places, weights, minlength=len(scopes)).astype(np.int64)

    add(PROBES, inverse, probes)
    add(PROBES_FAILED, inverse, probes & (classes == FRUSTRATED))
    for place in range(3):
        add(SATISFIED + place, inverse, weight * (real & (classes == place)))
    group = (rows["customers"] > 1) & real
    picked, hurt = _cells(rows, real & ~group, bad, rule.share)
    picked = np.concatenate((picked, np.flatnonzero(group)))
    hurt = np.concatenate((hurt, bad[group]))
    cells, summed = rows[picked], group[picked]
    cell_scope, cell_weight, of_cell = row_scope[picked], weight[picked], inverse[picked]
    add(SUMMED, of_cell, cell_weight * summed)
    add(SUMMED_HURT, of_cell, cell_weight * (summed & hurt))
    add(HURT_MINUTES, of_cell, cell_weight * hurt)
    told = real & ~np.isnan(rows["latency"])
    bins = bins_of(rows["latency"][told]) + LOWEST_BIN
    latencies, first = np.unique(key_of(row_scope[told], bins), return_inverse=True)
    latency_counts = np.bincount(first, weight[told], minlength=len(latencies)).astype(np.int64)
    return MinuteCounts(
        cell_scope, _combinations_of(held, cells, cell_scope, places), cells["customer"].astype(np.int64),
        cell_weight, summed, hurt, scopes, sums, latencies, latency_counts,
    )  # fmt: skip


def _scopes_of(
    held: HeldSignals, rows: Rows, profile_of: Callable[[Ints], list[Profile | None]], places: Places
) -> Ints:
    numbers, inverse = np.unique(rows["customer"], return_inverse=True)
    profiles = profile_of(numbers.astype(np.int64))
    numbered: dict[Profile, int] = {}
    of_customer = np.array(
        [-1 if one is None else numbered.setdefault(one, len(numbered)) for one in profiles], dtype=np.int64
    )
    of_row = of_customer[inverse]
    own = of_row < 0
    if own.any():
        stated, back = np.unique(rows["attributes"][own], return_inverse=True)
        named = (stated_profile(held.attributes.names[number]) for number in stated.tolist())
        of_row[own] = np.array([numbered.setdefault(one, len(numbered)) for one in named], dtype=np.int64)[back]
    profile_names, kinds = list(numbered), held.kinds.names
    codes, inverse = np.unique(
        rows["kind"].astype(np.int64) * len(profile_names) + of_row, return_inverse=True
    )
    found = []
    for code in codes.tolist():
        kind, profile = divmod(code, len(profile_names))
        found.append(places.scope(ScopeName(*kinds[kind], *profile_names[profile])))
    return np.array(found, dtype=np.int64)[inverse]


def _classes(rows: Rows, row_scope: Ints, places: Places, needs: Needs) -> Ints:
    scopes, inverse = np.unique(row_scope, return_inverse=True)
    within = np.empty(len(scopes))
    for place, number in enumerate(scopes.tolist()):
        name = places.scopes[number]
        satisfied = needs(name.service, name.stage, name.segment or UNKNOWN)
        within[place] = np.inf if satisfied is None else satisfied
    limit, latency = within[inverse], rows["latency"]
    # A latency that was not told is NaN, which is above nothing.
    classes = (latency > limit).astype(np.int64) + (latency > 4 * limit)
    classes[(rows["flags"] & OK) == 0] = FRUSTRATED
    return classes


def _cells(rows: Rows, chosen: Bools, bad: Bools, share: float) -> tuple[Ints, Bools]:
    """The first row of each customer with a service and stage, and whether the customer is disrupted there."""
    rows_chosen = np.flatnonzero(chosen)
    key = rows["kind"][chosen].astype(np.int64) << 32 | rows["customer"][chosen]
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    count = np.bincount(inverse, minlength=len(first))
    hurt = np.bincount(inverse, weights=bad[chosen], minlength=len(first))
    return rows_chosen[first], (hurt > 0) & (hurt >= share * count - 1e-9)


def _combinations_of(held: HeldSignals, cells: Rows, cell_scope: Ints, places: Places) -> Ints:
    codes, inverse = np.unique(key_of(cell_scope, cells["attributes"].astype(np.int64)), return_inverse=True)
    found = []
    for code in codes.tolist():
        name = places.scopes[code >> 32]
        stated = held.attributes.names[code & 0xFFFFFFFF]
        found.append(places.combination((name.service, name.stage), combination(stated, name)))
    return np.array(found, dtype=np.int64)[inverse] if found else np.empty(0, dtype=np.int64)


def whole_counts(minute: MinuteCounts, whole_of: Ints) -> tuple[Ints, Ints]:
    """The sums of a minute by service and stage: numbers of the wholes, and their counts by column."""
    wholes, inverse = np.unique(whole_of[minute.scopes], return_inverse=True)
    sums = np.stack([np.bincount(inverse, column, minlength=len(wholes)) for column in minute.sums.T], axis=-1)
    return wholes, sums.astype(np.int64)


