"""The detector on made-up series whose surges are known."""

import gc
import random
import tracemalloc
from math import pi, sin

import pytest

from streams.surges.detector import SurgeDetector
from streams.surges.past import Past
from streams.surges.verdict import State, Verdict

DAY = 288
"""Slots of five minutes."""


def counts(levels: list[float], spread: float, seed: int) -> list[float]:
    """Counts with these means, and variances `spread` times as large (negative binomial)."""
    chance = random.Random(seed)
    drawn = []
    for level in levels:
        rate = chance.gammavariate(level / (spread - 1.0), spread - 1.0) if level > 0 else 0.0
        count, passed = 0, chance.expovariate(1.0)
        while passed < rate:
            count += 1
            passed += chance.expovariate(1.0)
        drawn.append(float(count))
    return drawn


def days(number: float, level: float) -> list[float]:
    return [level * (1.0 + 0.5 * sin(2.0 * pi * slot / DAY)) for slot in range(round(number * DAY))]


def verdicts(
    values: list[float | None], detector: SurgeDetector | None = None, start: int = 0, interval_s: int = 300
) -> list[Verdict]:
    detector = detector or SurgeDetector(interval_s)
    given = [detector.observe((start + slot) * interval_s * 1_000_000, value) for slot, value in enumerate(values)]
    return [verdict for verdict in given if verdict is not None]


def alarms(found: list[Verdict]) -> list[int]:
    return [slot for slot, verdict in enumerate(found) if verdict.score >= 0.5]


def test_nothing_is_raised_while_warming_and_the_time_left_is_told() -> None:
    found = verdicts([5.0] * 6 + [5_000.0] * 6 + [5.0])
    assert [verdict.state for verdict in found[:12]] == [State.WARMING] * 12
    assert [verdict.warming_s for verdict in found[:3]] == [3_600, 3_300, 3_000]
    assert max(verdict.score for verdict in found[:12]) == 0.0
    assert found[12].state is not State.WARMING
    assert found[12].warming_s == 0


def test_cold_start_finds_a_tenfold_step_two_hours_in() -> None:
    found = verdicts(counts([20.0] * 24 + [200.0] * 3, 2.0, seed=1))
    assert alarms(found)[0] == 24


@pytest.mark.parametrize("level", [5.0, 20.0, 100.0])
def test_a_tenfold_step_is_found_in_its_first_value_and_a_fivefold_one_within_a_quarter_hour(level: float) -> None:
    for factor, late in ((10.0, 0), (5.0, 2)):
        levels = [level] * (8 * DAY) + [factor * level] * 6
        found = verdicts(counts(levels, 2.0, seed=3))
        first = next(slot for slot in alarms(found) if slot >= 8 * DAY)
        assert first - 8 * DAY <= late
        assert found[first].direction == "up"
        assert found[first].onset_slots <= first - 8 * DAY


@pytest.mark.parametrize(("mean", "spread"), [(0.5, 1.3), (1.0, 3.0), (2.0, 10.0), (4.5, 10.0)])
def test_a_tenfold_step_of_few_events_is_found_within_a_quarter_hour(mean: float, spread: float) -> None:
    before = SurgeDetector(300)
    verdicts(counts(days(10, mean), spread, seed=12), before)
    kept, late = before.snapshot(), []
    for seed in range(41):
        after = verdicts(counts([10.0 * mean] * 6, spread, seed=100 + seed), SurgeDetector.restore(kept), 10 * DAY)
        late.append(min(alarms(after), default=9))
    assert sorted(late)[20] <= 3


