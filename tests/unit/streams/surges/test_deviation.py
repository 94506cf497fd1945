"""The deviates against exact sums over the negative binomial."""

from math import exp, lgamma, log
from statistics import NormalDist

import pytest

from streams.surges.deviation import deviate_above, deviate_below

NORMAL = NormalDist()


def chance(count: int, mean: float, spread: float) -> float:
    size = mean / (spread - 1.0)
    return exp(
        lgamma(count + size) - lgamma(size) - lgamma(count + 1) - size * log(spread) + count * log(1 - 1 / spread)
    )


@pytest.mark.parametrize(
    ("count", "mean", "spread"),
    [(6, 0.2, 1.5), (12, 2, 1.2), (40, 2, 5), (50, 20, 3), (90, 20, 3), (180, 100, 4), (250, 100, 4)],
)
def test_above_is_as_unlikely_as_the_exact_tail(count: int, mean: float, spread: float) -> None:
    tail = sum(chance(more, mean, spread) for more in range(count, count + 3000))
    assert deviate_above(count, mean, spread) == pytest.approx(-NORMAL.inv_cdf(tail), abs=0.03)


@pytest.mark.parametrize(
    ("count", "mean", "spread"), [(2, 20, 3), (10, 20, 3), (40, 100, 4), (0, 5, 1.1), (1, 5, 1.1)]
)
def test_below_is_as_unlikely_as_the_exact_tail(count: int, mean: float, spread: float) -> None:
    tail = sum(chance(fewer, mean, spread) for fewer in range(count + 1))
    assert deviate_below(count, mean, spread) == pytest.approx(NORMAL.inv_cdf(tail), abs=0.03)


def test_what_was_expected_deviates_by_nothing() -> None:
    assert abs(deviate_above(100, 100, 3)) < 0.1
    assert deviate_above(0, 0.5, 2) < 0
