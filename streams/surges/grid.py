"""How a series lies in time: slots, cells and seasons, all whole numbers from the first value on.

A *slot* is the interval of the series: one value. A *cell* is what the past keeps: one slot, or as many short ones as
make about five minutes. A *season* is after how many cells the series may look alike again: a day, or a week where
the cells are days.
"""

from dataclasses import dataclass
from functools import cache

DAY_S = 86_400
CELL_S = 300
"""Shorter slots are kept in cells of this length: ten days of minutes would not fit into the memory of a series."""
MOST_CELLS = 2_880
"""Cells of the past kept: ten days of five minutes."""
MOST_CELLS_OF_SHORT_SLOTS = 2_016
"""A week of them where the newest slots, many of them, must be kept too: 10 kB are the limit of a series."""
MOST_SEASONS = 28
NEAR_S = 2_700
"""Same time of day: three quarters of an hour either side."""
RENEW_S = 1_800
WINDOWS = (1, 2, 3, 6, 12, 24)
"""Cells of the sums that are compared."""
COARSE_CELL_S, COARSE_WINDOWS = 3_600, 4
"""Of hours and longer only the shorter sums are judged: a surge of a day is a new level."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The lengths that follow from the interval.

    Attributes:
        interval_s: of a slot, seconds.
        per_cell: slots in a cell.
        per_day: cells in a day, at least 1.
        season: cells after which the time of day (or the day of the week) is the same; 0 without seasons.
        seasons: how many of them the past holds.
        near: cells either side of the same time of day.
        renew: cells for which one look at the past holds.
        kept: cells of the past that are kept.
        windows: lengths of the sums compared, in slots, shortest first.
        window_cells: the same in whole cells; 0 where a window is shorter than a cell.
    """

    interval_s: float
    per_cell: int
    per_day: int
    season: int
    seasons: int
    near: int
    renew: int
    kept: int
    windows: tuple[int, ...]
    window_cells: tuple[int, ...]


@cache
def grid_of(interval_s: float, *, seasonal: bool = True, most_seasons: int = MOST_SEASONS) -> Grid:
    """The grid of a series with so many seconds between its values; `most_seasons` saves memory.

    Raises: ValueError for an interval that is no positive number of seconds, or longer than 31 days.
    """
    if not 0.0 < interval_s <= 31 * DAY_S:
        raise ValueError(f"need 0 < interval_s <= {31 * DAY_S}, got {interval_s!r}")
    per_cell = _slots_of_a_cell(interval_s)
    cell_s = per_cell * interval_s
    per_day = max(1, round(DAY_S / cell_s))
    season = 0
    if seasonal and cell_s <= DAY_S and abs(per_day * cell_s - DAY_S) < 1e-6 * DAY_S:
        season = per_day if per_day >= 4 else 7 * per_day
    most = MOST_CELLS if per_cell == 1 else MOST_CELLS_OF_SHORT_SLOTS
    seasons = min(most_seasons, max(1, most // season)) if season else 0
    near = min(round(NEAR_S / cell_s), season // 8) if season else 0
    if season == per_day and near == 0:
        near = 1
    renew = max(1, round(RENEW_S / cell_s)) if near > 1 else 1
    margin = 2 * WINDOWS[-1] + near + renew
    kept = season * seasons + margin if season else 2 * max(per_day, 60) + margin
    judged = WINDOWS[:COARSE_WINDOWS] if cell_s >= COARSE_CELL_S else WINDOWS
    short = [slots for slots in (1, 2) if slots < per_cell]
    return Grid(
        interval_s=interval_s,
        per_cell=per_cell,
        per_day=per_day,
        season=season,
        seasons=seasons,
        near=near,
        renew=renew,
        kept=kept,
        windows=(*short, *(cells * per_cell for cells in judged)),
        window_cells=(*(0 for _ in short), *judged),
    )


def _slots_of_a_cell(interval_s: float) -> int:
    if interval_s >= CELL_S:
        return 1
    least = max(1, round(CELL_S / interval_s))
    for slots in range(least, 2 * least):
        if DAY_S % (slots * interval_s) == 0:
            return slots
    return least