def test_few_events_in_large_bursts_raise_few_alarms() -> None:
    """Most sums are 0: a level and a spread that were told from them alone had ten alarms a month."""
    raised = 0
    for seed in range(2):
        found = verdicts(counts(days(30, 0.2), 10.0, seed=20 + seed))
        raised += len({slot // 12 for slot in alarms(found) if slot >= 7 * DAY})
    assert raised <= 3


def test_a_lasting_doubling_is_told_once_and_accepted_within_three_days() -> None:
    levels = days(11, 50.0) + [2.0 * level for level in days(5, 50.0)]
    found = verdicts(counts(levels, 3.0, seed=5))
    after = found[11 * DAY :]
    opened = [
        slot for slot, verdict in enumerate(after)
        if verdict.state is State.SURGE and found[11 * DAY + slot - 1].state is not State.SURGE
    ]  # fmt: skip
    assert len(opened) == 1
    assert opened[0] < 6
    assert alarms(after)[-1] < 3 * DAY
    assert after[-1].state is State.NORMAL
    assert after[3 * DAY].expected == pytest.approx(levels[14 * DAY], rel=0.25)


@pytest.mark.parametrize("level", [5.0, 40.0])
def test_quiet_weekends_do_not_become_the_usual_level(level: float) -> None:
    levels = [one * (0.5 if slot // DAY % 7 >= 5 else 1.0) for slot, one in enumerate(days(29, level))]
    raised = {slot // 12 for slot in alarms(verdicts(counts(levels, 2.0, seed=14))) if slot >= 14 * DAY}
    assert len(raised) <= 4


def test_a_lasting_halving_is_accepted() -> None:
    levels = days(10, 50.0) + [0.5 * level for level in days(6, 50.0)]
    found = verdicts(counts(levels, 3.0, seed=5))
    assert found[10 * DAY + 6].direction == "down"
    assert [slot for slot in alarms(found) if slot >= 14 * DAY] == []
    assert found[-1].expected == pytest.approx(levels[-1], rel=0.25)


def test_the_day_after_a_four_hour_surge_the_same_hour_is_judged_alike() -> None:
    levels = days(11, 30.0)
    surges = (9 * DAY + 100, 10 * DAY + 100)
    for surge in surges:
        for slot in range(surge, surge + 48):
            levels[slot] *= 3.0
    found = alarms(verdicts(counts(levels, 3.0, seed=6)))
    first, second = (min(slot for slot in found if slot >= surge) - surge for surge in surges)
    assert first <= 6
    assert second <= 6


def test_silence_is_a_drop_told_once() -> None:
    levels = days(9, 20.0)
    values = counts(levels, 2.0, seed=7)
    values[8 * DAY + 100 : 8 * DAY + 124] = [0.0] * 24
    found = verdicts(values)
    inside = [slot for slot in alarms(found) if 8 * DAY + 100 <= slot < 8 * DAY + 124]
    assert len(inside) == 1
    assert found[inside[0]].direction == "down"
    assert found[8 * DAY + 120].state is State.SURGE


@pytest.mark.parametrize(("interval_s", "least"), [(300, 2), (3_600, 1)])
def test_a_drop_is_told_by_two_values_and_of_hours_by_one(interval_s: int, least: int) -> None:
    detector = SurgeDetector(interval_s)
    values = counts([60.0] * (6 * 86_400 // interval_s), 2.0, seed=4)
    verdicts([*values], detector, interval_s=interval_s)
    silent = verdicts([0.0, 0.0, 0.0], detector, start=len(values), interval_s=interval_s)
    assert next(number for number, verdict in enumerate(silent, 1) if verdict.score >= 0.5) == least
    assert {verdict.direction for verdict in silent} == {"down"}


@pytest.mark.parametrize("scale", [1e4, 1e10, 1e17])
def test_values_of_any_size_are_judged(scale: float) -> None:
    detector = SurgeDetector(300)
    values = [scale * value for value in counts(days(3, 40.0), 2.0, seed=6)]
    found = verdicts([*values], detector)
    assert len(alarms(found)) <= 1
    later = verdicts([4.0 * scale * level for level in days(3.1, 40.0)[-20:]], detector, start=len(values))
    assert any(verdict.score >= 0.5 for verdict in later[:6]) == (scale < 1e15)


def test_missing_slots_are_unknown_not_zero() -> None:
    values: list[float | None] = [*counts(days(9, 20.0), 2.0, seed=7)]
    values[8 * DAY + 100 : 8 * DAY + 124] = [None] * 24
    found = verdicts(values)
    assert [slot for slot in alarms(found) if slot >= 8 * DAY] == []
    assert found[8 * DAY + 124].expected == pytest.approx(found[7 * DAY + 124].expected, rel=0.3)
    # Slots that nobody told of are no different, but for when the past is next looked at.
    detector = SurgeDetector(300)
    told = [detector.observe(slot * 300_000_000, value) for slot, value in enumerate(values) if value is not None]
    last = told[-1]
    assert last is not None
    assert last.expected == pytest.approx(found[-1].expected, rel=0.05)
    assert last.state is found[-1].state


def test_a_slot_judged_before_is_not_judged_again() -> None:
    detector = SurgeDetector(60)
    assert detector.observe(600_000_000, 3) is not None
    assert detector.observe(630_000_000, 90) is None
    assert detector.observe(0, 90) is None


def test_a_restored_detector_goes_on_as_if_nothing_had_happened() -> None:
    values = counts(days(4, 7.0), 2.0, seed=9)
    whole = verdicts([*values])
    for cut in (5, 700, 3 * DAY + 7):
        first = SurgeDetector(300)
        verdicts([*values[:cut]], first)
        kept = first.snapshot()
        assert len(kept) < 10_000
        assert verdicts([*values[cut:]], SurgeDetector.restore(kept), start=cut) == whole[cut:]


def test_a_restored_detector_knows_its_line_and_its_least_unit() -> None:
    first = SurgeDetector(300)
    first.line, first.least_unit = 5.5, 1_000.0
    again = SurgeDetector.restore(first.snapshot())
    assert (again.line, again.least_unit) == (5.5, 1_000.0)


@pytest.mark.parametrize("interval_s", [60, 300, 3_600])
def test_what_overwhelms_is_told_before_the_slot_is_over(interval_s: int) -> None:
    detector = SurgeDetector(interval_s)
    for slot in range(60):
        detector.observe(slot * interval_s * 1_000_000, 10.0 + slot % 5)
    kept = detector.snapshot()
    assert detector.early(11).score < 0.5
    assert detector.early(0).score < 0.5
    assert detector.early(400).score > 0.5
    assert detector.early(400).state is State.SURGE
    # Looking early changes nothing of what is said later.
    undisturbed = SurgeDetector.restore(kept)
    for slot, value in ((60, 400.0), (61, 12.0)):
        at_us = slot * interval_s * 1_000_000
        assert detector.observe(at_us, value) == undisturbed.observe(at_us, value)


def test_money_is_judged_in_lumps_and_fractions_as_what_they_vary_by() -> None:
    people = counts([6.0] * (6 * DAY), 1.5, seed=11)
    people[5 * DAY + 50 : 5 * DAY + 54] = [40.0] * 4
    for unit in (123_45.0, 0.0037):
        found = alarms(verdicts([one * unit for one in people]))
        assert 5 * DAY + 50 in found
        assert len([slot for slot in found if not 5 * DAY + 50 <= slot < 5 * DAY + 80]) <= 1


def test_a_larger_surge_has_a_larger_score_and_none_reaches_one() -> None:
    values = [10.0 + slot % 4 for slot in range(DAY)]
    scores = [verdicts([*values, value])[-1].score for value in (10.0, 60.0, 600.0, 1e6, 1e9)]
    assert scores == sorted(set(scores))
    assert scores[-1] < 1.0


@pytest.mark.parametrize("interval_s", [0, -60, 32 * 86_400])
def test_an_interval_that_makes_no_sense_is_refused(interval_s: float) -> None:
    with pytest.raises(ValueError, match="interval_s"):
        SurgeDetector(interval_s)


@pytest.mark.parametrize("interval_s", [60, 300, 3_600])
def test_a_series_takes_less_than_ten_kilobytes(interval_s: int) -> None:
    made = []
    for _ in range(31):
        if len(made) == 1:  # What all series share is there now.
            gc.collect()
            tracemalloc.start()
        detector = SurgeDetector(interval_s)
        for slot in range(330):
            detector.observe(slot * interval_s * 1_000_000, 300.0 + slot * 7919 % 100)
        made.append(detector)
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    del made[1:], detector
    gc.collect()
    left, _ = tracemalloc.get_traced_memory()  # numpy keeps freed blocks at hand: they are no series'
    tracemalloc.stop()
    assert 2 * 1024 < (used - left) / 30 < 10 * 1024


def test_the_week_is_learnt_of_hours_once_weeks_have_shown_it() -> None:
    levels = [40.0 * (0.2 if hour // 24 % 7 >= 5 else 1.0) for hour in range(9 * 7 * 24)]
    found = verdicts(counts(levels, 2.0, seed=11), SurgeDetector(3_600), interval_s=3_600)
    weeks = [found[week * 168 : week * 168 + 168] for week in range(9)]
    told = [sum(verdict.score >= 0.5 for verdict in week) for week in weeks]
    assert max(told[5:]) <= 2
    sunday = sum(verdict.expected or 0.0 for verdict in weeks[2][-24:])
    assert sunday > 2 * 24 * levels[-1]  # What it is to learn: not known yet.
    for day in range(7):
        expected = sum(verdict.expected or 0.0 for verdict in weeks[-1][24 * day : 24 * day + 24])
        assert expected == pytest.approx(24 * levels[24 * day], rel=0.4), day
    # A weekday's level on a Sunday is a surge, which it could not be if the week were one.
    kept = SurgeDetector(3_600)
    values = counts(levels, 2.0, seed=11)
    values[-24:] = [40.0] * 24
    last = verdicts([*values], kept, interval_s=3_600)[-24:]
    assert any(verdict.score >= 0.5 for verdict in last[:3])
    assert SurgeDetector.restore(kept.snapshot()).snapshot() == kept.snapshot()


def test_weeks_that_are_alike_teach_nothing() -> None:
    grid = SurgeDetector(3_600).grid
    for seed in range(20):
        values = counts([20.0] * (5 * 7 * 24), 4.0, seed)
        past = Past(grid)
        for value in values:
            past.append(value)
        assert not len(past.weekdays.factors)
