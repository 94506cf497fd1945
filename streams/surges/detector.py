"""One counted series, value by value: is this a surge?

Strictly online: a verdict knows nothing but the values so far. Time is event time, in whole slots of the series; what
is missing is unknown, never zero. See docs/surges.md for how it works and what it promises.
"""

from enum import StrEnum
from math import exp, sqrt
from typing import NamedTuple

from streams.surges.alarm_line import BUDGET_DAYS, alarm_line, score_of
from streams.surges.deviation import deviate_above, deviate_below
from streams.surges.grid import WINDOWS, grid_of
from streams.surges.past import ROOT_SHIFT, Expected, Past
from streams.surges.recent import Recent
from streams.surges.units import unit_of

WARM_UP_S = 3_600
WARM_UP_SLOTS = 12
LONG_CELLS = 6
"""Sums of so many cells and more count only while their last quarter is itself raised: a burst that is over is no
news."""
RAISED = 1.5
DROP_SHARE = 0.8
"""A drop must lie that much further out than a surge: feeds stutter more often than customers fall silent."""
DROP_COLUMN = 1
"""A drop is told by sums of at least two cells."""
FOLLOWED_FROM = 8.0
"""The level is followed by the shortest sums of which so many events are expected: the middle of fewer is not their
mean."""
ACCEPTED_PER_DAY = 0.35
"""How far, as a logarithm, the expected level follows in a day values that all lie on one side of it."""
MOST_FOLLOWED = 2.3
QUIET = 2.0
"""A surge is over when nothing deviates more than this for an hour, and at least three slots."""


class State(StrEnum):
    """What a series is in."""

    WARMING = "warming"
    NORMAL = "normal"
    SURGE = "surge"


class Verdict(NamedTuple):
    """What one value says.

    Attributes:
        score: in [0, 1); at 0.5 and above it is an alarm. Always 0 while warming.
        expected, low, high: the value expected in this slot, and the range that a single slot leaves only in a surge;
            None while nothing is known.
        direction: "up" or "down", of the largest deviation; None when there is none.
        onset_slots: how many slots ago the deviation began (0: in this very one).
        warming_s: seconds until the series may raise an alarm; 0 afterwards.
    """

    score: float
    expected: float | None
    low: float | None
    high: float | None
    state: State
    direction: str | None
    onset_slots: int
    warming_s: int


