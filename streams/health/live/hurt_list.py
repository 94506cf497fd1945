"""The customers behind a number of perceived health: who was disrupted in a window.

The minutes that the windows are counted from are looked at one by one, so that a list is as long as the number says,
and each customer has the minutes that put it there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from streams.drilldown.flows import MOST
from streams.drilldown.numbers import CannotOpen
from streams.health.columns import Kind
from streams.health.live.company import CompanyHealth
from streams.health.live.counting import Places
from streams.health.live.held import HeldSignals
from streams.health.live.known import Held
from streams.health.live.running import WINDOWS, Running
from streams.health.parts import ScopeName

DISRUPTED = "disrupted"

IN_SIGHT = 5
"""Disrupted minutes at most so far apart are one disruption, as in `customers-in-trouble`."""


@dataclass(frozen=True, slots=True)
class HealthNumber:
    """One number of health.

    Attributes:
        window: of `WINDOWS`.
        service, stage, segment, region: of these alone; None: of all.
    """

    window: str
    service: str | None = None
    stage: str | None = None
    segment: str | None = None
    region: str | None = None

    @property
    def named(self) -> dict[str, str]:
        """What it is narrowed down to."""
        names = ("service", "stage", "segment", "region")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def check(self, kinds: list[Kind]) -> None:
        """Raises: CannotOpen for a window, service or stage that there is not; `kinds`: those there are."""
        if self.window not in WINDOWS:
            raise CannotOpen(
                f"who was disrupted is kept for the windows {', '.join(WINDOWS)}, as of now, not for {self.window!r}"
            )
        for place, name in enumerate(("service", "stage")):
            value, there = getattr(self, name), sorted({kind[place] for kind in kinds})
            if value is not None and value not in there:
                raise CannotOpen(
                    f"no signal has named the {name} {value!r}; "
                    f"there are {', '.join(there) or 'none yet'}"
                )

    def holds(self, scope: ScopeName) -> bool:
        """Whether what is counted under a scope with segment and region belongs to it."""
        return all(getattr(scope, name) == value for name, value in self.named.items())

    def counted(self, company: CompanyHealth) -> int | None:
        """How many customers the company's health counts; None where it has no such number."""
        if self.service is None or self.stage is None or (self.segment is None) != (self.region is None):
            return None
        kind = (self.service, self.stage)
        rows = company.windows.rows_of(kind, self.window) if kind in company.windows.kinds else {}
        row = rows.get(ScopeName(*kind, self.segment, self.region))
        return 0 if row is None else row.disrupted


@dataclass(slots=True)
class Hurt:
    """A customer who is behind a number.

    Attributes:
        first, last, minutes: disrupted minutes since 1970, and how many they are.
        is_distinct: it was disrupted as one customer.
        summed: customers for whom its disrupted signals stand, where those stand for several.
        kinds: services and stages, each with its first disrupted minute.
        scope: of the last disrupted minute.
    """

    first: int
    last: int
    scope: ScopeName
    minutes: int = 0
    is_distinct: bool = False
    summed: int = 0
    kinds: dict[Kind, int] = field(default_factory=dict)

    @property
    def stands_for(self) -> int:
        """How many customers the number counts for it."""
        return self.is_distinct + self.summed


class HurtList:
    """Collects the customers of one partition behind a number; look at each of its minutes, and then ask."""

    def __init__(
        self, number: HealthNumber, running: Running, places: Places, held: HeldSignals,
        find: Callable[[str], Held | None],
    ) -> None:  # fmt: skip
        """`find`: a customer as the ledger has it."""
        self.number = number
        self.found: dict[str, Hurt] = {}
        self.find = find
        self._running, self._places, self._held = running, places, held
        self._chosen: npt.NDArray[np.bool_] = np.zeros(0, dtype=bool)

    @property
    def minutes(self) -> list[int]:
        """Minutes that the window holds now, oldest first."""
        return list(self._running.windows[self.number.window].held)

    def look(self, minute: int) -> None:
        """Take in a minute. Raises: CannotOpen when they become too many."""
        counts = self._running.minutes.look(minute)
        if counts is None:
            return
        self._choose_scopes()
        chosen = counts.cell_hurt & self._chosen[counts.cell_scope]
        names, scopes = self._held.customers.names, self._places.scopes
        columns = (counts.cell_customer, counts.cell_scope, counts.cell_summed, counts.cell_weight)
        for customer, place, is_summed, weight in zip(*(one[chosen].tolist() for one in columns), strict=True):
            name, scope = names[customer], scopes[place]
            hurt = self.found.get(name)
            if hurt is None:
                if len(self.found) >= MOST:
                    raise CannotOpen(f"more than {MOST:,} customers are behind it: choose a stage, segment or region")
                hurt = self.found[name] = Hurt(minute, minute, scope)
            if hurt.last != minute or not hurt.minutes:
                hurt.minutes += 1
            hurt.last, hurt.scope = minute, scope
            hurt.kinds.setdefault((scope.service, scope.stage), minute)
            if is_summed:
                hurt.summed += weight
            else:
                hurt.is_distinct = True

    def _choose_scopes(self) -> None:
        missing = self._places.scopes[len(self._chosen) :]
        if missing:
            more = [scope.segment is not None and self.number.holds(scope) for scope in missing]
            self._chosen = np.concatenate((self._chosen, np.array(more, dtype=bool)))


@dataclass(slots=True)
class Disruption:
    """Minutes [first, last] in which a customer was disrupted again and again at a service and stage."""

    kind: Kind
    first: int
    last: int
    minutes: int = 1


def disruptions(running: Running, places: Places, held: HeldSignals, customer_id: str) -> Iterator[Disruption | None]:
    """The disruptions of one customer in the longest window, by when they ended; None between two pieces of work."""
    number = held.customers.numbers.get(customer_id)
    going: dict[Kind, Disruption] = {}
    if number is None:
        return
    for minute in sorted(running.minutes_of(np.array([number]))):
        yield None
        counts = running.minutes.look(minute)
        if counts is None or held.customers.numbers.get(customer_id) is None:
            continue
        chosen = counts.cell_hurt & (counts.cell_customer == held.customers.numbers[customer_id])
        for scope in {places.scopes[place] for place in counts.cell_scope[chosen].tolist()}:
            kind = (scope.service, scope.stage)
            one = going.get(kind)
            if one is not None and minute - one.last <= IN_SIGHT:
                one.last, one.minutes = minute, one.minutes + 1
                continue
            if one is not None:
                yield one
            going[kind] = Disruption(kind, minute, minute)
    yield from going.values()
