"""Quiet weekends, once weeks have shown them: neither their first hour nor Monday's is a surge."""

from math import pi, sin

import numpy as np
import pytest

from streams.surges.detector import SurgeDetector
from streams.surges.grid import grid_of
from streams.surges.weekdays import Weekdays

MONDAY = 4
"""Day since 1970."""
WEEKS = 7


def quiet_weekends(interval_s: int, share: float, level: float, hours_after_midnight: float) -> list[float]:
    """Counts of seven weeks from so many hours after a Monday's midnight on, of variance twice the mean."""
    per_day = 86_400 // interval_s
    slot = np.arange(WEEKS * 7 * per_day) + round(hours_after_midnight * 3_600 / interval_s)
    means = level * (1.0 + 0.5 * np.sin(2.0 * pi * slot / per_day)) * np.where(slot // per_day % 7 >= 5, share, 1.0)
    chance = np.random.default_rng([interval_s, round(share * 100), round(hours_after_midnight)])
    drawn: list[float] = chance.poisson(chance.gamma(means, 1.0)).astype(float).tolist()
    return drawn


@pytest.mark.parametrize("hours_after_midnight", [0.0, 10.6])
@pytest.mark.parametrize(("interval_s", "level"), [(300, 40.0), (3_600, 60.0)])
def test_weekends_that_are_known_raise_nothing(interval_s: int, level: float, hours_after_midnight: float) -> None:
    values = quiet_weekends(interval_s, 0.2, level, hours_after_midnight)
    detector = SurgeDetector(interval_s)
    start = MONDAY * 86_400 + round(hours_after_midnight * 3_600)
    told = 0
    for number, value in enumerate(values):
        verdict = detector.observe((start + number * interval_s) * 1_000_000, value)
        assert verdict is not None
        known = number >= 5 * 7 * 86_400 // interval_s
        told += known and verdict.score >= 0.5
        if known and verdict.expected is not None:
            at = start + number * interval_s
            level_now = level * (1.0 + 0.5 * sin(2.0 * pi * at / 86_400))
            usual = level_now * (0.2 if (at // 86_400 - MONDAY) % 7 >= 5 else 1.0)
            assert 0.4 * usual - 3.0 < verdict.expected < 2.0 * usual + 3.0
    assert told <= 2


def test_parts_of_the_week_begin_at_midnight_whenever_the_series_did() -> None:
    grid = grid_of(3_600)
    weekdays = Weekdays(grid)
    weekdays.origin = MONDAY * 24 + 10
    ends = [number for number in range(30) if weekdays.ends_part(number)]
    assert ends == [2, 8, 14, 20, 26]


def test_what_is_known_of_the_week_is_kept() -> None:
    detector = SurgeDetector(3_600)
    for number, value in enumerate(quiet_weekends(3_600, 0.2, 60.0, 5.0)):
        detector.observe((MONDAY * 24 + 5 + number) * 3_600_000_000, value)
    kept = SurgeDetector.restore(detector.snapshot())
    assert kept.snapshot() == detector.snapshot()
