"""One counted series, value by value: is this a surge?

Strictly online: a verdict knows nothing but the values so far. Time is event time, in whole slots of the series; what
is missing is unknown, never zero. See docs/surges.md for how it works and what it promises.
"""

from math import log, sqrt

import msgspec

from streams.surges.alarm_line import BUDGET_DAYS, alarm_line, score_of
from streams.surges.cell_sums import ROOT_SHIFT
from streams.surges.cusum import Cusum
from streams.surges.furthest import furthest, windows_of
from streams.surges.grid import MOST_SEASONS, grid_of
from streams.surges.leaps import learnt
from streams.surges.past import Expected, Floats, Past, expected_of
from streams.surges.phase import Phase
from streams.surges.recent import Recent
from streams.surges.saved import Saved
from streams.surges.units import unit_of
from streams.surges.verdict import State, Verdict

WARM_UP_S = 3_600
WARM_UP_SLOTS = 12
DROP_SHARE, DROP_GROWTH = 0.8, 0.02
"""A drop must lie that much further out than a surge, and beyond the line ranks by its logarithm: feeds stutter more
often than customers fall silent."""
DROP_TOLD = 0.98
"""Once a drop was told, and until it is over, it stays that far below the line: silence has no news."""
JUDGED_FROM = 8.0
"""The level is judged by the shortest sums of which so many events are expected: the middle of fewer is not their
mean."""
HOURS_OF_DAY = 24
MOST_COUNTED = 1e15
"""More in one slot counts as so much: no sum overflows."""
NEVER = -(10**9)
_NONE: list[float] = []


