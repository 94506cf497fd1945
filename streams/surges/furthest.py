"""Which of the sums over several lengths deviates most from what was expected, upwards and downwards."""

from collections.abc import Sequence
from functools import cache
from math import sqrt
from typing import Final, NamedTuple

from streams.surges.cell_sums import ROOT_SHIFT
from streams.surges.deviation import deviate_above, deviate_below
from streams.surges.grid import COARSE_CELL_S, WINDOWS, Grid
from streams.surges.recent import Recent

LONG_CELLS: Final = 6
"""Sums of so many cells and more count only while their last quarter is itself raised: a burst that is over is no
news."""
RAISED: Final = 1.5
DROP_CELLS: Final = 2
"""A drop is told by sums of so many cells at least, as feeds stutter; of hours and longer by one."""


class Window(NamedTuple):
    """A window as it is judged: `share` of the expected sum in `column`; `quarter`: number of a window, or -1;
    `drops`: it may tell a drop."""

    number: int
    slots: int
    column: int
    share: float
    quarter: int
    drops: bool


class Furthest(NamedTuple):
    """The largest deviates on both sides, with the numbers of their windows, and those of all windows."""

    up: float
    up_number: int
    down: float
    down_number: int
    deviates: list[float]


@cache
def windows_of(grid: Grid) -> tuple[Window, ...]:
    """The windows of a grid, shortest first."""
    short = grid.window_cells.count(0)
    least = 1 if grid.per_cell * grid.interval_s >= COARSE_CELL_S else DROP_CELLS
    plan = []
    for number, (slots, cells) in enumerate(zip(grid.windows, grid.window_cells, strict=True)):
        column = max(0, number - short)
        quarter = -1
        if cells >= LONG_CELLS:
            most = max(slots / 4.0, grid.per_cell)
            quarter = max(k for k, shorter in enumerate(grid.windows[:number]) if shorter <= most)
        share = slots / (WINDOWS[column] * grid.per_cell)
        plan.append(Window(number, slots, column, share, quarter, cells >= least))
    return tuple(plan)


def furthest(
    windows: tuple[Window, ...], recent: Recent, means: Sequence[float], spreads: Sequence[float], unit: float
) -> Furthest:
    """How far the newest sums lie from what was expected of them.

    Args:
        means, spreads: by column: expected events of a whole sum, NaN where nothing is known; variance over mean.
        unit: what counts as one event.
    """
    sums, counts = recent.sums, recent.known
    whole = not recent.unknown
    deviates = [0.0] * len(sums)
    up = down = 0.0
    up_number = down_number = 0
    for number, slots, column, share, quarter, drops in windows:
        mean = means[column]
        if mean != mean:
            continue
        spread = spreads[column]
        if share != 1.0:
            mean *= share
        count = sums[number] / unit
        if not whole:
            known = counts[number]
            if known < slots:
                if 2 * known < slots:
                    continue
                missing = slots / known
                count *= missing
                spread *= missing
        deviate = 2.0 * (sqrt(count + ROOT_SHIFT) - sqrt(mean + ROOT_SHIFT)) / sqrt(spread)
        if deviate > RAISED:
            deviate = deviates[number] = deviate_above(count, mean, spread)
            if deviate > up and (quarter < 0 or deviates[quarter] > RAISED):
                up, up_number = deviate, number
        elif deviate < -RAISED:
            deviate = deviates[number] = deviate_below(count, mean, spread)
            if deviate < down and drops and (quarter < 0 or deviates[quarter] < -RAISED):
                down, down_number = deviate, number
    return Furthest(up, up_number, down, down_number, deviates)
