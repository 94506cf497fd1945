"""Disruption before losses, live: the same as over files, whatever the order, the partitions and the crashes."""

import random
from typing import Any

import pytest

from streams.health.exposure import Loss
from streams.health.live.health_now import health_now
from streams.health.live.known import Held
from streams.ledger.remembered import NEVER
from tests.unit.streams.health.live.company_of_books import Base, LiveHealth
from tests.unit.streams.health.live.test_followed import fact
from tests.unit.streams.health.live.test_live_health import GOLD
from tests.unit.streams.health.signalling import START, definitions, health_of, signal

DAY = 1440
TWO_DAYS = "thresholds: [{satisfied_within: 1s}]\nbefore_leaving: 2d"


class Shop:
    """Customers who are disrupted now and then over some days, and some of whom leave."""

    def __init__(self, seed: int, *, days: int = 9, customers: int = 40, signals: int = 500) -> None:
        chance = random.Random(seed)
        self.end = days * DAY
        self.signals = []
        for number in range(signals):
            at = chance.randrange(self.end)
            customer = f"c{chance.randrange(customers)}"
            stands_for = 1 if chance.random() > 0.05 else 20
            ok = chance.random() > (0.5 if at // DAY in (1, 2, 5, 7) else 0.02)
            self.signals.append(signal(number, at, customer, ok=ok, customers=stands_for))
        self.signals.append(signal(90_000, self.end, "c0"))
        self.losses: dict[str, tuple[int, str]] = {}
        for number in chance.sample(range(customers + 5), 16):
            at = chance.randrange(self.end + 100)
            self.losses[f"c{number}"] = at, chance.choice(["price", "slow", "unknown"])
        joined = [f"c{n}" for n in range(customers - 3)] + ["never seen", "never seen, left"]
        self.losses["never seen, left"] = 5 * DAY, "price"
        self.facts = [fact(n, name, -1000 - n, fact="joined") for n, name in enumerate(joined)]
        left = [(name, *loss) for name, loss in self.losses.items() if name in joined]
        self.left = {name: (at, reason) for name, at, reason in left}
        self.facts += [
            fact(1000 + n, name, at, fact="left", reason=reason) for n, (name, at, reason) in enumerate(left)
        ]
        self.facts.sort(key=lambda one: one["at"])
        self.ledger = Base({name: Held(GOLD, 1) for name in joined})

    def leaves(self, live: LiveHealth, name: str) -> None:
        """The ledger says that the customer has left."""
        at, reason = self.left[name]
        self.ledger.customers[name] = Held(GOLD, 0)
        self.ledger.losses[name] = Loss(name, (START + at * 60_000) * 1000, reason)
        for books in live.books:
            books.ledger_changed([name])

    def over_files(self) -> dict[str, Any]:
        """What `netgrowth health` says at the time of the last signal."""
        signals = sorted(self.signals, key=lambda one: one["at"])
        until = (START + self.end * 60_000) * 1000
        health = health_of(signals, facts=self.facts, under=definitions(TWO_DAYS), until=until)
        found: dict[str, Any] = health["exposure"]
        return found


def at_rest(live: LiveHealth) -> None:
    """Until nothing moves any more: exposure is told every five seconds, which is two or three ticks."""
    for _ in range(2):
        live.settle()


def told(live: LiveHealth) -> dict[str, Any]:
    """What the API says."""
    now = health_now(live.company, "24h")
    assert now is not None
    found: dict[str, Any] = now["exposure"]
    return found


def nearly_in_order(signals: list[dict[str, Any]], chance: random.Random, hours: float) -> list[dict[str, Any]]:
    """Signals late by up to so many hours."""
    return sorted(signals, key=lambda one: one["at"] + chance.random() * hours * 3_600_000)


@pytest.mark.parametrize(("seed", "horizon"), [(0, "36h"), (1, "25h"), (2, "2h"), (3, "2h")])
def test_exposure_live_is_that_over_files_whatever_the_order_the_partitions_and_the_crashes(
    seed: int, horizon: str
) -> None:
    chance = random.Random(seed)
    shop = Shop(seed)
    live = LiveHealth(definitions(f"{TWO_DAYS}\nhorizon: {horizon}"), 1 + seed % 3, shop.ledger)
    signals = nearly_in_order(shop.signals, chance, 1.5 if horizon == "2h" else 20)
    for number in chance.sample(range(len(signals)), 60):
        signals.insert(chance.randrange(number, min(number + 30, len(signals))), signals[number])
    names = list(shop.left)
    for place, start in enumerate(range(0, len(signals), 40)):
        live.send(signals[start : start + 40])
        live.tick()
        if place % 3 == 1:
            live.crash(chance.randrange(len(live.books)))
        if place % 2 and names:
            shop.leaves(live, names.pop())
    for name in names:
        shop.leaves(live, name)
    at_rest(live)
    expected = shop.over_files()
    assert told(live) == expected
    assert expected["left"]["disrupted_before"] > 1
    assert 0 < expected["stayed"]["disrupted_before"] < expected["stayed"]["customers"]
    for number in range(len(live.books)):
        live.crash(number)
    at_rest(live)
    assert told(live) == expected


def test_a_minute_that_left_the_windows_is_kept_until_its_disruptions_are() -> None:
    """Spells are made once an hour; whoever goes on after a crash in between makes them of the counts of minutes."""
    ledger = Base({name: Held(GOLD, 1) for name in "abc"})
    live = LiveHealth(definitions(f"{TWO_DAYS}\nhorizon: 2h"), 1, ledger)
    live.send([signal(0, 0, "c"), signal(1, 5, "a", ok=False), signal(2, 5, "b")])
    live.settle()
    for number, minute in enumerate(range(30, DAY + 21, 10)):
        live.send([signal(10 + number, minute, "c")])
        live.settle()
    live.crash(0)
    live.send([signal(900, DAY + 25, "c")])
    for name in "ab":
        ledger.customers[name] = Held(GOLD, 0)
        ledger.losses[name] = Loss(name, (START + (DAY + 22) * 60_000) * 1000, "price")
    live.books[0].ledger_changed("ab")
    at_rest(live)
    assert told(live)["by_reason"] == [{"reason": "price", "customers": 2, "disrupted_before": 1}]


def test_who_comes_back_has_not_left_and_a_late_signal_takes_a_disruption_back() -> None:
    ledger = Base({name: Held(GOLD, 1) for name in "abc"})
    live = LiveHealth(definitions(), 1, ledger)
    signals = [signal(1, 0, "a", ok=False), signal(2, 0, "b", ok=False), signal(3, 0, "c"), signal(4, 90, "c")]
    live.send(signals)
    for name in "ab":
        ledger.customers[name] = Held(GOLD, 0)
        ledger.losses[name] = Loss(name, (START + 60 * 60_000) * 1000, "price")
    at_rest(live)
    found = told(live)
    assert found["by_reason"] == [{"reason": "price", "customers": 2, "disrupted_before": 2}]
    assert (found["start"], found["end"]) == ("2024-01-01T10:00:00Z", "2024-01-01T11:31:00Z")
    del ledger.losses["a"]
    ledger.customers["a"] = Held(GOLD, 1)
    live.books[0].ledger_changed(["a"])
    live.send([signal(10 + n, 0, "b") for n in range(2)])
    at_rest(live)
    found = told(live)
    assert found["by_reason"] == [{"reason": "price", "customers": 1, "disrupted_before": 0}]
    assert (found["stayed"]["customers"], found["stayed"]["disrupted_before"]) == (2, 1)
    assert found["shown"] is False


def test_what_the_ledger_forgot_of_a_loss_stands_as_it_was_known() -> None:
    ledger = Base({name: Held(GOLD, 1) for name in "ab"})
    live = LiveHealth(definitions(), 1, ledger)
    live.send([signal(1, 0, "a", ok=False), signal(2, 90, "b")])
    ledger.customers["a"] = Held(GOLD, 0)
    ledger.losses["a"] = Loss("a", (START + 60 * 60_000) * 1000, "price")
    at_rest(live)
    before = told(live)["by_reason"]
    live.send([signal(3, 3 * DAY, "b")])
    at_rest(live)
    ledger.losses["a"] = Loss("a", NEVER, "unknown")
    live.crash(0)
    at_rest(live)
    assert told(live)["by_reason"] == before == [{"reason": "price", "customers": 1, "disrupted_before": 1}]


def test_losses_and_customers_of_long_ago_are_let_go() -> None:
    ledger = Base({name: Held(GOLD, 1) for name in "abc"})
    live = LiveHealth(definitions(TWO_DAYS), 1, ledger)
    live.send([signal(1, 0, "a", ok=False), signal(2, 0, "b", ok=False), signal(3, 60, "c")])
    ledger.customers["a"] = Held(GOLD, 0)
    ledger.losses["a"] = Loss("a", (START + 60 * 60_000) * 1000, "price")
    at_rest(live)
    assert told(live)["left"]["customers"] == 1
    exposures = live.books[0]._exposures
    for day in (28, 29, 31, 32):
        live.send([signal(100 + day, day * DAY, "c")])
        at_rest(live)
        kept = (day < 29, len(exposures))
        assert kept == {28: (True, 3), 29: (False, 3), 31: (False, 1), 32: (False, 1)}[day]
        assert (live.company.exposure.told() is not None) == kept[0]
    live.crash(0)
    live.send([signal(4, 32 * DAY + 1, "d"), signal(5, 32 * DAY + 2, "a")])
    at_rest(live)
    assert sorted(live.books[0]._exposures._numbers) == ["a", "c", "d"]


def test_customers_beyond_the_bound_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.health.live.exposures.MOST_CUSTOMERS", 3)
    live = LiveHealth(definitions(), 1, Base({f"c{n}": Held(GOLD, 1) for n in range(9)}))
    live.send([signal(n, n, f"c{n}") for n in range(9)])
    at_rest(live)
    assert len(live.books[0]._exposures) == 3


@pytest.mark.parametrize("times", [1.0, 3.0])
def test_the_interval_holds_what_disruption_does_live_too(times: float) -> None:
    held = shown = 0
    for seed in range(20):
        chance = random.Random(100 + seed)
        ledger = Base({f"c{n}": Held(GOLD, 1) for n in range(2_000)})
        live = LiveHealth(definitions(), 1, ledger)
        hurt = {n: chance.random() < 0.3 for n in range(2_000)}
        signals = [signal(n, chance.random() * 60, f"c{n}", ok=not hurt[n]) for n in range(2_000)]
        live.send([*signals, signal(9_999, 4_000, "c0")])
        for n in range(2_000):
            if chance.random() < 0.05 * (times if hurt[n] else 1):
                ledger.customers[f"c{n}"] = Held(GOLD, 0)
                at = START + chance.randrange(100, 4_000) * 60_000
                ledger.losses[f"c{n}"] = Loss(f"c{n}", at * 1000, "price")
        at_rest(live)
        found = told(live)
        held += found["risk_ratio"]["lower"] <= times <= found["risk_ratio"]["upper"]
        shown += found["shown"]
    assert held >= 18
    assert shown >= 18 if times == 3.0 else shown <= 2
