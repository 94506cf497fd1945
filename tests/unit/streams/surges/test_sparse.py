"""Level and spread of counts of which most sums are 0."""

import numpy as np
import pytest

from streams.surges.grid import grid_of
from streams.surges.sparse import cells_of_days, level_of_few


def drawn(mean: float, spread: float, days: int, seed: int) -> np.ndarray:
    chance = np.random.default_rng(seed)
    return chance.poisson(chance.gamma(mean / (spread - 1.0), spread - 1.0, (days, 96))).astype(float)


def test_level_and_spread_are_those_of_drawn_counts() -> None:
    found = [level_of_few(drawn(0.2, 10.0, 10, seed)) for seed in range(200)]
    known = [few for few in found if few is not None]
    assert len(known) == 200
    assert np.mean([few.mean for few in known]) == pytest.approx(0.2, rel=0.2)
    assert np.median([few.spread for few in known]) == pytest.approx(10.0, rel=0.3)


def test_one_day_of_surge_changes_little_and_what_is_unknown_nothing() -> None:
    days = drawn(0.2, 3.0, 10, seed=1)
    usual = level_of_few(days)
    days[4, 20:40] += 30.0
    days[7] = np.nan
    days[8, :48] = np.nan
    found = level_of_few(days)
    assert usual is not None
    assert found is not None
    assert found.mean == pytest.approx(usual.mean, rel=0.4)
    assert found.spread == pytest.approx(usual.spread, rel=0.4)


@pytest.mark.parametrize("days", [np.zeros((5, 96)), np.full((5, 96), np.nan), np.ones((1, 96))])
def test_nothing_is_known_of_nothing(days: np.ndarray) -> None:
    assert level_of_few(days) is None


def test_the_cells_lie_around_the_time_of_day_and_the_newest_are_left_out() -> None:
    places = cells_of_days(grid_of(300), 3 * 288 + 100)
    assert places is not None
    assert places.shape == (3, 96)
    assert places.max() == 2 * 288 + 100 + 47
    assert places.min() == 100 - 48
    assert cells_of_days(grid_of(300), 300) is None
    assert cells_of_days(grid_of(86_400), 300) is None
