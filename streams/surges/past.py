"""What a series' own past leads one to expect: of sums over several lengths, at the same time of day.

The sums of the last 1, 2, 3, 6, 12 and 24 cells are compared with the same sums around the same time on the days
before: with their middle, and with how far they lie apart. So a series that wanders, that is restless in the evening
or that comes in bursts is held against a past that did so too, and a surge that is over does not raise the bar for
the next day, as it would with an average.
"""

import warnings

import numpy as np
import numpy.typing as npt

from streams.surges.cell_sums import LENGTHS, LONGEST, ROOT_SHIFT, roots_of_sums, sums_of
from streams.surges.grid import WINDOWS, Grid
from streams.surges.inner_parts import centre_and_spread, middle_of_rows
from streams.surges.last_day import growth_of_last_day, hours_of_days
from streams.surges.layout import layout_of
from streams.surges.ring import Ring
from streams.surges.same_time import SameTime, same_time_of, unless_another
from streams.surges.sparse import SPARSE_BELOW, cells_of_days, level_of_few
from streams.surges.steadied import NOISE, steadied
from streams.surges.weekdays import Weekdays, bring_to_weekday

Floats = npt.NDArray[np.float64]

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


Expected = npt.NDArray[np.float32]
"""What to expect of the cells of one renewal: (means and spreads, cell, length of sums). Means are counts in units,
NaN where nothing is known; spreads are the variance over the mean. One array: each costs a hundred bytes a series."""


def expected_of(kept: bytes) -> Expected:
    """From its bytes."""
    return np.frombuffer(kept, dtype=np.float32).reshape(2, -1, len(WINDOWS))


