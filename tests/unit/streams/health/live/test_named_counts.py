"""Of a subset that was named every customer counts once, whatever attributes its signals bore, live as over files."""

import random
from typing import Any

import pytest

from streams.health.live import held
from streams.health.live.company import CompanyHealth
from streams.health.naming import Named
from tests.unit.streams.health.live.company_of_books import CLOCK, LiveHealth
from tests.unit.streams.health.signalling import START, definitions, health_of, signal

MINUTE_MS = 60_000
MINUTES = 50


def alternating(seed: int = 1) -> list[dict[str, Any]]:
    """400 customers are well; of 100 with an odd device, whose version changes at every turn, half are not."""
    chance, rows = random.Random(seed), []
    for turn in range(10):
        for of in range(400):
            at = turn * 5 + chance.randrange(5)
            rows.append((at, f"c{of}", True, {"device": f"d{of % 4}", "version": "a"}))
        for of in range(100):
            at = turn * 5 + chance.randrange(5)
            rows.append((at, f"h{of}", of % 2 == 0, {"device": "odd", "version": "old" if turn % 2 else "new"}))
    found = [
        signal(number, at, name, ok=ok, attributes=attributes)
        for number, (at, name, ok, attributes) in enumerate(rows)
    ]
    return sorted(found, key=lambda one: one["at"])


def after(minute: float) -> dict[str, Any]:
    """A signal that moves the clock on."""
    return signal(100_000 + int(minute), minute, "c0", attributes={"device": "d0", "version": "a"})


def play(live: LiveHealth, signals: list[dict[str, Any]]) -> None:
    begin = min(one["at"] for one in signals)
    for minute in range(0, MINUTES, 5):
        live.send([one for one in signals if minute <= (one["at"] - begin) / MINUTE_MS < minute + 5])
        live.settle()
    live.send([after(MINUTES + 2)])
    live.settle()


def counted(signals: list[dict[str, Any]], named: Named) -> tuple[int, int]:
    """Distinct customers seen and disrupted in a subset, straight from the signals."""
    inside = [
        one
        for one in signals
        if named.start <= one["at"] * 1000 < named.end and named.subset.holds(tuple(one["attributes"].items()))
    ]
    return len({one["customer_id"] for one in inside}), len({one["customer_id"] for one in inside if not one["ok"]})


@pytest.mark.parametrize("partitions", [1, 4])
def test_a_customer_of_two_versions_counts_once(partitions: int) -> None:
    signals, live = alternating(), LiveHealth(definitions(), partitions)
    signals += [
        {
            **one,
            "event_id": f"{one['event_id']}-login",
            "customer_id": f"l{one['customer_id']}",
            "stage": "login",
            "ok": True,
        }
        for one in signals
    ]
    play(live, signals)
    (named,) = live.company.named
    (offline,) = health_of(signals)["subsets"]
    assert (named.customers, named.disrupted) == (offline["customers"], offline["disrupted"]) == (100, 50)
    assert {one.attribute: list(one.values) for one in named.subset.choices} == offline["attributes"]


@pytest.mark.parametrize("seed", range(4))
def test_order_doubles_and_a_crash_change_nothing(seed: int) -> None:
    chance, signals = random.Random(seed), alternating(seed)
    live = LiveHealth(definitions(), 3)
    begin = signals[0]["at"]
    for minute in range(0, MINUTES, 5):
        piece = [one for one in signals if minute <= (one["at"] - begin) / MINUTE_MS < minute + 5]
        piece += chance.sample(piece, 5)
        chance.shuffle(piece)
        live.send(piece)
        live.tick()
        if chance.random() < 0.5:
            live.crash(chance.randrange(3))
    live.send([after(MINUTES + 2)])
    live.settle()
    (named,) = live.company.named
    assert (named.customers, named.disrupted) == counted(signals, named)


def test_who_is_told_of_late_is_in_the_count() -> None:
    signals = alternating()
    late = {one["event_id"] for one in signals if one["customer_id"] in ("h1", "h2", "h3")}
    live = LiveHealth(definitions(), 2)
    play(live, [one for one in signals if one["event_id"] not in late])
    (named,) = live.company.named
    assert (named.customers, named.disrupted) == (97, 48)
    live.send([one for one in signals if one["event_id"] in late])
    live.settle()
    (named,) = live.company.named
    assert (named.customers, named.disrupted) == counted(signals, named) == (100, 50)


