"""The cumulative likelihood ratio: its limit is passed as rarely as it says, and it learns bursts that last."""

from math import exp

import numpy as np
import pytest

from streams.surges.cusum import FIRST_EXCESS, USUAL_EXCESS, Cusum, limit_of, log_ratio


def passed(counts: list[float], mean: float, spread: float, limit: float) -> list[int]:
    """Slots at which a sum passes the limit."""
    cusum, found = Cusum(), []
    for slot, count in enumerate(counts):
        total, slots = cusum.with_slot(count, mean, spread, limit)
        cusum.move(total, slots, learn_up_to=limit)
        if total >= limit:
            found.append(slot)
    return found


def drawn(mean: float, spread: float, number: int, seed: int = 4) -> list[float]:
    chance = np.random.default_rng(seed)
    return chance.poisson(chance.gamma(mean / (spread - 1.0), spread - 1.0, number)).astype(float).tolist()


def test_the_ratio_is_that_of_two_negative_binomials() -> None:
    def chances(mean: float, spread: float) -> np.ndarray:
        size, found = mean / (spread - 1.0), [spread ** (-mean / (spread - 1.0))]
        for count in range(1, 60):
            found.append(found[-1] * (count - 1 + size) / count * (spread - 1.0) / spread)
        return np.array(found)

    seen = [log_ratio(float(count), 0.7, 2.5) for count in range(60)]
    assert np.exp(seen) == pytest.approx(chances(7.0, 2.5) / chances(0.7, 2.5))


@pytest.mark.parametrize(("mean", "spread"), [(0.2, 1.3), (0.2, 10.0), (2.0, 3.0), (4.0, 10.0)])
def test_the_limit_is_passed_no_more_often_than_it_says(mean: float, spread: float) -> None:
    limit = 6.0
    found = passed(drawn(mean, spread, 40_000), mean, spread, limit)
    assert 0 < len(found) <= 40_000 / exp(limit)


def test_the_limit_is_that_of_the_line() -> None:
    assert exp(limit_of(4.65, 1)) == pytest.approx(8_640, rel=0.01)
    assert exp(limit_of(4.65, 5)) == pytest.approx(5 * 8_640, rel=0.01)
    assert limit_of(60.0, 1) > limit_of(6.0, 1) > limit_of(5.0, 1)


def test_many_slots_with_a_burst_each_say_more_than_one_large_burst() -> None:
    limit = limit_of(4.65, 1)
    assert passed([10.0] * 8, 0.5, 10.0, limit)
    assert not passed([80.0] + [0.0] * 7, 0.5, 10.0, limit)


def test_bursts_that_last_move_the_limit_out_and_counts_that_do_not_bring_it_back() -> None:
    cusum = Cusum()
    assert cusum.limit(4.65, 1) == pytest.approx(limit_of(4.65, 1) * FIRST_EXCESS / USUAL_EXCESS)
    for total in (3.0, 8.0):
        before = cusum.limit(4.65, 1)
        for _ in range(300):
            cusum.move(total, 1, learn_up_to=9.0)
        assert (cusum.limit(4.65, 1) > before) is (total > 5.0)
    again = Cusum()
    again.restore(cusum.state())
    assert again.limit(4.65, 1) == cusum.limit(4.65, 1) > 1.5 * limit_of(4.65, 1)
    cusum.move(1e9, 1)
    assert cusum.excess == again.excess  # a surge teaches nothing
