"""A workload of native facts: the same records for the same shape, wherever it is made.

Activity is Zipf-Mandelbrot: customer of rank r takes part in proportion to 1 / (r + shift) ** exponent. Within one
customer facts arrive in the order of their event times, so that a consumer which goes by arrival and one which goes
by event time come to one answer; late facts are late against their partition alone. A left and a joined of one
customer are never so near that they would be one change, which only the full customer math knows.
"""

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

import numpy as np
import orjson

from streams.facts.placement import partition_for

START = int(datetime(2025, 3, 3, tzinfo=UTC).timestamp())
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR_MS = 3_600_000
GROUPING_MS = HOUR_MS
HORIZON_MS = 36 * HOUR_MS
REMEMBERED = 16
"""A copy comes before the customer has so many later facts: peers that keep that many ids drop every copy."""

SEGMENTS = ("consumer", "small-business", "mid-market", "enterprise")
REGIONS = ("north-america", "latin-america", "europe", "middle-east", "asia-pacific")
PRODUCTS = ("basic", "plus", "premium")
ACTIVITIES = ("spring-campaign", "trade-fair", "referral", "shop", "website")
REASONS = ("price", "service", "competitor", "moved", "quality", None)

UNKNOWN, ACTIVE, LOST = range(3)


@dataclass(frozen=True, slots=True)
class Shape:
    """What is asked of a workload.

    Attributes:
        events: records in all, copies and malformed ones included.
        customers: how many there are; not each of them need occur.
        span_s: event time from the first record that is on time to the last, seconds.
        start: of the event time, seconds since 1970.
        duplicates, late, malformed: shares of the records.
        exponent, shift: of the activity.
    """

    events: int = 300_000
    customers: int = 100_000
    partitions: int = 4
    seed: int = 1
    span_s: int = 24 * 3600
    duplicates: float = 0.01
    late: float = 0.02
    malformed: float = 0.005
    exponent: float = 1.0
    shift: float = 50.0
    start: int = START


class Arrival(NamedTuple):
    """One record as it arrives; `fact` is None for a malformed one, `reject` then says why it is one."""

    partition: int
    key: bytes
    raw: bytes
    fact: dict[str, Any] | None
    reject: str | None = None


@dataclass(slots=True)
class _Customer:
    number: int
    partition: int
    state: int = UNKNOWN
    value: int = 0
    segment: str = ""
    region: str = ""
    product: str = ""
    last_ms: int = -(1 << 60)
    left_ms: int = -(1 << 60)
    facts: int = 0
    copy: Arrival | None = None
    copy_in: int = 0

    @property
    def name(self) -> str:
        return f"c-{self.number:08}"


