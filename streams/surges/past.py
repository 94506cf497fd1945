"""What a series' own past leads one to expect: of sums over several lengths, at the same time of day.

The sums of the last 1, 2, 3, 6, 12 and 24 cells are compared with the same sums around the same time on the days
before: with their middle, and with how far they lie apart. So a series that wanders, that is restless in the evening
or that comes in bursts is held against a past that did so too, and a surge that is over does not raise the bar for
the next day, as it would with an average.
"""

import warnings
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.surges.grid import WINDOWS, Grid
from streams.surges.inner_parts import centre_and_spread
from streams.surges.last_day import growth_of_last_day, hours_of_days
from streams.surges.sparse import SPARSE_BELOW, cells_of_days, level_of_few
from streams.surges.steadied import MEMORY_DAYS, NOISE, noise_of_few, steadied
from streams.surges.weekdays import Weekdays

Floats = npt.NDArray[np.float64]

LONGEST = WINDOWS[-1]
LENGTHS = np.array(WINDOWS, dtype=np.float64)
ROOT_SHIFT = 0.375
"""Anscombe's: 2 * sqrt(count + 3/8) has the same standard deviation, 1, for every mean of a Poisson variable."""
LEAST_SPREAD = 1.1
BORROW_BELOW = 16.0
"""Expected counts below which level and spread of the next longer sum are taken: quantiles of tiny counts are whole
numbers and tell little."""
LEAST_PER_CELL = 0.02
UNKNOWN_SEASON = 0.4
"""Relative standard deviation of a level whose time of day has not been seen yet."""
UNKNOWN_DAY = 0.3
"""Relative standard deviation of a level known from one day, shrinking with each day more."""
KNOWN_AFTER_DAYS = 5
MOST_SHIFT = 20.0
LEAST_CELLS = 6
USUAL_SPREAD, USUAL_EVENTS = 4.0, 50.0
"""Variance over mean that counts are taken to have, and how many events it takes to believe their own as much."""


