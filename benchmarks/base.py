"""A standing base of customers, most of them quiet for longer than the horizon: for memory and recovery.

In 30 days of event time all of them join; half change their value later, one in ten leaves; then two days of silence,
and one in twenty buys in the last six hours. With native definitions the horizon is 36 hours.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import orjson

from benchmarks.workload import ACTIVITIES, EPOCH, PRODUCTS, REASONS, REGIONS, SEGMENTS, START, Arrival
from streams.facts.placement import partition_for

DAY_MS = 86_400_000
CHANGED, LEFT, RECENT = 0.5, 0.1, 0.05


@dataclass(frozen=True, slots=True)
class Base:
    """How many customers, over how many partitions."""

    customers: int
    partitions: int
    seed: int = 1

    def __iter__(self) -> Iterator[Arrival]:
        """The records in the order of their times."""
        random = Random(self.seed)
        for number in range(self.customers):
            yield self._record(number, "joined", 0, 20, number, self.customers, {
                "value": random.randrange(100, 100_000), "segment": random.choice(SEGMENTS),
                "region": random.choice(REGIONS), "product": random.choice(PRODUCTS),
                "activity": random.choice(ACTIVITIES),
            })  # fmt: skip
        changed, left = round(self.customers * CHANGED), round(self.customers * LEFT)
        for number in range(changed):
            more = {"value": random.randrange(100, 100_000)}
            yield self._record(number * 2 % self.customers, "value_changed", 20, 8, number, changed, more)
        for number in range(left):
            why = {"reason": random.choice(REASONS) or "price", "kind": "voluntary"}
            yield self._record(number * 10 + 1, "left", 28, 1, number, left, why)
        recent = round(self.customers * RECENT)
        for number in range(recent):
            more = {"value": random.randrange(100, 100_000)}
            yield self._record(number * 20 + 2, "purchased", 31, 0.25, number, recent, more)

    def _record(
        self, number: int, fact: str, day: float, days: float, place: int, of: int, more: dict[str, Any]
    ) -> Arrival:
        name = f"c-{number:08}"
        at = EPOCH + timedelta(seconds=START, milliseconds=int((day + days * place / of) * DAY_MS))
        record = {
            "event_id": f"{fact}-{number:08}-{self.seed:04}", "at": at.isoformat(timespec="milliseconds"),
            "customer_id": name, "fact": fact, **more,
        }  # fmt: skip
        key = name.encode()
        return Arrival(partition_for(key, self.partitions), key, orjson.dumps(record), record)