class Workload:
    """Records in arrival order; each pass makes the same ones anew.

    Attributes:
        counts: of the last pass: facts, duplicates, late, beyond_horizon, malformed.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.counts: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Arrival]:
        made = _Generator(self.shape)
        self.counts = made.counts
        return made.records()


class _Generator:
    """One pass."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.counts: Counter[str] = Counter()
        self._random = Random(shape.seed)
        self._customers: dict[int, _Customer] = {}
        self._late_debt = 0.0
        self._due: list[tuple[int, int]] = []

    def records(self) -> Iterator[Arrival]:
        """The records."""
        shape, rolls = self.shape, self._random.random
        given, position = 0, 0
        ranks = _ranks(shape)
        while given < shape.events:
            now_ms = position * shape.span_s * 1000 // shape.events
            for arrival in self._at(next(ranks), position, now_ms, rolls()):
                yield arrival
                given += 1
                if given == shape.events:
                    return
            position += 1

    def _at(self, number: int, position: int, now_ms: int, roll: float) -> Iterator[Arrival]:
        while self._due and self._due[0][0] <= position:
            waiting = self._customers[heapq.heappop(self._due)[1]]
            if waiting.copy is not None:
                yield self._copied(waiting)
        customer = self._customers.get(number)
        if customer is None:
            customer = self._customers[number] = _Customer(number, 0)
            customer.partition = partition_for(customer.name.encode(), self.shape.partitions)
        if roll < self.shape.malformed:
            self.counts["malformed"] += 1
            yield self._malformed(customer, now_ms)
            return
        at_ms = self._time_of(customer, now_ms)
        fact = self._fact(customer, at_ms, position)
        arrival = Arrival(customer.partition, customer.name.encode(), orjson.dumps(fact), fact)
        self.counts["facts"] += 1
        yield arrival
        if customer.copy is not None:
            customer.copy_in -= 1
            if not customer.copy_in:
                yield self._copied(customer)
        elif self._random.random() < self.shape.duplicates * 1.016:
            customer.copy, customer.copy_in = arrival, self._random.randrange(1, REMEMBERED // 2)
            heapq.heappush(self._due, (position + self._random.randrange(1, 5000), number))

    def _copied(self, customer: _Customer) -> Arrival:
        copy, customer.copy = customer.copy, None
        assert copy is not None
        self.counts["duplicates"] += 1
        return copy

    def _time_of(self, customer: _Customer, now_ms: int) -> int:
        self._late_debt += self.shape.late
        if self._late_debt >= 1:
            hours = self._random.uniform(0.1, 30) if self._random.random() < 0.5 else self._random.uniform(37, 45)
            at_ms = now_ms - int(hours * HOUR_MS)
            if at_ms > customer.last_ms:
                self._late_debt -= 1
                self.counts["late"] += 1
                self.counts["beyond_horizon"] += hours > 36
                return at_ms
        return max(now_ms, customer.last_ms + 1)

    def _fact(self, customer: _Customer, at_ms: int, position: int) -> dict[str, Any]:
        r = self._random
        fact: dict[str, Any] = {
            "event_id": f"{self.shape.seed:04x}-{position:012x}-{customer.facts:06x}",
            "at": self._text(at_ms),
            "customer_id": customer.name,
        }
        customer.facts += 1
        customer.last_ms = at_ms
        roll = r.random()
        if customer.state == UNKNOWN:
            customer.segment, customer.region = r.choice(SEGMENTS), r.choice(REGIONS)
            customer.product = r.choice(PRODUCTS)
            self._gain(fact, customer, "joined" if roll < 0.8 else "opening" if roll < 0.95 else "purchased")
        elif customer.state == LOST:
            if roll < 0.1:
                fact |= {"fact": "value_changed", "value": r.randrange(100, 100_000)}
                customer.value = fact["value"]
            elif at_ms - customer.left_ms > GROUPING_MS + 60_000:
                self._gain(fact, customer, "joined")
            else:
                self._gain(fact, customer, "purchased")
        elif roll < 0.55:
            if r.random() < 0.9:
                customer.value = r.randrange(100, 100_000)
            fact |= {"fact": "purchased", "value": customer.value, "segment": customer.segment}
            fact |= {"region": customer.region, "product": customer.product}
        elif roll < 0.75:
            customer.value = r.randrange(100, 100_000)
            fact |= {"fact": "value_changed", "value": customer.value, "segment": customer.segment}
            fact |= {"region": customer.region, "product": customer.product}
        elif roll < 0.86:
            if r.random() < 0.5:
                customer.segment = r.choice(SEGMENTS)
            else:
                customer.region = r.choice(REGIONS)
            fact |= {"fact": "profile_changed", "segment": customer.segment, "region": customer.region}
            fact["product"] = customer.product
        else:
            fact["fact"] = "left"
            reason = r.choice(REASONS)
            if reason is not None:
                fact["reason"] = reason
            fact["kind"] = "voluntary" if reason != "quality" else "payment"
            customer.state, customer.left_ms = LOST, at_ms
        return fact

    def _gain(self, fact: dict[str, Any], customer: _Customer, kind: str) -> None:
        r = self._random
        customer.state, customer.value = ACTIVE, r.randrange(100, 100_000)
        fact |= {"fact": kind, "value": customer.value, "segment": customer.segment, "region": customer.region}
        fact |= {"product": customer.product, "activity": r.choice(ACTIVITIES)}

    def _malformed(self, customer: _Customer, now_ms: int) -> Arrival:
        fact = {
            "event_id": f"bad-{self.counts['malformed']:08}", "at": self._text(now_ms), "customer_id": customer.name,
            "fact": "purchased", "value": 100, "segment": "consumer", "region": "europe", "product": "basic",
        }  # fmt: skip
        kind = self.counts["malformed"] % 7
        reject, raw = (
            ("not_json", orjson.dumps(fact)[:-9]),
            ("missing_field", orjson.dumps({name: fact[name] for name in fact if name != "at"})),
            ("wrong_type", orjson.dumps(fact | {"value": "100"})),
            ("bad_value", orjson.dumps(fact | {"value": -1})),
            ("bad_time", orjson.dumps(fact | {"at": self._text(now_ms)[:-1]})),
            ("unknown_fact", orjson.dumps(fact | {"fact": "vanished"})),
            ("not_an_object", b"[" + orjson.dumps(fact) + b"]"),
        )[kind]
        return Arrival(customer.partition, customer.name.encode(), raw, None, reject)

    def _text(self, at_ms: int) -> str:
        moment = EPOCH + timedelta(milliseconds=self.shape.start * 1000 + at_ms)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ranks(shape: Shape) -> Iterator[int]:
    """Customers' numbers, drawn by their activity; the busiest are not the first numbers."""
    weights = 1.0 / (np.arange(1, shape.customers + 1) + shape.shift) ** shape.exponent
    cumulated = np.cumsum(weights)
    drawn = np.random.Generator(np.random.PCG64(shape.seed))
    numbers = drawn.permutation(shape.customers)
    while True:
        places = np.searchsorted(cumulated, drawn.random(10_000) * cumulated[-1])
        yield from numbers[np.minimum(places, shape.customers - 1)].tolist()
