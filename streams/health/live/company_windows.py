"""Scopes of the whole company over the windows: the parts of all partitions added up, which is exact."""

from collections.abc import Iterator

import numpy as np

from streams.health.columns import Kind
from streams.health.latencies import Bins, quantiles
from streams.health.live.counting import (
    COLUMNS,
    FRUSTRATING,
    HURT_MINUTES,
    PROBES,
    PROBES_FAILED,
    SATISFIED,
    SUMMED,
    SUMMED_HURT,
)
from streams.health.live.parts import WindowsPart, unpack_latencies, unpacked
from streams.health.live.running import WINDOWS
from streams.health.partition import Distinct
from streams.health.parts import ScopeCounts, ScopeName
from streams.health.tables import QUANTILES, ScopeHealth


class CompanyWindows:
    """Services and stages over the windows."""

    def __init__(self) -> None:
        # By partition and number of the piece, with the epoch.
        self._windows: dict[Kind, dict[tuple[int, int], tuple[int, WindowsPart]]] = {}
        self._merged: dict[tuple[str, Kind], dict[ScopeName, ScopeHealth]] = {}

    def put(self, kind: Kind, partition: int, piece: int, epoch: int, part: WindowsPart) -> None:
        """What a partition tells of a piece of a service and stage, in place of what it told."""
        self._windows.setdefault(kind, {})[partition, piece] = epoch, part
        for window in WINDOWS:
            self._merged.pop((window, kind), None)

    def drop(self, partition: int, epoch: int) -> None:
        """What owners of the partition before this epoch told is void."""
        self._merged = {}
        for parts in self._windows.values():
            for key in [key for key, (of, _) in parts.items() if key[0] == partition and of < epoch]:
                del parts[key]

    @property
    def kinds(self) -> list[Kind]:
        """Services and stages that anything is known of."""
        return sorted(self._windows)

    def rows(self, window: str, *, wholes: bool = False) -> dict[ScopeName, ScopeHealth]:
        """Every scope over a window, or the services and stages as a whole alone; without quantiles (`latencies`)."""
        found: dict[ScopeName, ScopeHealth] = {}
        for kind in self._windows:
            if wholes:
                found |= self._rows(kind, window, wholes=True)
            else:
                found |= self.rows_of(kind, window)
        return found

    def rows_of(self, kind: Kind, window: str) -> dict[ScopeName, ScopeHealth]:
        """The scopes of one service and stage; the same object until a part changes."""
        key = window, kind
        found = self._merged.get(key)
        if found is None:
            found = self._merged[key] = dict(self._rows(kind, window))
        return found

    def _rows(self, kind: Kind, window: str, *, wholes: bool = False) -> Iterator[tuple[ScopeName, ScopeHealth]]:
        scopes: dict[ScopeName, ScopeHealth] = {}
        for _, part in self._windows[kind].values():
            if not part.scopes:
                continue
            rows = unpacked(part.rows[window], COLUMNS + 4)
            places = [place for place, name in enumerate(part.scopes) if name[0] is None or not wholes]
            for place, row in zip(places, rows[places].tolist(), strict=True):
                name = ScopeName(*kind, *part.scopes[place])
                _add(scopes.setdefault(name, ScopeHealth(ScopeCounts(), Distinct())), row)
        for name, health in scopes.items():
            if health.customers or any(health.counts.probes):
                yield name, health

    def latencies(self, scope: ScopeName, window: str) -> tuple[float, ...] | None:
        """The quantiles QUANTILES of a scope over a window, microseconds; None where no latency was told."""
        found = Bins()
        for _, part in self._windows[scope.service, scope.stage].values():
            if not part.scopes:
                continue
            places, of_row, interactions = unpack_latencies(part.latencies[window])
            if scope.segment is not None:
                own = (scope.segment, scope.region)
                mine = places == (part.scopes.index(own) if own in part.scopes else -1)
                of_row, interactions = of_row[mine], interactions[mine]
            bins, inverse = np.unique(of_row, return_inverse=True)
            times = np.bincount(inverse, interactions, minlength=len(bins)).astype(np.int64)
            for one, count in zip(bins.tolist(), times.tolist(), strict=True):
                found.count(one, count)
        return quantiles(found, QUANTILES)

    def with_latencies(self, scope: ScopeName, window: str, health: ScopeHealth) -> ScopeHealth:
        """A scope with its quantiles, which take their time."""
        if health.latencies is None:
            health.latencies = self.latencies(scope, window)
        return health


def _add(health: ScopeHealth, row: list[int]) -> None:
    customers, disrupted, *sums, value, value_unknown = row
    health.distinct.customers += customers - sums[SUMMED]
    health.distinct.disrupted += disrupted - sums[SUMMED_HURT]
    health.distinct.value += value
    health.distinct.value_unknown += value_unknown - sums[SUMMED_HURT]
    counts = health.counts
    counts.summed += sums[SUMMED]
    counts.summed_disrupted += sums[SUMMED_HURT]
    counts.customer_minutes += sums[HURT_MINUTES]
    for place, column in enumerate(range(SATISFIED, FRUSTRATING + 1)):
        counts.interactions[place] += sums[column]
    counts.probes[0] += sums[PROBES]
    counts.probes[1] += sums[PROBES_FAILED]
