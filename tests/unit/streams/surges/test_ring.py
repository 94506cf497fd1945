"""Cells in a ring: what is packed is what was entered."""

import random

import numpy as np
import pytest

from streams.surges.ring import Ring


def entered(ring: Ring, counts: list[float | None], start: int = 0, *, resting: bool = False) -> Ring:
    for number, count in enumerate(counts, start):
        ring.enter(number, count)
        if resting:
            ring.rest()
    return ring


def drawn(cells: int, largest: float, seed: int = 1) -> list[float | None]:
    chance = random.Random(seed)
    return [None if chance.random() < 0.1 else float(int(chance.uniform(0.0, largest))) for _ in range(cells)]


@pytest.mark.parametrize("cells", [30, 101, 500])
def test_a_ring_that_rests_holds_the_same(cells: int) -> None:
    counts = drawn(cells, 200.0)
    plain, resting = entered(Ring(100), counts), entered(Ring(100), counts, resting=True)
    numbers = np.arange(cells - min(cells, 100), cells)
    assert np.array_equal(plain.counts(numbers), resting.counts(numbers), equal_nan=True)
    assert plain.saved() == resting.saved()
    for ring in (plain, resting):
        ring.grow(numbers[:10], 4.0)
    assert np.array_equal(plain.counts(numbers), resting.counts(numbers), equal_nan=True)
    again = Ring(100)
    again.restore(*resting.saved())
    assert again.saved() == plain.saved()


def test_counts_are_told_to_a_thousandth_and_unknown_cells_are_not_zero() -> None:
    counts = drawn(100, 5_000.0)
    held = entered(Ring(100), counts, resting=True).counts(np.arange(100))
    for count, one in zip(counts, held.tolist(), strict=True):
        assert one == pytest.approx(count, rel=1e-3) if count is not None else one != one


def test_a_count_of_any_size_keeps_the_smaller_ones() -> None:
    ring = entered(Ring(10), [3.0, 1e6, 4e9, 1e15, 0.0])
    assert ring.counts(np.arange(4)).tolist() == pytest.approx([3.0, 1e6, 4e9, 1e15], rel=1e-3)
    ring.rest()
    ring.enter(5, 7e15)
    assert ring.counts(np.array([3, 4, 5])).tolist() == pytest.approx([1e15, 0.0, 7e15], rel=1e-3)


def test_unpacked_cells_may_come_in_any_order() -> None:
    ring = Ring(10)
    ring.enter(7, 9.0)
    ring.enter(2, 4.0)
    assert ring.counts(np.array([2, 7])).tolist() == [4.0, 9.0]
