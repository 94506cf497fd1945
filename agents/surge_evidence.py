"""What a page says of an open surge beyond its own count: what it has cost, and who was disrupted before leaving.

Made when `/metrics` is asked, from the tables as they are then; the longer the span of a sum, the longer
it is kept.
"""

from collections.abc import Callable
from time import monotonic
from typing import Protocol

from agents.disrupted_before import DisruptedBefore, LostAfterTrouble
from streams.ledger.rules import MINUTE
from streams.surges.series import LOST_CUSTOMERS, LOST_VALUE
from streams.surges.surge import Surge
from streams.surges.toll import Toll, toll
from streams.tables.tables import Tables

LOSSES = (LOST_CUSTOMERS, LOST_VALUE)
WAITS_S = 3.0
"""How long a surge is not shown while it is looked up who was disrupted before: a page is written but once."""
KEPT_PART = 600
"""A sum over an hour is good for six seconds."""


class CountedTables(Protocol):
    """The tables of the company."""

    @property
    def tables(self) -> Tables: ...

    @property
    def clock(self) -> int | None: ...


class SurgeEvidence:
    """Evidence of the surges that this worker's detectors have open, or just had."""

    def __init__(
        self, company: CountedTables, before: DisruptedBefore | None, timer: Callable[[], float] = monotonic
    ) -> None:
        """`before`: None, if signals are not read."""
        self._company = company
        self._before = before
        self._timer = timer
        self._tolls: dict[str, tuple[float, Toll]] = {}
        self._seen: dict[str, float] = {}

    def toll(self, surge: Surge) -> Toll | None:
        """What a surge of losses has cost since its onset, until now or its end; None for another one."""
        clock = self._company.clock
        if surge.series.measure not in LOSSES or clock is None:
            return None
        end = clock - clock % MINUTE + MINUTE if surge.closed is None else surge.closed
        kept, now = self._tolls.get(surge.surge_id), self._timer()
        if kept is not None and now < kept[0]:
            return kept[1]
        found = toll(self._company.tables.buckets, surge.series, surge.onset, end)
        self._tolls[surge.surge_id] = now + (end - surge.onset) / 1e6 / KEPT_PART, found
        return found

    def before(self, surge: Surge) -> LostAfterTrouble | None:
        """Who of its customers was disrupted before; None: not known."""
        return None if self._before is None else self._before.found.get(surge.surge_id)

    def is_ready(self, surge: Surge) -> bool:
        """Whether what can be known of it is known, or was waited for long enough."""
        if self._before is None or surge.series.measure not in LOSSES or surge.surge_id in self._before.found:
            return True
        now = self._timer()
        return now - self._seen.setdefault(surge.surge_id, now) >= WAITS_S

    def forget(self, shown: set[str]) -> None:
        """Let go of surges that are shown no more."""
        for held in (self._tolls, self._seen):
            for surge_id in [one for one in held if one not in shown]:
                del held[surge_id]
