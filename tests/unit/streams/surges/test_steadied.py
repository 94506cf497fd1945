"""Spreads of few sums differ by chance, and are not believed; a spread of many that differs is."""

import numpy as np
import pytest

from streams.surges.inner_parts import centre_and_spread
from streams.surges.steadied import noise_of_few, steadied


@pytest.mark.parametrize(("sums", "most"), [(3, 0.25), (9, 0.1)])
def test_spreads_that_differ_by_chance_are_drawn_together(sums: int, most: float) -> None:
    chance = np.random.default_rng(5)
    memory = np.zeros((3, 1))
    measured, drawn = [], []
    for _ in range(400):
        spread = np.exp(chance.normal(0.5, np.sqrt(1.0 / sums), 1))
        measured.append(np.log(spread[0]))
        drawn.append(np.log(steadied(memory, spread, np.array([1.0 / sums]), 71 / 72)[0]))
    assert np.var(drawn[100:]) < most * np.var(measured[100:])
    assert np.mean(drawn[100:]) == pytest.approx(0.5, abs=0.1)


def test_a_restless_evening_is_believed_where_many_sums_show_it() -> None:
    memory = np.zeros((3, 1))
    for look in range(480):
        usual = 3.0 if look % 48 >= 36 else 1.0
        drawn = steadied(memory, np.array([usual]), np.array([0.0045]), 143 / 144)
    assert drawn[0] == pytest.approx(3.0, rel=0.05)


def test_what_is_unknown_changes_nothing() -> None:
    memory = np.zeros((3, 1))
    steadied(memory, np.array([2.0]), np.array([0.0045]), 143 / 144)
    before = memory.copy()
    drawn = steadied(memory, np.array([np.nan]), np.array([0.0045]), 143 / 144)
    assert np.array_equal(memory, before)
    assert drawn[0] == pytest.approx(2.0)


def test_the_noise_of_few_sums_is_that_of_drawn_ones() -> None:
    chance = np.random.default_rng(3)
    days = 5
    for length in (1, 3, 6):
        cells = np.cumsum(chance.normal(size=(2_000, days, 3 + length)), axis=2)
        _, spreads = centre_and_spread((cells[:, :, length:] - cells[:, :, :-length]).reshape(2_000, -1))
        noise = noise_of_few(3, np.array([float(length)]))[0] / days
        assert np.log(spreads).var() == pytest.approx(noise, rel=0.4)
        # A sum of so many has a standard deviation of the root of it.
        assert np.log(spreads / length**0.5).mean() == pytest.approx(-noise, abs=0.05)