class _Layout(NamedTuple):
    """Where to look in the past; the same for all series of a grid.

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
def _layout(grid: Grid) -> _Layout:
    columns = np.arange(-grid.near - LONGEST + 1, grid.near + grid.renew)
    middle = (grid.renew - 1) / 2.0
    from_middle: Floats = np.arange(-grid.near, grid.near + grid.renew, dtype=np.float64) - middle
    return _Layout(
        offsets=-grid.season * np.arange(1, grid.seasons + 1)[:, None] + columns[None, :],
        from_middle=from_middle,
        positions=from_middle[grid.near : grid.near + grid.renew],
        half=(2 * grid.near + grid.renew) // 2,
        few=noise_of_few(len(from_middle), LENGTHS) if grid.season == grid.per_day and grid.near == 1 else None,
        forget=1.0 - grid.renew / (MEMORY_DAYS * max(grid.per_day, 24)),
    )


Expected = npt.NDArray[np.float32]
"""What to expect of the cells of one renewal: (means and spreads, cell, length of sums). Means are counts in units,
NaN where nothing is known; spreads are the variance over the mean. One array: each costs a hundred bytes a series."""


def expected_of(kept: bytes) -> Expected:
    """From its bytes."""
    return np.frombuffer(kept, dtype=np.float32).reshape(2, -1, len(WINDOWS))


class Past:
    """The cells of a series, as roots of two bytes each, and what they lead one to expect.

    Attributes:
        next: number of the cell that comes next, from 0.
        unit: what counts as one event; see `units.py`.
        roots: of the cells, in a ring; NaN where unknown.
        spread_memory: of the logarithms of spreads, by length of sum: average, average square, share that is known.
        weekdays: what is known of the days of the week, where cells are shorter than days.
    """

    __slots__ = ("_layout", "grid", "next", "roots", "spread_memory", "unit", "weekdays")

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.next = 0
        self.unit = 1.0
        self.roots = np.full(grid.kept, np.nan, dtype=np.float16)
        self.spread_memory = np.zeros((3, len(WINDOWS)))
        self.weekdays = Weekdays(grid)
        self._layout = _layout(grid)

    def restore(self, following: int, unit: float, roots: bytes, spread_memory: bytes, weekdays: bytes = b"") -> None:
        """Take over what was kept: `next`, `unit` and the bytes of the arrays."""
        self.next = following
        self.unit = unit
        self.roots = np.frombuffer(roots, dtype=np.float16).copy()
        self.spread_memory = np.frombuffer(spread_memory).reshape(3, -1).copy()
        self.weekdays.restore(weekdays)

    def append(self, value: float | None) -> None:
        """Add the next cell: its count, or None where it is not known."""
        self.roots[self.next % self.grid.kept] = np.nan if value is None else np.sqrt(max(value, 0.0))
        self.next += 1
        cells = self.weekdays.ends_part(self.next)
        if cells:
            self._learn_weekday(cells)

    def skip(self, cells: int) -> None:
        """Add so many cells that nothing is known of."""
        for _ in range(min(cells, self.grid.kept)):
            self.append(None)
        self.next += max(0, cells - self.grid.kept)
        # The ring is empty now; where it starts no longer matters.

    def known_seasons(self) -> int:
        """How many seasons back the same time of day is in the past."""
        grid = self.grid
        if not grid.season:
            return 0
        return max(0, min(grid.seasons, (self.next - grid.near - LONGEST) // grid.season))

    def recent(self, cells: int) -> Floats:
        """The newest cells, at most so many, oldest first; NaN where unknown."""
        count = min(cells, self.next, self.grid.kept)
        places = np.arange(self.next - count, self.next) % self.grid.kept
        return np.square(self.roots[places].astype(np.float64))

    def expect(self) -> Expected:
        """What to expect of the sums that end in the next cell, and in those after it until the renewal."""
        rows = self.known_seasons()
        if rows == 0:
            return self._from_the_last_day()
        grid = self.grid
        values = np.square(self.roots[(self.next + self._layout.offsets[:rows]) % grid.kept].astype(np.float64))
        roots = self._roots_of_sums(values)
        growth = self.weekdays.growth(self.next, rows)
        if growth is not None:
            _bring_to_weekday(roots, growth)
        slope = np.zeros(len(WINDOWS))
        if rows >= 3 and self._layout.half > 1:
            half = self._layout.half
            rise = roots[:, :, -half:].mean(2) - roots[:, :, :half].mean(2)
            slope = np.median(np.nan_to_num(rise), axis=1)
            slope /= roots.shape[2] - half
            roots -= slope[:, None, None] * self._layout.from_middle
        centre, spread = centre_and_spread(roots.reshape(len(WINDOWS), -1))
        if rows < KNOWN_AFTER_DAYS:
            spread = np.fmax(spread, np.sqrt(self._usual_spread(self.recent(2 * max(grid.per_day, 60)))))
        spread = self._steadied(spread, rows)
        if growth is None and self.unit == 1.0:
            centre *= np.sqrt(self._growth_of_last_day(spread))
        unsure = UNKNOWN_DAY / rows if rows < KNOWN_AFTER_DAYS else 0.0
        centres = centre + self._layout.positions[:, None] * slope
        if centre[-1] < 2.0 * np.sqrt(SPARSE_BELOW + ROOT_SHIFT):
            self._bring_to_few(centres, spread)
        return self._expected(centres, spread, unsure, np.zeros(len(WINDOWS)))

    def shift_level(self, cells: int) -> None:
        """Bring what is older than the newest cells to their level, by the middle of the ratios hour by hour."""
        grid = self.grid
        older = min(self.next, grid.kept) - cells
        if older < cells:
            return
        hours = min(24, cells)
        hour = max(1, min(cells, grid.per_day) // hours)
        now = self.recent(hours * hour)
        if grid.season:
            back = range(-(-cells // grid.season), (older + cells - len(now)) // grid.season + 1)
            places = self.next - len(now) + np.arange(len(now)) - grid.season * np.array(back)[:, None]
            before = np.square(self.roots[places % grid.kept].astype(np.float64))
            if not len(back):
                return
        else:
            before = np.tile(np.nanmedian(self.recent(older + cells)[:older]), (1, len(now)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # Hours that nothing is known of have no middle.
            was = np.nanmedian(before.reshape(len(before), -1, hour).sum(axis=2), axis=0)
            ratio = float(np.nanmedian((now.reshape(-1, hour).sum(axis=1) + self.unit) / (was + self.unit)))
        if np.isfinite(ratio):
            places = np.arange(self.next - cells - older, self.next - cells) % grid.kept
            self.roots[places] *= np.sqrt(min(MOST_SHIFT, max(1.0 / MOST_SHIFT, ratio)))

    def _learn_weekday(self, cells: int) -> None:
        """A part of the week is over: what it was, beside the same part of the days before."""
        grid = self.grid
        days = min(self.next, grid.kept) // grid.season
        places = self.next - cells + np.arange(cells) - grid.season * np.arange(days)[:, None]
        values = np.square(self.roots[places % grid.kept].astype(np.float64))
        self.weekdays.learn(self.next, values.sum(axis=1) / self.unit)

    def _growth_of_last_day(self, spread: Floats) -> float:
        """Of counts, by how much the last day was busier than the days before it."""
        places = hours_of_days(self.grid, self.next)
        if places is None:
            return 1.0
        values = np.square(self.roots[places % self.grid.kept].astype(np.float64))
        return growth_of_last_day(values.sum(axis=2), spread)

    def _bring_to_few(self, centres: Floats, spread: Floats) -> None:
        """Where few are expected even of the longest sums, from which the shorter ones borrow; in place."""
        places = cells_of_days(self.grid, self.next)
        few = None
        if places is not None:
            few = level_of_few(np.square(self.roots[places % self.grid.kept].astype(np.float64)) / self.unit)
        if few is not None:
            centres[:, -1] = 2.0 * np.sqrt(few.mean * LONGEST + ROOT_SHIFT)
            spread[-1] = max(spread[-1], np.sqrt(few.spread))

    def _from_the_last_day(self) -> Expected:
        """Before the time of day was seen once, or without seasons: the last day as a whole."""
        grid = self.grid
        values = self.recent(max(grid.per_day, 60) if grid.season else grid.kept)
        lag = min(LONGEST, len(values) // 4)
        values = values[: len(values) - lag] if lag else values
        cells = len(values)
        if cells < LEAST_CELLS:
            return np.full((2, grid.renew, len(WINDOWS)), np.nan, dtype=np.float32)
        padded = np.concatenate([np.full(LONGEST - 1, np.nan), values])
        roots = self._roots_of_sums(padded[None, :], whole=True)[:, 0, :]
        centre, spread = centre_and_spread(roots)
        spread = np.fmax(spread, np.sqrt(self._usual_spread(values)))
        centre[cells < 3.0 * LENGTHS] = np.nan
        unsure = UNKNOWN_SEASON if grid.season else 0.0
        return self._expected(np.tile(centre, (grid.renew, 1)), spread, unsure, LENGTHS / cells)

    def _usual_spread(self, values: Floats) -> float:
        """Variance over mean from one cell to the next, drawn to that of bursty counts while few events are known."""
        known = values[np.isfinite(values)] / self.unit
        events = float(known.sum())
        seen = 0.5 * float(np.square(np.diff(known)).sum()) * len(known) / (len(known) - 1) if len(known) > 1 else 0.0
        return (seen + USUAL_EVENTS * USUAL_SPREAD) / (events + USUAL_EVENTS)

    def _roots_of_sums(self, values: Floats, *, whole: bool = False) -> Floats:
        """Roots of the sums that end in each column but the first ones: (length of sum, row, column).

        `whole`: a sum with an unknown cell is unknown; else it is made up for if at least half is known.
        """
        unknown = np.isnan(values)
        rows, width = values.shape
        columns = width - LONGEST + 1
        sums = np.empty((len(WINDOWS), rows, columns))
        gaps = bool(unknown.any())
        running = np.zeros((rows, width + 1))
        np.cumsum(np.where(unknown, 0.0, values) if gaps else values, axis=1, out=running[:, 1:])
        for number, length in enumerate(WINDOWS):
            np.subtract(running[:, LONGEST:], running[:, LONGEST - length : width + 1 - length], out=sums[number])
        if gaps:
            known = np.zeros((rows, width + 1))
            np.cumsum(~unknown, axis=1, out=known[:, 1:])
            for number, length in enumerate(WINDOWS):
                share = (known[:, LONGEST:] - known[:, LONGEST - length : width + 1 - length]) / length
                enough = share >= (1.0 if whole else 0.5)
                sums[number] = np.where(enough, sums[number] / np.maximum(share, 0.5), np.nan)
        if self.unit != 1.0:
            sums /= self.unit
        sums += ROOT_SHIFT
        np.sqrt(np.maximum(sums, 0.0), out=sums)
        sums *= 2.0
        return sums

    def _steadied(self, spread: Floats, rows: int) -> Floats:
        few = self._layout.few
        if few is None or (self.unit == 1.0 and rows <= KNOWN_AFTER_DAYS):
            # Counts of the first days are as uncertain as their level, which is said in their spread already.
            return steadied(self.spread_memory, spread, NOISE, self._layout.forget)
        return steadied(self.spread_memory, spread, few / rows, self._layout.forget, bias=few / rows)

    def _expected(self, centre: Floats, spread: Floats, unsure: float, thin: Floats) -> Expected:
        """Means and spreads from centres (cells of the renewal by lengths) and standard deviations of roots.

        Args:
            unsure: relative standard deviation of the level itself.
            thin: variance of the centre over that of a sum, by length.
        """
        means = np.square(np.maximum(centre, 0.0) * 0.5) - ROOT_SHIFT
        spreads = np.empty_like(means)
        spreads[:] = np.maximum(np.square(spread), LEAST_SPREAD) * (1.0 + thin)
        for number in range(len(WINDOWS) - 2, -1, -1):
            few = ~(means[:, number] >= BORROW_BELOW) & np.isfinite(means[:, number + 1])
            if few.any():
                share = WINDOWS[number] / WINDOWS[number + 1]
                means[few, number] = means[few, number + 1] * share
                spreads[few, number] = spreads[few, number + 1]
        means = np.maximum(means, LEAST_PER_CELL * LENGTHS)
        if unsure:
            spreads += unsure * unsure * means
        return np.array([means, spreads], dtype=np.float32)


def _bring_to_weekday(roots: Floats, growth: Floats) -> None:
    """Move the sums of each day by as much as its day of the week was busier or quieter, in place.

    Moved, not multiplied: on the root scale counts stray as far whatever their mean.
    """
    grown = np.sqrt(growth)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # Days that nothing is known of have no middle.
        level = np.nanmedian(np.nanmean(roots, axis=2) * grown, axis=1)
    roots += level[:, None, None] * (1.0 - 1.0 / grown)[None, :, None]
    np.maximum(roots, 2.0 * np.sqrt(ROOT_SHIFT), out=roots)
