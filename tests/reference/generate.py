"""Seeded streams of native records, as they would arrive: every kind of fact, disorder, copies and faults.

`facts` gives a realistic stream; short hostile histories are in `histories.py`.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from .facts import DAY, HOUR, MINUTE, SECOND, instant, rfc3339
from .malformed import malformed, too_large
from .placement import partition_of

START = instant("2024-01-08T00:00:00Z")
RULES = {
    "horizon": 36 * HOUR,
    "grouping": HOUR,
    "same_departure": 2 * DAY,
    "early_within": 10 * DAY,
    "lapse": {"after": 5 * DAY, "restarted_by": ["purchased"]},
    "trailing": None,
    "precedence": ["billing", "crm"],
    "time_zone": "Europe/Berlin",
    "until": None,
}
SILOS = ("billing", "crm", "shop", "app")
REASONS = ("price", "service", "competitor", "moved", None)
ACTIVITIES = ("spring", "event", "referral", "shop", None)
SEGMENTS, REGIONS, PRODUCTS = ("A", "B", "C", "D"), ("north", "south", "east"), ("basic", "plus")


@dataclass(frozen=True)
class Arrived:
    """A record as it arrives: bytes, partition, and the record itself unless it is malformed."""

    raw: bytes
    partition: int
    record: dict | None
    reject: str | None = None


@dataclass
class Stream:
    """Records in arrival order, and what is known of them."""

    arrivals: list[Arrived]
    rejects: Counter = field(default_factory=Counter)
    out_of_order: float = 0.0
    """Share of sound records that are older than one of their own customer that came before."""
    copies: int = 0
    beyond: int = 0
    """Records that were made to arrive later than the horizon allows."""

    def raw(self) -> Iterator[bytes]:
        """Lines of a file."""
        return (arrived.raw for arrived in self.arrivals)

    def records(self) -> Iterator[tuple[int, dict]]:
        """What the reference reads."""
        return ((a.partition, a.record) for a in self.arrivals if a.record is not None)


class _Life:
    """Writes the records of one customer's life, in event order."""

    def __init__(self, random: Random, customer_id: str) -> None:
        self.random, self.customer_id = random, customer_id
        self.records: list[tuple[int, dict]] = []

    def say(self, at: int, fact: str, silo: str | None = None, **more: object) -> dict:
        number = len(self.records)
        record = {
            "event_id": f"{self.customer_id}-{number}",
            "at": rfc3339(at) if number % 5 else at // 1000,
            "customer_id": self.customer_id,
            "silo": silo or self.random.choice(SILOS),
            "fact": fact,
        } | {name: value for name, value in more.items() if value is not None}
        self.records.append((at, record))
        return record

    def profile(self, share: float = 1.0) -> dict:
        r = self.random
        fields = {
            "segment": r.choice(SEGMENTS),
            "region": r.choice(REGIONS),
            "product": r.choice(PRODUCTS),
            "value": r.randrange(0, 100_000),
        }
        return {name: value for name, value in fields.items() if r.random() < share}

    def begin(self, at: int) -> None:
        r, how = self.random, self.random.random()
        if how < 0.35:
            since = rfc3339(at - r.randrange(0, 400 * DAY, SECOND)) if r.random() < 0.7 else None
            last = rfc3339(at - r.randrange(0, 4 * DAY, SECOND)) if r.random() < 0.5 else None
            activity = r.choice(ACTIVITIES)
            self.say(at, "opening", since=since, last_fact_at=last, activity=activity, **self.profile())
        elif how < 0.7:
            by_recommendation = r.choice((True, False, None))
            self.say(
                at,
                "joined",
                activity=r.choice(ACTIVITIES),
                by_recommendation=by_recommendation,
                **self.profile(0.9),
            )
        elif how < 0.85:
            self.say(at, "purchased", **self.profile(0.8))
        # else: the next fact implies an opening, or means nothing

    def step(self, at: int) -> None:
        """Something happens to the customer; `at` may be exceeded by less than two days."""
        r = self.random
        silo = r.choice(SILOS)
        what = r.choices(
            (
                "purchased",
                "value",
                "profile",
                "left",
                "leaving",
                "contract",
                "recommended",
                "elsewhere",
                "joined",
            ),
            (30, 12, 8, 8, 9, 5, 8, 5, 6),
        )[0]
        if what == "purchased":
            self.say(at, "purchased", silo, **self.profile(0.5))
        elif what == "value":
            self.say(at, "value_changed", silo, value=r.randrange(100_000))
        elif what == "profile":
            self.say(at, "profile_changed", silo, **self.profile(0.4))
        elif what == "left":
            self.left(at, silo)
        elif what == "leaving":
            self.leaving(at, silo)
        elif what == "contract":
            first, second = ("left", "joined") if r.random() < 0.6 else ("joined", "left")
            later = at + r.randrange(0, 90 * MINUTE, SECOND)
            self.say(at, first, silo, **(self.profile(0.6) if first == "joined" else {"reason": "price"}))
            self.say(
                later, second, silo, **(self.profile(0.6) if second == "joined" else {"reason": "price"})
            )
        elif what == "recommended":
            self.say(at, "recommended", silo, count=r.choice((None, 1, 2, 5)))
        elif what == "elsewhere":
            self.left(at, silo)
            other = r.choice([name for name in SILOS if name != silo])
            kind = r.choice(("left", "leaving"))
            self.say(at + r.randrange(0, 2 * HOUR, SECOND), kind, other, reason=r.choice(REASONS))
        else:
            self.say(at, "joined", silo, activity=r.choice(ACTIVITIES), **self.profile(0.5))

    def left(self, at: int, silo: str) -> None:
        kind = self.random.choice(("voluntary", "payment", None))
        self.say(at, "left", silo, reason=self.random.choice(REASONS), kind=kind)

    def leaving(self, at: int, silo: str) -> None:
        r = self.random
        effective_at = at + r.randrange(0, 6 * DAY, SECOND)
        kind = r.choice(("voluntary", "payment", None))
        self.say(at, "leaving", silo, effective_at=rfc3339(effective_at), reason=r.choice(REASONS), kind=kind)
        after = r.random()
        if after < 0.3:
            self.say(at + r.randrange(0, 30 * HOUR, SECOND), "staying", silo)
        elif after < 0.4:
            self.say(
                at + r.randrange(0, 30 * HOUR, SECOND), "value_changed", silo, value=r.randrange(100_000)
            )

    def trouble(self, horizon: int) -> None:
        """Retractions and records that contradict one of the same id; both come soon after their target."""
        for at, record in list(self.records):
            if self.random.random() < 0.02:
                later = at + self.random.randrange(0, horizon // 4, SECOND)
                self.say(later, "retracted", record["silo"], retracts=record["event_id"])
            elif self.random.random() < 0.02:
                self.records.append((at, record | {"value": self.random.randrange(100_000)}))


def facts(
    seed: int,
    customers: int,
    n: int,
    rules: dict = RULES,
    partitions: int = 4,
    days: int = 28,
    copies: float = 0.05,
    faults: float = 0.01,
    beyond: float = 0.003,
) -> Stream:
    """About `n` records of `customers` customers over `days` days, in arrival order.

    Arrival lags event time by up to 0.6 of the horizon, so that a record and its copy, contradiction or
    retraction meet inside the horizon; a share `beyond`, and some last records, come later than that.
    """
    random, horizon = Random(seed), rules["horizon"]
    lives = [_Life(random, f"customer-{number:05}") for number in range(customers)]
    each = n * 1.02 / customers
    for life in lives:
        times = sorted(
            START + random.randrange(0, days * DAY, SECOND) for _ in range(max(1, round(each / 1.3)))
        )
        life.begin(times[0])
        for at in times[1:]:
            life.step(at)
        life.trouble(horizon)
    arriving: list[tuple[int, int, dict]] = []
    beyond_count = 0
    for life in lives:
        last = max(at for at, _ in life.records)
        for at, record in life.records:
            lag = random.randrange(0, horizon * 6 // 10 if random.random() < 0.6 else horizon // 10)
            if random.random() < (beyond * 10 if at == last else beyond):
                lag, beyond_count = horizon + random.randrange(HOUR, 3 * DAY), beyond_count + 1
            arriving.append((at + lag, len(arriving), record))
    copied = random.sample(arriving, round(copies * len(arriving)))
    for when, _, record in copied:
        arriving.append((when + random.randrange(0, horizon // 3), len(arriving), record))
    for when in range(START, START + days * DAY, 6 * HOUR):
        beat = {"event_id": f"beat-{when}", "at": rfc3339(when), "silo": "crm", "fact": "heartbeat"}
        arriving.append((when, len(arriving), beat))
    arriving.sort()
    return _with_faults(random, arriving, partitions, faults, len(copied), beyond_count)


def _with_faults(
    random: Random, arriving: list, partitions: int, faults: float, copies: int, beyond: int
) -> Stream:
    stream = Stream([], copies=copies, beyond=beyond)
    newest: dict[str, int] = {}
    disordered = 0
    wanted = round(faults * len(arriving))
    spoilt_at = set(random.sample(range(len(arriving)), wanted))
    kinds = 0
    for index, (when, _, record) in enumerate(arriving):
        customer_id = record.get("customer_id", "")
        if index in spoilt_at:
            of_all = malformed(random, when, f"customer-{random.randrange(1000):05}")
            bad = of_all[kinds % len(of_all)] if kinds else too_large(random, when, "customer-00001")
            kinds += 1
            stream.rejects[bad.reason] += 1
            stream.arrivals.append(Arrived(bad.raw, random.randrange(partitions), None, bad.reason))
        at = instant(record["at"])
        disordered += at < newest.get(customer_id, 0)
        newest[customer_id] = max(at, newest.get(customer_id, 0))
        partition = partition_of(customer_id, partitions) if customer_id else random.randrange(partitions)
        stream.arrivals.append(Arrived(json.dumps(record).encode(), partition, record))
    stream.out_of_order = disordered / len(arriving)
    return stream
