"""Buckets give the same whenever they are asked."""

from collections import Counter
from random import Random

import pytest

from streams.ledger.rules import DAY, HOUR, MINUTE
from streams.tables import buckets as module
from streams.tables.buckets import DAYS, EVER, HOURS, MINUTES, Bucket, Buckets, Retention
from streams.tables.calendar import calendar_of
from streams.tables.cells import EXPANSION, GONE, Addition, Cell
from streams.tables.windows import BEGINNING

SOME_DAY = 1_740_960_000_000_000


def all_of(buckets: Buckets) -> list[object]:
    """Every bucket of every level, in no order of cells."""
    found: list[object] = []
    for level in (buckets.minutes, buckets.hours, buckets.days):
        opened = {start: Bucket.of(bucket) for start, bucket in level.items()}
        found.append({start: (bucket.plain, bucket.paired) for start, bucket in opened.items()})
    ever = next(iter(buckets.within(BEGINNING, SOME_DAY)))
    return [*found, ever.plain, ever.paired]


def some_additions(random: Random) -> list[Addition]:
    found: list[Addition] = []
    for _ in range(random.randrange(1, 6)):
        paired = random.random() < 0.4
        numbers = (random.randrange(3),) if paired else ()
        cell: Cell = (GONE if paired else EXPANSION, random.choice("AB"), "", "", "", "", "", numbers)
        found.append((cell, random.choice((1, -1)), random.choice((0, 5, -5))))
    return found


@pytest.mark.parametrize("seed", range(20))
def test_asked_in_between_or_at_the_end(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_COMING", 40)
    random = Random(seed)
    calendar = calendar_of("America/St_Johns")
    often, late = Buckets(calendar, Retention()), Buckets(calendar, Retention())
    for step in range(60):
        level = random.choice((MINUTES, MINUTES, HOURS, DAYS, EVER))
        at = SOME_DAY + random.randrange(3 * DAY // MINUTE) * MINUTE
        start = at if level == MINUTES else calendar.hour_start(at) if level == HOURS else calendar.day_start(at)
        additions = some_additions(random)
        for buckets in (often, late):
            buckets.add_all(level, start, additions)
        asked = [(b.plain, b.paired) for b in often.within(at - HOUR, at + HOUR)]
        if level == MINUTES and step == 0:
            assert asked, "what has just come is there"
        if step == 40:
            for buckets in (often, late):
                buckets.forget(SOME_DAY + 4 * DAY)
    assert all_of(often) == all_of(late)
    assert any(all_of(late)[:3])


def test_what_is_forgotten_does_not_come_back() -> None:
    buckets = Buckets(calendar_of("UTC"), Retention())
    buckets.add_all(MINUTES, SOME_DAY, [((EXPANSION, "A", "", "", "", "", "", ()), 1, 1)])
    buckets.forget(SOME_DAY + 4 * DAY)
    assert not buckets.minutes
    assert SOME_DAY in buckets.hours


@pytest.mark.parametrize("seed", range(20))
def test_spans_that_meet_hold_together_what_the_span_over_both_holds(seed: int) -> None:
    random, calendar = Random(seed), calendar_of("Europe/Berlin")
    buckets = Buckets(calendar, Retention())
    for _ in range(80):
        level = random.choice((MINUTES, MINUTES, HOURS, DAYS))
        at = SOME_DAY + random.randrange(3 * DAY // MINUTE) * MINUTE
        start = at if level == MINUTES else calendar.hour_start(at) if level == HOURS else calendar.day_start(at)
        buckets.add_all(level, start, some_additions(random))

    def held(first: int, last: int) -> Counter[tuple[Cell, int]]:
        sums: Counter[tuple[Cell, int]] = Counter()
        for bucket in buckets.within(first, last):
            for cell, customers, value in bucket.additions():
                sums[cell, 0] += customers
                sums[cell, 1] += value
        return sums

    for _ in range(40):
        places = [SOME_DAY - DAY + random.randrange(5 * DAY // MINUTE) * MINUTE for _ in range(2)]
        first, middle, last = sorted([*places, random.choice((places[0], calendar.hour_start(places[1])))])
        parts = held(first, middle)
        parts.update(held(middle, last))
        assert {key: sum_ for key, sum_ in parts.items() if sum_} == {
            key: sum_ for key, sum_ in held(first, last).items() if sum_
        }
