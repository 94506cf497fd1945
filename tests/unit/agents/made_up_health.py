"""Health as a worker has merged it, without Kafka."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from agents.health_company import scope_name
from streams.facts.placement import partition_for
from streams.health.customers import Profile
from streams.health.live.complaints import Complaints
from streams.health.live.exposures import LOSSES_WITHIN
from streams.health.live.known import Held
from streams.health.live.parts import (
    EXPOSURE_PART,
    TROUBLES_PART,
    ExposurePart,
    HealthKey,
    TroubleFound,
    TroublesPart,
    key_of_part,
    pack_by_minute,
    pack_part,
)
from streams.health.naming import Named
from streams.health.parts import ScopeName
from streams.health.signals import Level, Status
from streams.health.subsets import Choice, Subset
from streams.ledger.rules import MINUTE
from tests.unit.streams.health.live.company_of_books import Base, LiveHealth
from tests.unit.streams.health.signalling import START, definitions, signal

GOLD = Profile("gold", "north")
READ = (
    "clock", "in_trouble", "statuses", "windows", "lasting", "lasts", "passed", "troubles_known", "complaints",
    "status_is_known", "exposure",
)  # fmt: skip
"""What the exporter asks of a company's health beside its named subsets."""


class MadeUpHealth:
    """A shop whose status is up while its customers have been red for ten minutes; c0 to c29 are known customers."""

    complete = True

    def __init__(self, owned: Sequence[int] = range(4), regions: int = 1) -> None:
        known = {f"c{number}": Held(GOLD, 1050) for number in range(30)}
        live = LiveHealth(definitions(more="journey: [{stage: checkout, tier: 1}]"), 4, Base(known))
        live.company.statuses.add([Status(START * 1000, "shop", None, None, Level.UP)])
        live.send(
            [
                *(signal(n, n / 6, f"c{n % 40}", ok=n < 180, attributes={"region": f"r{n % regions}"})
                  for n in range(240)),
                signal(999, 39, "probe", synthetic=True),
            ]
        )  # fmt: skip
        live.settle()
        self.health: Any = live.company
        self.definitions = live.definitions
        self._owned = owned

    def hear_and_lose(self) -> None:
        """The first trouble, detected after a minute, was complained of after two, and lost a customer in an hour."""
        spell = self.health.troubles()[0]
        found = TroubleFound(
            spell.scope, spell.start, spell.end, (spell.start + 2) * MINUTE, None, (spell.start + 60) * MINUTE
        )
        key = key_of_part(HealthKey(0, TROUBLES_PART))
        self.health.apply(key, pack_part(0, TroublesPart([found]), 1 << 60))
        self.health.complaints = Complaints()

    def lose(self) -> None:
        """Of those disrupted two left for the price and one because it was slow; of the others nobody did."""
        minute = self.health.passed
        steps, losses = np.zeros(LOSSES_WITHIN, dtype=np.int64), np.zeros(LOSSES_WITHIN, dtype=np.int64)
        steps[-2], losses[-1] = 20, 3
        part = ExposurePart(
            minute, minute - 60, [("price", 2, 2), ("slow", 1, 1)], 900, pack_by_minute(steps), pack_by_minute(losses)
        )
        self.health.apply(key_of_part(HealthKey(0, EXPOSURE_PART)), pack_part(0, part, 1 << 60))

    def owns(self, scope: ScopeName) -> bool:
        """Whether this worker exports a scope now."""
        return partition_for(scope_name(scope).encode(), 4) in self._owned

    def name(self, attributes: dict[str, tuple[str, ...]], stage: str, disrupted: int, *, ago: int = 0) -> None:
        """Let a subset have been named, `ago` microseconds before the clock."""
        choices = tuple(Choice(attribute, values) for attribute, values in attributes.items())
        subset = Subset(choices, 9.0, 9.0, 40.0, 30.0, 0.9, 5.0, 0.1)
        at = self.health.clock - ago
        named = [*self.health.named, Named(("shop", stage), subset, at, at, at, at, 40, disrupted)]
        self.health = SimpleNamespace(**{name: getattr(self.health, name) for name in READ}, named=named)