class SurgeDetector:
    """The detector of one series.

    Example:
        >>> detector = SurgeDetector(60)
        >>> for minute in range(180):
        ...     verdict = detector.observe(minute * 60_000_000, 10 + minute % 3)
        >>> verdict.state.value, detector.observe(180 * 60_000_000, 200).state.value
        ('normal', 'surge')
    """

    __slots__ = (
        "_anchor", "_cell_known", "_cell_slots", "_cell_sum", "_cusum", "_day", "_expected", "_first_slot",
        "_interval_us", "_leaps", "_looked_up", "_means", "_past", "_phase", "_recent", "_renewed", "_short", "_slot",
        "_spreads", "_unit_at", "_warm_slots", "_windows", "grid", "least_unit", "line",
    )  # fmt: skip

    def __init__(
        self, interval_s: float, *, seasonal: bool = True, budget_days: float = BUDGET_DAYS,
        anchor_us: int | None = 0, most_seasons: int = MOST_SEASONS,
    ) -> None:  # fmt: skip
        """A detector that has seen nothing yet.

        Args:
            interval_s: seconds from one value to the next.
            seasonal: look for the time of day (of daily values: the day of the week).
            budget_days: one false alarm in so many days is accepted.
            anchor_us: an instant at which a slot begins, microseconds since 1970; None: the first value's.
            most_seasons: days (of daily values: weeks) that are remembered at most, to save memory.
        Raises: ValueError for an interval or a budget that makes no sense.
        """
        grid = grid_of(interval_s, seasonal=seasonal, most_seasons=most_seasons)
        self.grid = grid
        self.line = alarm_line(grid, budget_days)
        self.least_unit = 0.0
        self._interval_us = interval_s * 1e6
        self._anchor = anchor_us
        self._slot: int | None = None
        self._first_slot = 0
        self._past = Past(grid)
        self._recent = Recent(grid.windows)
        self._cell_sum = 0.0
        self._cell_known = 0
        self._cell_slots = 0
        self._renewed = NEVER
        self._looked_up = NEVER
        self._expected: Expected | None = None
        self._means: list[float] = []
        self._spreads: list[float] = []
        self._phase = Phase(grid)
        # A surge of hours or days is a new level, and told by shorter slots before.
        self._cusum = Cusum() if grid.per_day > HOURS_OF_DAY else None
        self._warm_slots = max(WARM_UP_SLOTS, round(WARM_UP_S / interval_s))
        self._leaps = 1.0
        self._day = max(24, grid.per_day)
        self._unit_at = self._warm_slots
        self._short = grid.window_cells.count(0)
        self._windows = windows_of(grid)

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
            self._past.weekdays.origin = int(at_us // (self._interval_us * self.grid.per_cell))
            if self.grid.per_cell > 1:
                self._cell_slots = slot % self.grid.per_cell
        elif slot <= self._slot:
            return None
        else:
            self._skip(slot - self._slot - 1)
        self._slot = slot
        entered = None if value is None else min(max(value, 0.0), MOST_COUNTED)
        self._recent.enter(entered)
        verdict = self._judge(learn=value is not None)
        self._close_slot(entered)
        return verdict

    def early(self, partial: float) -> Verdict:
        """Judge the slot after the last one before it is over, by what was counted in it so far.

        A count only grows, so that what is overwhelming now is so at the end: it costs no further false alarms.
        Nothing is learnt, and fewer than expected says nothing yet.
        """
        recent = self._recent
        self._recent = recent.copy()
        self._recent.enter(max(partial, 0.0))
        verdict = self._judge(learn=False, running=True)
        self._recent = recent
        return verdict

    @property
    def state(self) -> State:
        """As the last value left it."""
        return self._phase.state

    @property
    def warming_s(self) -> int:
        """Seconds until the series may raise an alarm; 0 afterwards."""
        return max(0, round(self._waiting(self._slot or 0) * self.grid.interval_s))

    @property
    def known_days(self) -> int:
        """On how many days before the same time of day was seen (of daily values: on how many weeks)."""
        return self._past.known_seasons()

    @property
    def renewed(self) -> int:
        """The number of the cell in which the past was looked at last."""
        return self._renewed

    def counted(self, cells: int) -> tuple[int, Floats]:
        """The newest cells that are over, at most so many, oldest first, NaN where unknown, and the slot after them.

        For slots that are a cell each.
        """
        return (0 if self._slot is None else self._slot + 1), self._past.recent(cells)

    def rest(self) -> None:
        """Let go of what is quickly had again, and pack the past: some 2 kB of each series that waits for a slot."""
        self._means = self._spreads = _NONE
        self._looked_up = NEVER
        self._past.ring.rest()

    def snapshot(self) -> bytes:
        """All that the detector knows, for `restore`: msgpack, under 10 kB."""
        past, recent, phase = self._past, self._recent, self._phase
        expected = self._expected
        roots, scale = past.ring.saved()
        return msgspec.msgpack.encode(
            Saved(
                grid=(self.grid.interval_s, self.grid.season > 0, self.grid.seasons),
                line=self.line,
                anchor=self._anchor,
                slots=(self._slot, self._first_slot, self._unit_at),
                cell=(self._cell_sum, self._cell_known, self._cell_slots),
                state=phase.state.value,
                lasting=(phase.quiet_slots, phase.one_sided, phase.alarms, phase.drop_told, self._leaps),
                recent=(*recent.state(), list(recent.sums)),
                past=(past.next, past.unit, roots, past.spread_memory.tobytes()),
                renewed=self._renewed,
                expected=None if expected is None else expected.tobytes(),
                weekdays=past.weekdays.logs.tobytes(),
                cusum=None if self._cusum is None else self._cusum.state(),
                origin=past.weekdays.origin,
                scale=scale,
                least_unit=self.least_unit,
            )
        )

    @classmethod
    def restore(cls, data: bytes) -> "SurgeDetector":
        """The detector that `snapshot` was taken of: it gives the same verdicts.

        Raises: msgspec.ValidationError when the bytes are no snapshot of this version.
        """
        saved = msgspec.msgpack.decode(data, type=Saved)
        interval_s, seasonal, seasons = saved.grid
        detector = cls(interval_s, seasonal=seasonal, anchor_us=saved.anchor, most_seasons=seasons)
        detector.line, detector.least_unit = saved.line, saved.least_unit
        detector._slot, detector._first_slot, detector._unit_at = saved.slots
        detector._cell_sum, detector._cell_known, detector._cell_slots = saved.cell
        phase = detector._phase
        phase.state = State(saved.state)
        phase.quiet_slots, phase.one_sided, phase.alarms, phase.drop_told, detector._leaps = saved.lasting
        at, values, is_known, sums = saved.recent
        detector._recent.restore(at, values, is_known)
        detector._recent.sums = sums
        detector._past.restore(*saved.past, saved.scale)
        if saved.origin is not None:  # Before it was kept, days of the week did not begin at midnight.
            detector._past.weekdays.restore(saved.weekdays, saved.origin)
        if saved.cusum is not None and detector._cusum is not None:
            detector._cusum.restore(saved.cusum)
        detector._renewed = saved.renewed
        if saved.expected is not None:
            detector._expected = expected_of(saved.expected)
        return detector

    def slot_of(self, at_us: int) -> int:
        """The number of the slot that an instant lies in; with the first value as anchor, of the nearest one."""
        if self._anchor is None:
            self._anchor = at_us
        if self._anchor == 0:
            return int(at_us // self._interval_us)
        return round((at_us - self._anchor) / self._interval_us)

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
        if number >= self.grid.renew or (number > 0 and past.turns_to_another_day()):
            if past.next >= self._unit_at // self.grid.per_cell:
                past.unit = unit_of(past.recent(max(self.grid.per_day, 60)))
                self._unit_at += max(self.grid.per_day, 24) * self.grid.per_cell
            past.unit = max(past.unit, self.least_unit)
            self._expected = past.expect()
            self._renewed = past.next
            self._looked_up = NEVER
            number = 0
            self._recent.settle()
        if past.next != self._looked_up:
            expected = self._expected
            assert expected is not None
            self._means, self._spreads = expected[:, number].tolist()
            self._looked_up = past.next

    def _judge(self, *, learn: bool, running: bool = False) -> Verdict:
        self._renew()
        unit, line, phase = self._past.unit, self.line, self._phase
        up, up_number, down, down_number, deviates = furthest(
            self._windows, self._recent, self._means, self._spreads, unit
        )
        if unit != 1.0:
            up, down = up / self._leaps, down / self._leaps
            if learn:
                self._leaps = learnt(self._leaps, deviates[self._short], self._day)
        elif self._cusum is not None and (learn or running):
            mean = self._means[0] * self._windows[0].share
            deviate, slots = self._cusum.look(
                self._recent.newest(), mean, self._spreads[0], line, self.grid.per_cell,
                learn=learn, normal=phase.state is State.NORMAL,
            )  # fmt: skip
            if deviate > up:
                up, up_number = deviate, self._window_of(slots)
        down = 0.0 if running else -DROP_SHARE * down
        if down >= line:
            down = line * (DROP_TOLD if phase.drop_told else 1.0 + DROP_GROWTH * log(down / line))
        deviate, number, direction = (up, up_number, "up") if up >= down else (down, down_number, "down")
        waiting = self._waiting((self._slot or 0) + (1 if running else 0))
        if running:
            state = phase.early(deviate, line, is_warming=waiting > 0)
        else:
            if learn:
                self._accept()
            phase.move(deviate, line, is_warming=waiting > 0, is_drop=direction == "down")
            state = phase.state
        expected = low = high = None
        first = self._means[0]
        if first == first:
            expected, low, high = self._range(first)
        return Verdict(
            score_of(deviate, line) if waiting <= 0 else 0.0, expected, low, high, state,
            direction if deviate > 0.0 else None, self.grid.windows[number] - 1,
            max(0, round(waiting * self.grid.interval_s)), self._recent.newest(),
            *self._sum_of(number),
        )  # fmt: skip

    def _window_of(self, slots: int) -> int:
        """The shortest window of so many slots, or the longest there is."""
        return next((one.number for one in self._windows if one.slots >= slots), len(self._windows) - 1)

    def _waiting(self, slot: int) -> int:
        """Slots until one may raise an alarm."""
        return self._warm_slots - (slot - self._first_slot)

    def _sum_of(self, number: int) -> tuple[float, float]:
        """What is known of a window's sum, and what was expected of that."""
        _, slots, column, share, _, _ = self._windows[number]
        mean = self._means[column] * share * self._past.unit
        if mean != mean:
            return 0.0, 0.0
        known = slots if not self._recent.unknown else self._recent.known[number]
        return self._recent.sums[number], mean * known / slots

    def _range(self, mean: float) -> tuple[float, float, float]:
        """Expected value of one slot, and the values at which it alone would be an alarm, in the series' own unit."""
        share = 1.0 / self.grid.per_cell
        root, reach = sqrt(mean * share + ROOT_SHIFT), 0.5 * self.line * sqrt(self._spreads[0])
        low = max(0.0, root - reach / DROP_SHARE) ** 2 - ROOT_SHIFT
        unit = self._past.unit
        return mean * share * unit, max(0.0, low) * unit, ((root + reach) ** 2 - ROOT_SHIFT) * unit

    def _accept(self) -> None:
        """Take a level that lasts for the new one, once values have lain on one side of the old one for long."""
        if self._cell_slots + 1 < self.grid.per_cell:
            return
        recent, windows = self._recent, self.grid.windows
        for number in range(self._short, len(windows)):
            mean = self._means[number - self._short]
            if mean != mean or (mean < JUDGED_FROM and number < len(windows) - 1):
                continue
            if recent.unknown and recent.known[number] < windows[number]:
                return
            cells = self._phase.lean(is_above=recent.sums[number] > mean * self._past.unit)
            if cells:
                self._past.shift_level(cells)
                self._renewed = NEVER
            return
