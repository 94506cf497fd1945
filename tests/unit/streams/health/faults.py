"""A made-up shop with customers of ten regions and five devices, and a fault that hits one combination of them."""

from collections.abc import Iterator
from random import Random
from typing import Any

from config.definitions_file import parse
from streams.facts.definitions.model import Definitions
from streams.health.recount import HealthRecount
from streams.health.signals import Signal
from tests.unit.streams.health.signalling import NATIVE, START

REGIONS = tuple(f"region-{n}" for n in range(10))
DEVICES = tuple(f"device-{n}" for n in range(5))
HOUR_US = 3_600_000_000


def shop() -> Definitions:
    """Satisfied within a second."""
    return parse(f"{NATIVE}health: {{thresholds: [{{satisfied_within: 1s}}]}}\n")


def stream(
    seed: int, *, customers: int = 10_000, hours: float = 1.0, fault_at: float | None = 25.0,
    a_customer_an_hour: int = 20,
    by_customer: bool = True,
) -> Iterator[Signal]:  # fmt: skip
    """Signals in the order of time.

    Args:
        fault_at: minute from which half of one region's customers with one device (2 % of all) are frustrated,
            against 1 % of all others; None: 1 % of all are, all the time.
        by_customer: the 1 % are the same customers all the time; else any signal is bad with that chance.
    """
    random = Random(seed)
    hit = random.choice(REGIONS), random.choice(DEVICES)
    crowd = []
    for number in range(customers):
        where = REGIONS[number % 10], DEVICES[number // 10 % 5]
        attributes = {"region": where[0], "device": where[1], "version": f"v{number // 50 % 3}"}
        crowd.append((f"c{number}", attributes, where == hit, random.random() < 0.01, number // 50 % 2 == 0))
    count = int(customers * a_customer_an_hour * hours)
    times = sorted(random.random() for _ in range(count))
    for number, part in enumerate(times):
        at = START * 1000 + int(part * hours * HOUR_US)
        customer_id, attributes, is_hit, is_bad, hurt = crowd[random.randrange(customers)]
        bad = is_bad if by_customer else random.random() < 0.01
        if fault_at is not None and is_hit and part * hours * 60 >= fault_at:
            bad = hurt if by_customer else random.random() < 0.5
        yield Signal(at, f"e{number}", customer_id, "shop", "checkout", True, 9e6 if bad else 3e5, attributes)


def hit_by(seed: int) -> dict[str, list[str]]:
    """The attributes of those whom the fault of a stream hits."""
    random = Random(seed)
    region, device = random.choice(REGIONS), random.choice(DEVICES)
    return {"device": [device], "region": [region]}


def named_in(signals: Iterator[Signal], partitions: int = 1) -> dict[str, Any]:
    """Health's JSON over signals that were admitted."""
    recount = HealthRecount(shop(), partitions=partitions)
    recount.take(list(signals))
    return recount.finish()
