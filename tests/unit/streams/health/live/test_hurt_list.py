"""Numbers of health drawn at random and opened: the list is as long as the number says."""

from collections import Counter
from random import Random

import pytest

from streams.drilldown.numbers import CannotOpen
from streams.health.customers import Profile
from streams.health.live.books import HealthBooks
from streams.health.live.hurt_list import HealthNumber, HurtList
from streams.health.live.known import Held
from streams.health.live.running import WINDOWS
from tests.unit.streams.health.live.company_of_books import Base, LiveHealth
from tests.unit.streams.health.signalling import START, definitions, signal

CELLS = 1000
MINUTE_MS = 60_000


def a_day(seed: int) -> LiveHealth:
    """Thirty hours of four partitions: some customers unknown, some signals for several, some late."""
    chance = Random(seed)
    known = {f"c{n}": Held(Profile(f"s{n % 3}", f"r{n % 2}"), 1000 + n) for n in range(0, 90, 2)}
    live = LiveHealth(definitions(), 4, Base(known))
    documents = [
        signal(
            n, chance.choice((chance.uniform(0, 1800), chance.uniform(1700, 1800), chance.uniform(1793, 1800))),
            f"c{chance.randrange(90)}", ok=chance.random() < 0.7, stage=chance.choice(("checkout", "search")),
            service=chance.choice(("shop", "app")), attributes={"segment": f"own{n % 2}"},
            **({"customers": chance.randrange(2, 9)} if chance.random() < 0.2 else {}),
        )
        for n in range(1500)
    ]  # fmt: skip
    documents.sort(key=lambda one: one["at"] + chance.choice((0, 0, 40 * MINUTE_MS)))
    for start in range(0, len(documents), 500):
        live.send(documents[start : start + 500])
        live.tick()
    live.settle()
    return live


def listed(books: list[HealthBooks], number: HealthNumber) -> dict[str, HurtList]:
    """Every customer behind a number, with the list that has it."""
    found: dict[str, HurtList] = {}
    for one in books:
        made = one.hurt_list(number)
        for minute in made.minutes:
            made.look(minute)
        assert not found.keys() & made.found.keys()
        found |= dict.fromkeys(made.found, made)
    return found


def draw(chance: Random, live: LiveHealth) -> HealthNumber:
    window = chance.choice(list(WINDOWS))
    scope = chance.choice(list(live.company.windows.rows("24h")))._asdict()
    if chance.random() < 0.2:
        scope |= {"segment": "nobody", "region": "nowhere"}
    return HealthNumber(window, **scope)


@pytest.mark.parametrize("is_restored", [False, True])
def test_a_list_is_as_long_as_its_number(is_restored: bool) -> None:
    chance, opened = Random(5), Counter[str]()
    live = a_day(1)
    books = live.books
    if is_restored:
        # As a worker sees partitions of others: out of their changelog, counted up to the company's clock.
        for number in range(4):
            live.crash(number)
            while live.books[number].advance(live.company.clock):
                pass
        books = live.books
    lists: dict[HealthNumber, dict[str, HurtList]] = {}
    for _ in range(CELLS):
        number = draw(chance, live)
        number.check(live.company.windows.kinds)
        found = lists[number] if number in lists else lists.setdefault(number, listed(books, number))
        customers = sum(made.found[name].stands_for for name, made in found.items())
        assert customers == number.counted(live.company), number
        opened[number.window] += bool(found)
    assert set(opened) == set(WINDOWS)
    assert min(opened.values()) > 20


def test_a_line_tells_when_where_and_for_how_many() -> None:
    live = LiveHealth(definitions(), 1, Base({"a": Held(Profile("gold", "north"), 900)}))
    live.send([
        signal(1, 0, "a", ok=False), signal(2, 1, "a"), signal(3, 2, "a", ok=False, stage="search"),
        signal(4, 2, "b", ok=False, customers=5), signal(5, 30, "a", ok=False), signal(6, 31, "c"),
    ])  # fmt: skip
    live.settle()
    found = listed(live.books, HealthNumber("1h"))
    hurt, first = found["a"].found["a"], START // MINUTE_MS
    assert (hurt.first - first, hurt.last - first, hurt.minutes, hurt.stands_for) == (0, 30, 3, 1)
    assert hurt.kinds == {("shop", "checkout"): first, ("shop", "search"): first + 2}
    assert hurt.scope.segment == "gold"
    assert {name: made.found[name].stands_for for name, made in found.items()} == {"a": 1, "b": 5}
    spells = [one for one in live.books[0].disruptions("a") if one is not None]
    assert sorted((one.kind[1], one.first - first, one.last - first, one.minutes) for one in spells) == [
        ("checkout", 0, 0, 1), ("checkout", 30, 30, 1), ("search", 2, 2, 1),
    ]  # fmt: skip
    assert list(live.books[0].disruptions("nobody")) == []


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (HealthNumber("30d"), "for the windows 5m, 1h, 24h"),
        (HealthNumber("1h", service="ship"), "no signal has named the service 'ship'; there are shop"),
        (HealthNumber("1h", stage="pay"), "no signal has named the stage 'pay'; there are checkout"),
    ],
)
def test_what_is_not_there_is_named(number: HealthNumber, says: str) -> None:
    with pytest.raises(CannotOpen, match=says):
        number.check([("shop", "checkout")])
