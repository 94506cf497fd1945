"""How a surge goes on, told from the counts of the newest minutes."""

import random

import pytest

from streams.ledger.rules import MINUTE
from streams.surges import course as course_of
from streams.surges.course import EASING, GROWING, STEADY, RecentCounts
from streams.surges.series import series

KEY, OTHER = series("lost_customers"), series("lost_customers", segment="A")
START = 1_000_000 * MINUTE


def counted(rates: list[float], lump: float = 1.0) -> RecentCounts:
    """Counts of ten minutes at each rate."""
    draw, recent = random.Random(1), RecentCounts()
    for minute in range(10 * len(rates)):
        rate = rates[minute // 10]
        number = sum(draw.random() < rate / 20 for _ in range(20))
        recent.add(START + minute * MINUTE, {KEY: number * lump, OTHER: 1000.0})
    return recent


@pytest.mark.parametrize(
    ("rates", "course"), [([1, 1, 6], GROWING), ([6, 6, 1], EASING), ([6, 6, 6], STEADY), ([0, 0, 0], STEADY)]
)
@pytest.mark.parametrize("lump", [1.0, 25_000.0])
def test_ten_minutes_against_the_ten_before(rates: list[float], course: int, lump: float) -> None:
    clock = START + 30 * MINUTE
    assert counted(rates, lump).course(KEY, clock, 300, lump) == course


def test_the_running_minute_counts_as_it_stands() -> None:
    recent, clock = counted([1, 1]), START + 20 * MINUTE
    assert recent.course(KEY, clock, 300) == STEADY
    recent.note_running(clock, {KEY: 60.0})
    assert recent.course(KEY, clock, 300) == GROWING
    assert recent.course(KEY, clock + MINUTE, 300) == STEADY


def test_one_more_is_chance_and_an_unknown_series_is_steady() -> None:
    recent = RecentCounts()
    recent.add(START, {KEY: 2.0})
    recent.add(START + 10 * MINUTE, {KEY: 3.0})
    assert recent.course(KEY, START + 20 * MINUTE, 300) == STEADY
    assert recent.course(series("lost_value"), START + 20 * MINUTE, 300) == STEADY


def test_surges_told_by_hours_are_looked_at_over_hours() -> None:
    recent = RecentCounts()
    for minute in range(360):
        recent.add(START + minute * MINUTE, {KEY: 1.0 if minute >= 180 else 0.1})
    clock = START + 360 * MINUTE
    assert recent.course(KEY, clock, 3600) == GROWING
    assert recent.course(KEY, clock, 300) == STEADY


def test_of_very_many_series_too_few_minutes_are_held_to_say_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course_of, "MOST_HELD", 30)
    few, many = counted([1, 1, 6]), RecentCounts()
    assert few.course(KEY, START + 30 * MINUTE, 300) == STEADY
    for minute in range(0, 30, 3):
        many.add(START + minute * MINUTE, {KEY: 1.0 if minute < 21 else 60.0})
    assert many.course(KEY, START + 30 * MINUTE, 300) == GROWING