def later(signals: list[dict[str, Any]], minutes: int) -> list[dict[str, Any]]:
    """The same again, under other ids."""
    return [
        {**one, "event_id": f"{one['event_id']}+{minutes}", "at": one["at"] + minutes * MINUTE_MS} for one in signals
    ]


def test_customers_who_got_other_numbers_are_still_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "MANY_NAMES", 50)
    live = LiveHealth(definitions("horizon: 1h\nthresholds: [{satisfied_within: 1s}]"))
    passers_by = [
        signal(500_000 + number, number / 30, f"p{number}", attributes={"device": "d1", "version": "a"})
        for number in range(3_000)
    ]
    signals, again = later(alternating(), 1440), later(alternating(), 1440 + 160)
    live.send(passers_by)
    live.settle()
    for minute in range(0, MINUTES, 5):
        live.send([one for one in signals if minute <= (one["at"] - START) / MINUTE_MS - 1440 < minute + 5])
        live.settle()
    before = dict(live.books[0]._held.customers.numbers)
    for minute in range(-50, MINUTES, 5):
        live.send([after(1600 + minute)])
        live.send([one for one in again if minute <= (one["at"] - START) / MINUTE_MS - 1600 < minute + 5])
        live.settle()
    live.send([after(1600 + MINUTES + 2)])
    live.settle()
    now = live.books[0]._held.customers.numbers
    assert now["h1"] != before["h1"]
    (named,) = live.company.named
    assert named.end - named.start > 3 * 3_600_000_000
    assert (named.customers, named.disrupted) == counted([*signals, *again], named) == (100, 50)


def test_signals_that_stand_for_many_are_counted_again_when_another_comes_late() -> None:
    several = {f"h{number}" for number in range(20, 60)}
    signals = [{**one, "customers": 10} if one["customer_id"] in several else one for one in alternating()]
    late = {one["event_id"] for one in signals if one["customer_id"] == "h5"}
    live = LiveHealth(definitions(), 2)
    play(live, [one for one in signals if one["event_id"] not in late])
    live.send([one for one in signals if one["event_id"] in late])
    live.settle()
    (named,), (offline,) = live.company.named, health_of(signals)["subsets"]
    assert (named.customers, named.disrupted) == (offline["customers"], offline["disrupted"])
    assert named.customers > 4_000


def test_a_partition_that_begins_anew_tells_of_a_subset_once_all_of_it_is_counted() -> None:
    live = LiveHealth(definitions())
    play(live, alternating())
    live.crash(0)
    (books,) = live.books
    looks = []
    while books.advance(live.company.clock, 1):
        books.follow(live.company.troubles(), None, live.company.subsets_asked)
        looks.append([(one.customers, one.disrupted) for one in books._named_counts.found()])
    assert len(looks) > MINUTES / 2
    assert [] in looks
    assert all(look in ([], [(100, 50)]) for look in looks)


def test_minutes_that_were_let_go_make_no_name_smaller() -> None:
    signals, live = alternating(), LiveHealth(definitions(), 2)
    play(live, signals)
    (before,) = live.company.named
    live.send([after(1440 + 95)])
    live.settle()
    live.crash(0)
    live.crash(1)
    live.settle()
    assert [asked.start for asked in live.company.subsets_asked] == [before.start // 60_000_000]
    (named,) = live.company.named
    assert (named.customers, named.disrupted) == (100, 50)


def test_a_name_waits_for_every_partition_and_outlives_a_partition_that_begins_anew() -> None:
    signals, live = alternating(), LiveHealth(definitions(), 2)
    play(live, signals)
    (named,) = live.company.named
    fresh = CompanyHealth(live.definitions, 2, CLOCK)
    for number, records in enumerate(live.parts):
        for key, value in records:
            if number == 0 or b'"named"' not in key:
                fresh.apply(key, value)
    while fresh.look():
        pass
    assert fresh.named == []
    for key, value in live.parts[1]:
        if b'"named"' in key:
            fresh.apply(key, value)
    assert [(one.subset.choices, one.customers, one.disrupted) for one in fresh.named] == [
        (named.subset.choices, 100, 50)
    ]
    live.crash(1)
    live.tick()
    assert [(one.customers, one.disrupted) for one in live.company.named] == [(100, 50)]