class SurgeDetector:
    """The detector of one series.

    Example:
        >>> detector = SurgeDetector(60)
        >>> for minute in range(180):
        ...     verdict = detector.observe(minute * 60_000_000, 10 + minute % 3)
        >>> verdict.state.value, detector.observe(180 * 60_000_000, 200).state.value
        ('normal', 'surge')
    """

    def __init__(
        self, interval_s: float, *, seasonal: bool = True, budget_days: float = BUDGET_DAYS, anchor_us: int | None = 0
    ) -> None:
        """A detector that has seen nothing yet.

        Args:
            interval_s: seconds from one value to the next.
            seasonal: look for the time of day (of daily values: the day of the week).
            budget_days: one false alarm in so many days is accepted.
            anchor_us: an instant at which a slot begins, microseconds since 1970; None: the first value's.
        Raises: ValueError for an interval or a budget that makes no sense.
        """
        grid = grid_of(interval_s, seasonal=seasonal)
        self.grid = grid
        self.line = alarm_line(grid, budget_days)
        self._interval_us = interval_s * 1e6
        self._anchor = anchor_us
        self._slot: int | None = None
        self._first_slot = 0
        self._past = Past(grid)
        self._recent = Recent(grid.windows)
        self._cell_sum = 0.0
        self._cell_known = 0
        self._cell_slots = 0
        self._renewed = -(10**9)
        self._expected: Expected | None = None
        self._means: list[float | None] = []
        self._spreads: list[float] = []
        self._offset = 0.0
        self._state = State.WARMING
        self._quiet_slots = 0
        self._warm_slots = max(WARM_UP_SLOTS, round(WARM_UP_S / interval_s))
        self._close_slots = max(3, round(3_600 / interval_s))
        self._step = ACCEPTED_PER_DAY / grid.per_day
        self._unit_at = self._warm_slots
        self._short = grid.window_cells.count(0)
        self._plan = [self._planned(number) for number in range(len(grid.windows))]

    def observe(self, at_us: int, value: float | None) -> Verdict | None:
        """Judge the next value, then learn from it.

        Args:
            at_us: event time of the value, microseconds since 1970. Slots between the last one and this are unknown.
            value: what was counted in this slot, >= 0; None: not known (a stale feed is not a quiet one).
        Returns: the verdict; None for an instant in a slot that was judged before: the past is not rewritten.
        """
        slot = self.slot_of(at_us)
        if self._slot is None:
            self._first_slot = slot
            if self.grid.per_cell > 1:
                self._cell_slots = slot % self.grid.per_cell
        elif slot <= self._slot:
            return None
        else:
            self._skip(slot - self._slot - 1)
        self._slot = slot
        entered = None if value is None else max(value, 0.0)
        self._recent.enter(entered)
        verdict = self._judge(learn=value is not None)
        self._close_slot(entered)
        return verdict

    def early(self, partial: float) -> Verdict:
        """Judge the slot after the last one before it is over, by what was counted in it so far.

        A count only grows, so that what is overwhelming now is so at the end: it costs no further false alarms.
        Nothing is learnt, and fewer than expected says nothing yet.
        """
        recent, state, quiet_slots = self._recent, self._state, self._quiet_slots
        self._recent = recent.copy()
        self._recent.enter(max(partial, 0.0))
        verdict = self._judge(learn=False, running=True)
        self._recent, self._state, self._quiet_slots = recent, state, quiet_slots
        return verdict

    def slot_of(self, at_us: int) -> int:
        """The number of the slot that an instant lies in; with the first value as anchor, of the nearest one."""
        if self._anchor is None:
            self._anchor = at_us
        if self._anchor == 0:
            return int(at_us // self._interval_us)
        return round((at_us - self._anchor) / self._interval_us)

    def _planned(self, number: int) -> tuple[int, int, int, float, int]:
        """Of a window: number, slots, column of the expected sum, share of that sum, number of its quarter or -1."""
        windows, per_cell = self.grid.windows, self.grid.per_cell
        slots, column = windows[number], max(0, number - self._short)
        quarter = -1
        if self.grid.window_cells[number] >= LONG_CELLS:
            quarter = max(k for k, shorter in enumerate(windows[:number]) if shorter <= max(slots / 4.0, per_cell))
        return number, slots, column, slots / (WINDOWS[column] * per_cell), quarter

    def _skip(self, slots: int) -> None:
        """Nothing is known of so many slots."""
        if slots <= 0:
            return
        one_by_one = min(slots, self.grid.windows[-1] + self.grid.per_cell)
        for _ in range(one_by_one):
            self._recent.enter(None)
            self._close_slot(None)
        cells, self._cell_slots = divmod(self._cell_slots + slots - one_by_one, self.grid.per_cell)
        self._past.skip(cells)

    def _close_slot(self, value: float | None) -> None:
        """After a slot was judged: add it to its cell, and the cell, when full, to the past."""
        if value is not None:
            self._cell_sum += value
            self._cell_known += 1
        self._cell_slots += 1
        per_cell = self.grid.per_cell
        if self._cell_slots < per_cell:
            return
        share = self._cell_known / per_cell
        self._past.append(self._cell_sum / share if share >= 0.5 else None)
        self._cell_sum, self._cell_known, self._cell_slots = 0.0, 0, 0

    def _renew(self) -> None:
        past = self._past
        number = past.next - self._renewed
        if number >= self.grid.renew:
            if past.next - past.first >= self._unit_at // self.grid.per_cell:
                past.unit = unit_of(past.recent(max(self.grid.per_day, 60)))
                self._unit_at += max(self.grid.per_day, 24) * self.grid.per_cell
            self._expected = past.expect()
            self._renewed = past.next
            number = 0
            self._recent.settle()
        expected = self._expected
        assert expected is not None
        follow = exp(self._offset)
        self._means = [None if mean is None else mean * follow for mean in expected.means[number]]
        self._spreads = expected.spreads[number]

    def _judge(self, *, learn: bool, running: bool = False) -> Verdict:
        self._renew()
        means, all_spreads = self._means, self._spreads
        sums, counts, unit = self._recent.sums, self._recent.known, self._past.unit
        whole = not self._recent.unknown
        deviates = [0.0] * len(sums)
        up = down = 0.0
        up_slots = down_slots = 1
        for number, slots, column, share, quarter in self._plan:
            mean = means[column]
            if mean is None:
                continue
            spread = all_spreads[column]
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
                    up, up_slots = deviate, slots
            elif deviate < -RAISED:
                deviate = deviates[number] = deviate_below(count, mean, spread)
                if deviate < down and column >= DROP_COLUMN and (quarter < 0 or deviates[quarter] < -RAISED):
                    down, down_slots = deviate, slots
        down = -DROP_SHARE * down
        if running:
            down = 0.0
        deviate, slots, direction = (up, up_slots, "up") if up >= down else (down, down_slots, "down")
        slot = (self._slot or 0) + (1 if running else 0)
        waiting = self._warm_slots - (slot - self._first_slot)
        self._follow(learn)
        state = self._move(deviate, waiting)
        expected = low = high = None
        first = means[0]
        if first is not None:
            expected, low, high = self._range(first)
        return Verdict(
            score_of(deviate, self.line) if waiting <= 0 else 0.0, expected, low, high, state,
            direction if deviate > 0.0 else None, slots - 1, max(0, round(waiting * self.grid.interval_s)),
        )  # fmt: skip

    def _range(self, mean: float) -> tuple[float, float, float]:
        """Expected value of one slot, and the values at which it alone would be an alarm, in the series' own unit."""
        share = 1.0 / self.grid.per_cell
        root, reach = sqrt(mean * share + ROOT_SHIFT), 0.5 * self.line * sqrt(self._spreads[0])
        low = max(0.0, root - reach / DROP_SHARE) ** 2 - ROOT_SHIFT
        unit = self._past.unit
        return mean * share * unit, max(0.0, low) * unit, ((root + reach) ** 2 - ROOT_SHIFT) * unit

    def _move(self, deviate: float, waiting: int) -> State:
        """The state after this value: a surge opens at the line and closes after an hour of quiet."""
        if waiting > 0:
            self._state = State.WARMING
        elif deviate >= self.line:
            self._state = State.SURGE
            self._quiet_slots = 0
        elif self._state is State.SURGE:
            self._quiet_slots = self._quiet_slots + 1 if deviate < QUIET else 0
            if self._quiet_slots >= self._close_slots:
                self._state = State.NORMAL
        else:
            self._state = State.NORMAL
        return self._state

    def _follow(self, learn: bool) -> None:
        """Move the expected level a little towards the values: a level that lasts becomes the new one in days."""
        if not learn or self._cell_slots + 1 < self.grid.per_cell:
            return
        recent = self._recent
        for column, mean in enumerate(self._means):
            if mean is not None and (mean >= FOLLOWED_FROM or column == len(self._means) - 1):
                number = self._short + column
                if not recent.unknown or recent.known[number] == self.grid.windows[number]:
                    above = recent.sums[number] > mean * self._past.unit
                    step = self._step if above else -self._step
                    self._offset = min(MOST_FOLLOWED, max(-MOST_FOLLOWED, self._offset + step))
                return
