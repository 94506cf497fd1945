"""The level of the last day: which hours it is taken from, and how much of it is believed."""

import numpy as np
import pytest

from streams.surges.grid import grid_of
from streams.surges.last_day import growth_of_last_day, hours_of_days
from streams.surges.past import Past

FIVE_MINUTES = grid_of(300)
CALM = np.sqrt(np.full(6, 2.0))
WANDERING = np.sqrt(np.array([2.0, 2.5, 3.0, 5.0, 9.0, 16.0]))


def hours(last: float, before: float, days: int = 9, seed: int = 1) -> np.ndarray:
    chance = np.random.default_rng(seed)
    levels = np.full((days + 1, 18), before)
    levels[0] = last
    return chance.poisson(levels).astype(float)


def test_the_hours_are_those_of_the_last_day_but_the_newest_six() -> None:
    places = hours_of_days(FIVE_MINUTES, 5 * 288)
    assert places is not None
    assert places.shape == (5, 18, 12)
    assert (places[0].min(), places[0].max()) == (4 * 288, 5 * 288 - 72 - 1)
    assert (places[1] == places[0] - 288).all()


@pytest.mark.parametrize(
    ("interval_s", "known"), [(300, 3 * 288), (86_400, 40), (7_200, 400), (300.7, 4_000)]
)  # fmt: skip
def test_there_are_none_with_few_days_and_without_hours_of_the_day(interval_s: float, known: int) -> None:
    assert hours_of_days(grid_of(interval_s), known) is None


def test_calm_counts_move_their_level() -> None:
    grown = [growth_of_last_day(hours(220.0, 200.0, seed=seed), CALM) for seed in range(30)]
    assert 1.085 < np.mean(grown) < 1.11
    same = [growth_of_last_day(hours(200.0, 200.0, seed=seed), CALM) for seed in range(30)]
    assert abs(np.mean(same) - 1.0) < 0.01


def test_counts_that_wander_and_few_counts_keep_the_level_of_ten_days() -> None:
    assert abs(growth_of_last_day(hours(220.0, 200.0), WANDERING) - 1.0) < 0.02
    assert abs(growth_of_last_day(hours(0.44, 0.4), CALM) - 1.0) < 0.02


@pytest.mark.parametrize("last", [400.0, 90.0])
def test_another_level_is_not_followed_but_told(last: float) -> None:
    assert growth_of_last_day(hours(last, 200.0), CALM) == 1.0


def test_a_surge_of_some_hours_leaves_it_alone() -> None:
    counts = hours(200.0, 200.0)
    usual = growth_of_last_day(counts.copy(), CALM)
    counts[0, :3] *= 10.0
    assert abs(growth_of_last_day(counts, CALM) - usual) < 0.02


def test_unknown_hours_are_left_out() -> None:
    counts = hours(220.0, 200.0)
    counts[0, :9] = np.nan
    assert 1.05 < growth_of_last_day(counts.copy(), CALM) < 1.15
    counts[0, :13] = np.nan
    assert growth_of_last_day(counts, CALM) == 1.0


def test_what_is_expected_moves_with_the_last_day() -> None:
    chance = np.random.default_rng(3)
    past, moved = Past(FIVE_MINUTES), Past(FIVE_MINUTES)
    for day in range(11):
        for count in chance.poisson(20.0, 288).tolist():
            past.append(count)
            moved.append(count * 1.2 if day == 10 else count)
    usual, expected = (one.expect()[0, 0, 5] / 24.0 for one in (past, moved))
    assert abs(usual - 20.0) < 1.0
    assert 1.12 < expected / usual < 1.25
