"""Where to look in the past of a series; the same for all series of a grid."""

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.surges.cell_sums import LENGTHS, LONGEST
from streams.surges.grid import Grid
from streams.surges.steadied import MEMORY_DAYS, noise_of_few

Floats = npt.NDArray[np.float64]


class Layout(NamedTuple):
    """Places and widths.

    Attributes:
        offsets: of the cells around the same time of day, from the next cell: (season back, column).
        from_middle: of the columns in which sums end, in cells from the middle of the renewal.
        positions: of the cells of the renewal, alike.
        half: columns on one side.
        few: variance by chance of the logarithm of a spread measured on one day of hours; None: not hours.
        forget: share of what is known of spreads that one renewal leaves.
    """

    offsets: npt.NDArray[np.int64]
    from_middle: Floats
    positions: Floats
    half: int
    few: Floats | None
    forget: float


@cache
def layout_of(grid: Grid) -> Layout:
    """The layout of all series of a grid."""
    columns = np.arange(-grid.near - LONGEST + 1, grid.near + grid.renew)
    middle = (grid.renew - 1) / 2.0
    from_middle: Floats = np.arange(-grid.near, grid.near + grid.renew, dtype=np.float64) - middle
    return Layout(
        offsets=-grid.season * np.arange(1, grid.seasons + 1)[:, None] + columns[None, :],
        from_middle=from_middle,
        positions=from_middle[grid.near : grid.near + grid.renew],
        half=(2 * grid.near + grid.renew) // 2,
        few=noise_of_few(len(from_middle), LENGTHS) if grid.season == grid.per_day and grid.near == 1 else None,
        forget=1.0 - grid.renew / (MEMORY_DAYS * max(grid.per_day, 24)),
    )
