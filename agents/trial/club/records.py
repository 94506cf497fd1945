"""The records of the demonstration in event time: what members report, say and do after real flights.

No day is named here and no airline: a member whose flight failed complains or leaves, and the more so the worse its
airline does than the others in the same hours. What comes of it on which day is for the real flights to say.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import orjson

from agents.replay.records import Outgoing
from agents.trial.club import words
from agents.trial.club.flights import Flight, Sky, read_flights
from agents.trial.club.members import ACTIVITIES, REASONS, Club
from streams.ledger.rules import DAY, HOUR, MINUTE

SERVICE, STAGE = "trip", "flying"
SEED = 16

_TOPIC_KEYS = {
    "customer-events": "customer_id", "qos-signals": "customer_id", "service-status": "service",
    "social-mentions": "author_id", "survey-responses": "customer_id",
}  # fmt: skip


TOPICS = ("customer-events", "qos-signals", "service-status", "social-mentions", "survey-responses")
"""Where its records go."""


@dataclass(frozen=True, slots=True)
class ClubRules:
    """How members behave; every number is an assumption of the demonstration.

    Attributes:
        members: at the beginning.
        on_board: members on each flight.
        joins, leaves: a day, on an ordinary day.
        asks_every_us: how often a member whose flight failed looks again for what becomes of it, and for how long
            at most (`asks_for_us`).
        tolerated: by how much worse than the others an airline may do before its members blame it.
        complains, leaves_for_it: how likely a member does after a failed flight, and how much more when its airline
            alone failed.
        survey_after_us: when a member is asked how the flight was; answers come in the days after.
    """

    members: int = 18_000
    on_board: int = 4
    joins: int = 44
    leaves: int = 40
    asks_every_us: int = 20 * MINUTE
    asks_for_us: int = 3 * HOUR
    tolerated: float = 0.2
    complains: tuple[float, float] = (0.04, 0.60)
    leaves_for_it: tuple[float, float] = (0.001, 0.6)
    praises: float = 0.02
    asks: float = 0.02
    answers: tuple[float, float] = (0.05, 0.35)
    survey_after_us: int = 7 * DAY
    up_below: float = 0.25
    degraded_below: float = 0.45
    says_status_every_us: int = 15 * MINUTE


def club_records(path: Path, since_us: int, rules: ClubRules | None = None) -> Iterator[Outgoing]:
    """All records of the club from an instant on, in the order of their event times.

    Args:
        path: the real flights, as `agents.replay` packs them.
        since_us: where it begins, with the members of that instant as the opening base.
    Raises: UnreadableData.
    """
    return _Playing(path, since_us, rules or ClubRules()).records()


class _Playing:
    def __init__(self, path: Path, since_us: int, rules: ClubRules) -> None:
        self._path = path
        self._since = since_us
        self._rules = rules
        self._random = Random(SEED)
        self._numbers = count(1)
        self._waiting: list[tuple[int, int, Callable[[int], Iterator[Outgoing]]]] = []
        self._sky = Sky()
        homes = Counter((flight.group, flight.airport) for flight in read_flights(path, since_us))
        self._club = Club(homes, self._random)

    def records(self) -> Iterator[Outgoing]:
        since = self._since
        for _ in range(self._rules.members):
            joined = since - round(self._random.uniform(30 * DAY, 1400 * DAY))
            yield self._fact(since, "opening", self._club.enter() | {"since": _text(joined)})
        self._later(since, self._day)
        self._later(since, self._status)
        for flight in read_flights(self._path, since):
            yield from self._due(flight.at_us)
            self._sky.add(flight)
            for member in self._club.on_board(flight.group, flight.airport, self._rules.on_board):
                self._fly(member, flight)

    # What is due later is a function that gives its records then.

    def _later(self, at: int, what: Callable[[int], Iterator[Outgoing]]) -> None:
        heapq.heappush(self._waiting, (at, next(self._numbers), what))

    def _due(self, until: int) -> Iterator[Outgoing]:
        while self._waiting and self._waiting[0][0] <= until:
            at, _, what = heapq.heappop(self._waiting)
            yield from what(at)

    # The club's own days

    def _day(self, at: int) -> Iterator[Outgoing]:
        """Plan an ordinary day: who joins, leaves, moves, recommends; most in the afternoon."""
        rules, random = self._rules, self._random
        plans = (
            (rules.joins, self._join), (rules.leaves, self._leave_as_ever), (12, self._worth), (4, self._move),
            (15, self._recommend), (2, self._leave_later),
        )  # fmt: skip
        for many, what in plans:
            for _ in range(round(random.gauss(many, many**0.5))):
                self._later(at + round(random.triangular(6 * HOUR, 23 * HOUR, 15 * HOUR)), what)
        self._later(at + DAY, self._day)
        yield from ()

    def _join(self, at: int) -> Iterator[Outgoing]:
        activity = self._one_of(ACTIVITIES)
        yield self._fact(at, "joined", self._club.enter() | {"activity": activity})

    def _leave_as_ever(self, at: int) -> Iterator[Outgoing]:
        yield from self._leave(self._club.anyone(), self._one_of(REASONS), at)

    def _one_of(self, shares: Sequence[tuple[str, float]]) -> str:
        return self._random.choices([name for name, _ in shares], [share for _, share in shares])[0]

    def _leave(self, member: str, reason: str, at: int) -> Iterator[Outgoing]:
        if self._club.leave(member):
            more = {"reason": reason} if reason else {}
            if reason == "card expired":
                more["kind"] = "payment"
            yield self._fact(at, "left", {"customer_id": member, **more})

    def _leave_later(self, at: int) -> Iterator[Outgoing]:
        member, days = self._club.anyone(), self._random.randint(3, 20)
        if self._club.leave(member):
            more = {"reason": "too expensive", "effective_at": _text(at + days * DAY)}
            yield self._fact(at, "leaving", {"customer_id": member, **more})

    def _worth(self, at: int) -> Iterator[Outgoing]:
        worth = round(self._random.lognormvariate(6.3, 0.6)) * 100
        yield self._fact(at, "value_changed", {"customer_id": self._club.anyone(), "value": worth})

    def _move(self, at: int) -> Iterator[Outgoing]:
        tier = self._random.choice(("Blue", "Silver", "Gold"))
        yield self._fact(at, "profile_changed", {"customer_id": self._club.anyone(), "product": tier})

    def _recommend(self, at: int) -> Iterator[Outgoing]:
        friends = self._random.choice((1, 1, 1, 2))
        yield self._fact(at, "recommended", {"customer_id": self._club.anyone(), "count": friends})

    def _status(self, at: int) -> Iterator[Outgoing]:
        """Operations look at the flights of all airlines together, and say so."""
        share, rules = self._sky.failed_share(), self._rules
        status = "up" if share < rules.up_below else "degraded" if share < rules.degraded_below else "down"
        yield _record("service-status", at, {"service": SERVICE, "status": status})
        self._later(at + rules.says_status_every_us, self._status)

    # A flight, and what comes of it

    def _fly(self, member: str, flight: Flight) -> None:
        rules, random = self._rules, self._random
        failed = flight.failed
        blame = max(0.0, self._sky.worse_than_others(flight.group) - rules.tolerated) if failed else 0.0
        at = flight.at_us + round(random.uniform(0, 40) * MINUTE)
        self._later(at, lambda now: self._report(member, flight, now))
        if failed:
            lasts = min(rules.asks_for_us, round(flight.late_min * MINUTE)) if flight.arrived else rules.asks_for_us
            for number in range(1, lasts // rules.asks_every_us + 1):
                again = at + number * rules.asks_every_us + round(random.uniform(-5, 5) * MINUTE)
                self._later(again, lambda now: self._report(member, flight, now))
            if random.random() < rules.complains[0] + rules.complains[1] * blame:
                self._later(at + round((10 + random.expovariate(1 / 60)) * MINUTE),
                            lambda now: self._say(member, flight, words.unhappy, now))  # fmt: skip
            if random.random() < rules.leaves_for_it[0] + rules.leaves_for_it[1] * blame:
                self._later(at + 2 * HOUR + round(random.expovariate(1 / 7) * HOUR),
                            lambda now: self._leave(member, "flight failed", now))  # fmt: skip
        elif random.random() < rules.praises:
            self._later(at + 2 * HOUR, lambda now: self._say(member, flight, words.happy, now))
        elif random.random() < rules.asks:
            kind = random.choice((words.plain, words.unhappy))
            self._later(at + HOUR, lambda now: self._say(member, flight, kind, now))
        if random.random() < rules.answers[0] + rules.answers[1] * blame:
            answered = at + rules.survey_after_us + round((4 + random.expovariate(1 / 20)) * HOUR)
            self._later(answered, lambda now: self._answer(member, failed, blame, now))

    def _report(self, member: str, flight: Flight, at: int) -> Iterator[Outgoing]:
        latency = {"latency_ms": max(0.0, flight.late_min) * 60_000} if flight.arrived else {}
        attributes = {"airline": flight.airline, "airport": flight.airport}
        yield _record("qos-signals", at, {
            "event_id": f"s{next(self._numbers)}", "customer_id": member, "service": SERVICE, "stage": STAGE,
            "ok": flight.arrived, **latency, "attributes": attributes,
        })  # fmt: skip

    def _say(self, member: str, flight: Flight, kind: Callable[[Random], str], at: int) -> Iterator[Outgoing]:
        channel = self._random.choice(("chat", "email", "call"))
        yield _record("social-mentions", at, {
            "mention_id": f"v{next(self._numbers)}", "author_id": member, "customer_id": member, "channel": channel,
            "brand": flight.group, "text": kind(self._random), "language": "en", "reach": 1,
        })  # fmt: skip

    def _answer(self, member: str, failed: bool, blame: float, at: int) -> Iterator[Outgoing]:
        low = self._random.random() < (0.1 + min(0.8, 1.6 * blame) if failed else 0.04)
        score = self._random.randint(0, 2) if low else self._random.randint(6, 10)
        yield _record("survey-responses", at, {
            "response_id": f"a{next(self._numbers)}", "customer_id": member, "score": score, "scale": [0, 10],
            "stage": STAGE,
        })  # fmt: skip

    def _fact(self, at: int, fact: str, more: dict[str, Any]) -> Outgoing:
        return _record("customer-events", at, {"event_id": f"e{next(self._numbers)}", "fact": fact, **more})


def _record(topic: str, at: int, fields: dict[str, Any]) -> Outgoing:
    key = fields[_TOPIC_KEYS[topic]].encode()
    return Outgoing(topic, key, orjson.dumps({"at": _text(at), **fields}), at)


def _text(at: int) -> str:
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
