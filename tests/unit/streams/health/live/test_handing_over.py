"""Signals of an id that is an alias count as signals of the customer whose alias it is."""

import random
from typing import Any

import pytest

from streams.health.customers import Profile
from streams.health.live.known import Held
from tests.unit.streams.health.live.company_of_books import Base, LiveHealth, in_pieces
from tests.unit.streams.health.live.test_live_health import an_hour, in_order, told
from tests.unit.streams.health.signalling import definitions

LINKS = {f"shop:{number}": f"c{number}" for number in range(30)}


def base() -> Base:
    return Base({f"c{number}": Held(Profile("A", f"r{number % 4}"), 100 * number) for number in range(60)})


def apart(signals: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """The same signals, half of those of linked customers under the other id."""
    chance, other = random.Random(seed), {customer: alias for alias, customer in LINKS.items()}
    return [
        one | {"customer_id": other[one["customer_id"]]}
        if one["customer_id"] in other and chance.random() < 0.5 else one
        for one in signals
    ]  # fmt: skip


def settled(live: LiveHealth) -> dict[str, list[dict[str, Any]]]:
    for _ in range(4):
        live.read_on()
        live.tick()
    return {window: in_order(told(live, window, with_facts=True)) for window in ("1h", "5m")}


def as_one(signals: list[dict[str, Any]]) -> tuple[dict[str, list[dict[str, Any]]], dict[str, dict[str, Any]]]:
    live = LiveHealth(definitions(), 1, base())
    live.send(signals)
    return settled(live), live.in_trouble()


@pytest.mark.parametrize("partitions", [1, 4])
@pytest.mark.parametrize("linked_after", [0.0, 0.5, 1.0])
def test_a_link_joins_what_came_before_it_and_what_comes_after(partitions: int, linked_after: float) -> None:
    signals = an_hour(5)
    ledger = base()
    live = LiveHealth(definitions(), partitions, ledger)
    pieces = in_pieces(apart(signals, 2), 3)
    linked_at = int(linked_after * len(pieces))
    for number, piece in enumerate([*pieces, []]):
        if number == linked_at:
            ledger.links = dict(LINKS)
            for books in live.books:
                books.linked(LINKS)
        live.send(piece)
        live.tick()
    rows, in_trouble = as_one(signals)
    assert settled(live) == rows
    assert set(live.in_trouble()) == set(in_trouble)  # since when depends on how often was counted
    assert not any(name.startswith("shop:") for name in in_trouble)


@pytest.mark.parametrize("seed", range(4))
def test_whoever_dies_hands_over_twice_and_it_counts_once(seed: int) -> None:
    signals, chance = an_hour(7 + seed), random.Random(seed)
    ledger = base()
    live = LiveHealth(definitions(), 3, ledger)
    pieces = in_pieces(apart(signals, seed), seed)
    for number, piece in enumerate(pieces):
        if number == len(pieces) // 2:
            ledger.links = dict(LINKS)
            for books in live.books:
                books.linked(LINKS)
        live.send(piece)
        live.lost = {"changelog"} if chance.random() < 0.4 else set()
        live.tick()
        if live.lost:
            live.lost = set()
            for partition in range(3):
                live.crash(partition)
    assert settled(live) == as_one(signals)[0]


def test_a_chain_is_followed_to_its_end_and_a_circle_ends() -> None:
    signals = an_hour(9)
    ledger = base()
    ledger.links = {"a1": "a2", "a2": "a3", "a3": "c1", "x": "y", "y": "x"}
    live = LiveHealth(definitions(), 4, ledger)
    renamed = {"c2": "a1", "c3": "a2", "c4": "x", "c5": "y"}
    live.send(one | {"customer_id": renamed.get(one["customer_id"], one["customer_id"])} for one in signals)
    for _ in range(12):
        live.read_on()
        live.tick()
    length = [len(topic) for topic in live.topics]
    live.read_on()
    live.tick()
    assert [len(topic) for topic in live.topics] == length
    chained = {"c2": "c1", "c3": "c1", "c4": "x", "c5": "y"}
    alone = base()
    as_meant = LiveHealth(definitions(), 1, alone)
    as_meant.send(one | {"customer_id": chained.get(one["customer_id"], one["customer_id"])} for one in signals)
    assert settled(live) == settled(as_meant)
