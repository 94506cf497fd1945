"""Quiet nights: where they begin and end, the hours beside them are no guide."""

import numpy as np
import pytest

from streams.surges.detector import SurgeDetector
from streams.surges.same_time import same_time_of, unless_another


def counted_days(interval_s: int, days: int, levels: np.ndarray, seed: int) -> list[float]:
    """Counts around the same levels every day, of variance twice the mean."""
    means = np.tile(levels, days)
    chance = np.random.default_rng(seed)
    drawn: list[float] = chance.poisson(chance.gamma(means + 1e-9, 1.0)).astype(float).tolist()
    return drawn


@pytest.mark.parametrize(
    ("interval_s", "days", "shape"),
    [(300, 14, "office"), (300, 14, "sine"), (3_600, 30, "office")],
)
def test_nights_in_which_nothing_comes_are_no_drops(interval_s: int, days: int, shape: str) -> None:
    hours = np.arange(0.0, 24.0, interval_s / 3_600)
    open_at = np.where((hours >= 8) & (hours < 18), 40.0, 0.0)
    levels = open_at if shape == "office" else 30.0 * np.clip(np.sin(hours / 24 * 2 * np.pi - 1), 0.0, None)
    detector = SurgeDetector(interval_s)
    told = []
    for slot, value in enumerate(counted_days(interval_s, days, levels, seed=3)):
        verdict = detector.observe(slot * interval_s * 1_000_000, value)
        if slot >= 4 * len(hours) and verdict is not None and verdict.score >= 0.5:
            told.append(slot // len(hours))
    assert len(set(told)) <= 1
    # A night in which as many come as by day is a surge, and an office hour without anybody a drop.
    slot = days * len(hours)
    at_night = [detector.observe((slot + more) * interval_s * 1_000_000, 40.0) for more in range(3)]
    assert any(verdict is not None and verdict.score >= 0.5 for verdict in at_night)


def test_levels_of_other_times_are_believed_unless_the_same_time_is_plainly_another() -> None:
    chance = np.random.default_rng(2)
    counts = chance.poisson(np.array([6.0, 6.0, 0.0])[:, None, None], (3, 10, 3)).astype(float)
    counts[0, 4] = 500.0  # A surge on one day.
    roots = 2.0 * np.sqrt(np.concatenate([counts, counts]) + 0.375)
    same = same_time_of(roots, 1, 1)

    def believed(level: float, number: int) -> float:
        found, spread = unless_another(np.array([level]), np.array([1.5]), same, number)
        assert (spread[0] == 1.5) == (found[0] == level)
        return float(found[0])

    assert believed(6.0, 0) == 6.0
    assert believed(6.0, 1) == 6.0
    assert believed(6.0, 2) == 0.0
    assert believed(0.4, 2) == 0.4  # Ten empty looks do not say so.
    assert believed(1.0, 1) == pytest.approx(6.0, rel=0.3)


def test_unknown_days_tell_nothing() -> None:
    roots = np.full((6, 4, 3), np.nan)
    same = same_time_of(roots, 1, 1)
    assert unless_another(np.array([300.0]), np.array([1.5]), same, 0) == (np.array([300.0]), np.array([1.5]))