class Past:
    """The cells of a series, and what they lead one to expect.

    Attributes:
        next: number of the cell that comes next, from 0.
        unit: what counts as one event; see `units.py`.
        ring: the cells.
        spread_memory: of the logarithms of spreads, by length of sum: average, average square, share that is known.
        weekdays: what is known of the days of the week, where cells are shorter than days.
    """

    __slots__ = ("_layout", "grid", "next", "ring", "spread_memory", "unit", "weekdays")

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.next = 0
        self.unit = 1.0
        self.ring = Ring(grid.kept)
        self.spread_memory = np.zeros((3, len(WINDOWS)))
        self.weekdays = Weekdays(grid)
        self._layout = layout_of(grid)

    def restore(self, following: int, unit: float, roots: bytes, spread_memory: bytes, scale: float) -> None:
        """Take over what was kept: `next`, `unit`, the bytes of the arrays and the scale of the ring."""
        self.next = following
        self.unit = unit
        self.ring.restore(roots, scale)
        self.spread_memory = np.frombuffer(spread_memory).reshape(3, -1).copy()

    def append(self, value: float | None) -> None:
        """Add the next cell: its count, or None where it is not known."""
        self.ring.enter(self.next, value)
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

    def turns_to_another_day(self) -> bool:
        """Whether the next cell begins a part of the week, where the week is known."""
        return len(self.weekdays.factors) > 0 and self.weekdays.ends_part(self.next) > 0

    def recent(self, cells: int) -> Floats:
        """The newest cells, at most so many, oldest first; NaN where unknown."""
        count = min(cells, self.next, self.grid.kept)
        return self.ring.counts(np.arange(self.next - count, self.next))

    def expect(self) -> Expected:
        """What to expect of the sums that end in the next cell, and in those after it until the renewal."""
        rows = self.known_seasons()
        if rows == 0:
            return self._from_the_last_day()
        grid = self.grid
        values = self.ring.counts(self.next + self._layout.offsets[:rows])
        roots = roots_of_sums(values, self.unit)
        week = self._in_the_week(rows)
        if week is not None:
            bring_to_weekday(roots, week[0])
        own = same_time_of(roots, grid.near, grid.renew)
        slope = np.zeros(len(WINDOWS))
        if rows >= 3 and self._layout.half > 1:
            half = self._layout.half
            rise = (np.add.reduce(roots[:, :, -half:], axis=2) - np.add.reduce(roots[:, :, :half], axis=2)) / half
            slope = middle_of_rows(np.where(np.isnan(rise), 0.0, rise)) / (roots.shape[2] - half)
            roots -= slope[:, None, None] * self._layout.from_middle
        centre, spread = centre_and_spread(roots.reshape(len(WINDOWS), -1))
        if rows < KNOWN_AFTER_DAYS:
            spread = np.fmax(spread, np.sqrt(self._usual_spread(self.recent(2 * max(grid.per_day, 60)))))
        spread = self._steadied(spread, rows)
        if week is None and self.unit == 1.0:
            centre *= np.sqrt(self._growth_of_last_day(spread))
        unsure = UNKNOWN_DAY / rows if rows < KNOWN_AFTER_DAYS else 0.0
        centres = centre + self._layout.positions[:, None] * slope
        sizes = LENGTHS[None, :]
        if week is not None:
            sizes = week[1]
            centres *= np.sqrt(sizes / sizes[:1])
        if centre[-1] < 2.0 * np.sqrt(SPARSE_BELOW + ROOT_SHIFT):
            self._bring_to_few(centres, spread, sizes, own)
        return self._expected(centres, spread, unsure, np.zeros(len(WINDOWS)), sizes, own)

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
            if not len(back):
                return
            places = self.next - len(now) + np.arange(len(now)) - grid.season * np.array(back)[:, None]
            before = self.ring.counts(places) / self.weekdays.weights(places)
            now /= self.weekdays.weights(self.next - len(now) + np.arange(len(now)))
        else:
            before = np.tile(np.nanmedian(self.recent(older + cells)[:older]), (1, len(now)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # Hours that nothing is known of have no middle.
            was = np.nanmedian(before.reshape(len(before), -1, hour).sum(axis=2), axis=0)
            ratio = float(np.nanmedian((now.reshape(-1, hour).sum(axis=1) + self.unit) / (was + self.unit)))
        if np.isfinite(ratio):
            numbers = np.arange(self.next - cells - older, self.next - cells)
            self.ring.grow(numbers, min(MOST_SHIFT, max(1.0 / MOST_SHIFT, ratio)))

    def _learn_weekday(self, cells: int) -> None:
        """A part of the week is over: what it was, beside the same part of the days before."""
        grid = self.grid
        days = min(self.next, grid.kept) // grid.season
        places = self.next - cells + np.arange(cells) - grid.season * np.arange(days)[:, None]
        values = self.ring.counts(places)
        self.weekdays.learn(self.next, values.sum(axis=1) / self.unit)

    def _in_the_week(self, rows: int) -> tuple[Floats, Floats] | None:
        """How busy the week makes sums; None: it is not known to.

        Returns: of those that end in the next cell, how many times as busy as those of the past (length of sum, row,
            column); and of those that end in the cells of the renewal, beside one usual cell (cell, length of sum).
        """
        if not len(self.weekdays.factors):
            return None
        weights = self.weekdays.weights
        renewal = sums_of(weights(self.next + np.arange(1 - LONGEST, self.grid.renew))[None, :])[:, 0]
        then = sums_of(weights(self.next + self._layout.offsets[:rows]))
        return renewal[:, :1, None] / then, renewal.T

    def _growth_of_last_day(self, spread: Floats) -> float:
        """Of counts, by how much the last day was busier than the days before it."""
        places = hours_of_days(self.grid, self.next)
        if places is None:
            return 1.0
        values = self.ring.counts(places)
        return growth_of_last_day(values.sum(axis=2), spread)

    def _bring_to_few(self, centres: Floats, spread: Floats, sizes: Floats, own: SameTime) -> None:
        """Where few are expected even of the longest sums, from which the shorter ones borrow; in place."""
        places = cells_of_days(self.grid, self.next)
        if places is None:
            return
        few = level_of_few(self.ring.counts(places) / self.unit)
        if few is not None:
            usual = few.mean / self.weekdays.weights(places).mean()
            level = usual * sizes[:, -1]
            level, _ = unless_another(level, level, own, -1)
            centres[:, -1] = 2.0 * np.sqrt(level + ROOT_SHIFT)
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
        roots = roots_of_sums(padded[None, :], self.unit, whole=True)[:, 0, :]
        centre, spread = centre_and_spread(roots)
        spread = np.fmax(spread, np.sqrt(self._usual_spread(values)))
        centre[cells < 3.0 * LENGTHS] = np.nan
        unsure = UNKNOWN_SEASON if grid.season else 0.0
        return self._expected(np.tile(centre, (grid.renew, 1)), spread, unsure, LENGTHS / cells, LENGTHS[None, :])

    def _usual_spread(self, values: Floats) -> float:
        """Variance over mean from one cell to the next, drawn to that of bursty counts while few events are known."""
        known = values[np.isfinite(values)] / self.unit
        events = float(known.sum())
        seen = 0.5 * float(np.square(np.diff(known)).sum()) * len(known) / (len(known) - 1) if len(known) > 1 else 0.0
        return (seen + USUAL_EVENTS * USUAL_SPREAD) / (events + USUAL_EVENTS)

    def _steadied(self, spread: Floats, rows: int) -> Floats:
        few = self._layout.few
        if few is None or (self.unit == 1.0 and rows <= KNOWN_AFTER_DAYS):
            # Counts of the first days are as uncertain as their level, which is said in their spread already.
            return steadied(self.spread_memory, spread, NOISE, self._layout.forget)
        return steadied(self.spread_memory, spread, few / rows, self._layout.forget, bias=few / rows)

    def _expected(
        self, centre: Floats, spread: Floats, unsure: float, thin: Floats, sizes: Floats, own: SameTime | None = None
    ) -> Expected:
        """Means and spreads from centres (cells of the renewal by lengths) and standard deviations of roots.

        Args:
            unsure: relative standard deviation of the level itself.
            thin: variance of the centre over that of a sum, by length.
            sizes: of the sums, in usual cells (cells of the renewal, or 1, by lengths).
            own: as `same_time_of`.
        """
        means = np.square(np.maximum(centre, 0.0) * 0.5) - ROOT_SHIFT
        spreads = np.empty_like(means)
        spreads[:] = np.maximum(np.square(spread), LEAST_SPREAD) * (1.0 + thin)
        for number in range(len(WINDOWS) - 2, -1, -1):
            few = ~(means[:, number] >= BORROW_BELOW) & np.isfinite(means[:, number + 1])
            if few.any():
                level = means[:, number + 1] * (sizes[:, number] / sizes[:, number + 1])
                borrowed = spreads[:, number + 1]
                if own is not None:
                    level, borrowed = unless_another(level, borrowed, own, number)
                means[:, number] = np.where(few, level, means[:, number])
                spreads[:, number] = np.where(few, borrowed, spreads[:, number])
        means = np.maximum(means, LEAST_PER_CELL * LENGTHS)
        if unsure:
            spreads += unsure * unsure * means
        return np.array([means, spreads], dtype=np.float32)
