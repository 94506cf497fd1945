"""Mentions that come before losses are told to, by as much as they do; others are not."""

import random

from streams.ledger.rules import DAY, HOUR
from streams.surges.counting import Count
from streams.surges.hourly import HourlyCounts
from streams.surges.series import series
from streams.surges.tie import LEAST_HOURS, tie_of

HOURS = 28 * 24


def troubles(seed: int, every: int = 60) -> list[int]:
    draw = random.Random(seed)
    return sorted(draw.sample(range(80, HOURS - 100), HOURS // every))


def counts(bursts: list[int], shift: int, *, usual: float, more: float, seed: int) -> dict[int, float]:
    draw = random.Random(seed)
    found = {}
    for hour in range(HOURS):
        rate = usual + more * sum(0 <= hour - burst - shift < 4 for burst in bursts)
        found[hour * HOUR] = float(sum(draw.random() < rate / 40 for _ in range(40)))
    return found


def test_mentions_that_lead_by_nine_hours_are_told_to():
    bursts = troubles(1)
    tie = tie_of(
        counts(bursts, 0, usual=2, more=12, seed=2), counts(bursts, 9, usual=1, more=6, seed=3), 0, HOURS * HOUR
    )
    assert tie is not None
    assert abs(tie.lead_h - 9) <= 1
    assert tie.lead_low_h <= 9 <= tie.lead_high_h
    assert 0 < tie.strength_low < tie.strength < tie.strength_high < 1
    assert tie.lead_high_h - tie.lead_low_h <= 6


def test_nothing_is_said_where_losses_come_first_or_at_once():
    bursts = troubles(1)
    for shift in (-9, 0):
        said, lost = counts(bursts, 0, usual=2, more=12, seed=2), counts(bursts, shift, usual=1, more=6, seed=3)
        assert tie_of(said, lost, 0, HOURS * HOUR) is None


def test_nothing_is_said_of_troubles_that_have_nothing_to_do_with_each_other():
    said_something = 0
    for seed in range(20):
        said = counts(troubles(seed), 0, usual=2, more=12, seed=seed + 100)
        lost = counts(troubles(seed + 50), 0, usual=1, more=6, seed=seed + 200)
        said_something += tie_of(said, lost, 0, HOURS * HOUR) is not None
    assert said_something <= 1


def test_nothing_is_said_of_little_data():
    bursts = troubles(1)
    said, lost = counts(bursts, 0, usual=2, more=12, seed=2), counts(bursts, 9, usual=1, more=6, seed=3)
    assert tie_of(said, lost, 0, (LEAST_HOURS - 1) * HOUR) is None
    assert tie_of({}, lost, 0, HOURS * HOUR) is None
    few = dict(list(lost.items())[:20])
    assert tie_of(said, few, 0, HOURS * HOUR) is None


def test_hours_are_counted_by_topic_and_reason_and_survive_a_restart():
    bursts = troubles(1)
    hourly = HourlyCounts()
    said, lost = counts(bursts, 0, usual=2, more=12, seed=2), counts(bursts, 9, usual=1, more=6, seed=3)
    unhappy, losses = series("unhappy_mentions", brand="acme"), series("lost_customers")
    for hour in said:
        hourly.add(Count(hour, (unhappy,), said[hour], (("channel", "call"), ("topic", "price"))))
        hourly.add(Count(hour + HOUR // 2, (losses,), lost[hour], (("reason", "price"), ("kind", "voluntary"))))
    again = HourlyCounts()
    for hour in hourly.changed:
        again.restore(hour, hourly.saved(hour))
    for counted in (hourly, again):
        ((topic, tie),) = counted.ties(HOURS * HOUR)
        assert topic == "price"
        assert tie == tie_of(said, lost, 0, HOURS * HOUR)
    assert len(again.forget(HOURS * HOUR + DAY)) == 24
