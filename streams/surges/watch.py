"""One series of the bank: its steps, how busy it is, and its open surge."""

from collections.abc import Iterable
from typing import Final
from zlib import crc32

import msgspec

from streams.surges.series import Series, series_of
from streams.surges.steps import (
    DAY_S,
    FINE_FROM,
    FINE_S,
    HOUR_FROM,
    HOUR_S,
    PROMOTED_AT,
    STEPS,
    Judged,
    SavedStep,
    Step,
    step_of,
)
from streams.surges.surge import Surge

KNOWN_EVENTS: Final = 12
KNOWN_DAYS: Final = 14
"""A series has a past when it had so many minutes with an event, or for so many days was seen to have none: a
collection that begins is no surge, and neither is the first call of a line that nobody called yet."""
BUSY_DAYS: Final = 7
"""Days over which it is averaged how busy a series is."""

_BUSY_FROM: Final = {FINE_S: FINE_FROM, HOUR_S: HOUR_FROM, DAY_S: 0.0}
_FINE: Final = FINE_S * 1_000_000
_HOUR: Final = HOUR_S * 1_000_000


class SavedWatch(msgspec.Struct, array_like=True, gc=False):
    """A series as it is kept."""

    clock: int
    series: dict[str, str]
    born: int
    events: tuple[int, int, int, int]
    busy: float
    busy_today: int
    days: int
    steps: list[SavedStep]
    surge: Surge | None
    told: tuple[int, float]


class Since(msgspec.Struct, array_like=True, gc=False):
    """What became of a series since it was last saved whole: some hundred bytes in place of thousands.

    Attributes: base: the clock of the bank then.
    """

    base: int
    clock: int
    events: tuple[int, int, int, int]
    busy: float
    busy_today: int
    days: int
    steps: list[Judged]
    surge: Surge | None
    told: tuple[int, float]


WHOLE_AFTER: Final = 12
"""Slots after which a series is saved whole again, up to twice as many, so that not all are in the same minute. Each
of them is judged once more when the series is restored."""


class Watch:
    """One series.

    Attributes:
        series: its key.
        born: start of its first minute.
        events: minutes with an event; `marked`: at `marked_at`, every hour; `known`: an hour before that.
        busy: minutes of a day with an event, averaged; `busy_today`: so far today.
        days: whole days seen.
        steps: finest first.
        surge: that is open, or None; `told`: when it was last told of, and with what excess.
    """

    __slots__ = (
        "_base",
        "_whole_after",
        "born",
        "busy",
        "busy_today",
        "days",
        "events",
        "known",
        "marked",
        "marked_at",
        "series",
        "steps",
        "surge",
        "told",
    )

    def __init__(self, key: Series, minute_us: int) -> None:
        self.series = key
        self.surge: Surge | None = None
        self.told = (0, 0.0)
        self._whole_after = WHOLE_AFTER + crc32(repr(key).encode()) % WHOLE_AFTER
        self._base: tuple[int, int] | None = None  # clock and number of steps, of when it was last saved whole
        self.begin(minute_us)

    def begin(self, minute_us: int) -> None:
        """Let the past begin in this minute."""
        self.born = self.marked_at = minute_us - minute_us % _FINE
        self.events = self.marked = self.known = self.busy_today = self.days = 0
        self.busy = 0.0
        self.steps = [Step(step_s) for step_s in STEPS]

    def count(self, amount: float | None) -> None:
        """Add what was counted in a minute of the running slots; None: not known."""
        for step in self.steps:
            if amount is None:
                step.unknown += 1
            else:
                step.value += amount
        if amount:
            self.events += 1
            self.busy_today += 1

    def has_past(self) -> bool:
        """Whether enough is known to call anything a surge."""
        return self.known >= KNOWN_EVENTS or self.days >= KNOWN_DAYS

    def mark(self, end_us: int) -> None:
        """At the end of a slot: what lies an hour back and more is its past."""
        if end_us - self.marked_at >= _HOUR:
            self.known = self.marked if self.marked_at > self.born else self.events
            self.marked, self.marked_at = self.events, end_us

    def warming_s(self) -> int:
        """Seconds until a step may raise an alarm; 0 as soon as one may."""
        return min(step.warming_s for step in self.steps)

    def end_day(self, *, is_whole: bool) -> None:
        """After a day: leave out the finer steps if the series turned out to be too quiet for them.

        What grows over weeks is looked for in wholes, and in what is too quiet for short slots.
        """
        self.days += 1
        self.busy += (self.busy_today - self.busy) / min(BUSY_DAYS, self.days)
        self.busy_today = 0
        if self.surge is not None or self.days <= 1:
            return
        self.steps = [step for step in self.steps if self.busy >= _BUSY_FROM[step.step_s]]
        lengths = [step.step_s for step in self.steps]
        if FINE_S in lengths and not is_whole:
            self.steps = [step for step in self.steps if step.step_s != DAY_S]
        elif DAY_S not in lengths:
            self.steps.append(Step(DAY_S))

    def finer(self) -> list[int]:
        """Lengths of the steps that it lacks and is busy enough for today; none while it surges."""
        if len(self.steps) == len(STEPS) or self.surge is not None or any(step.in_surge for step in self.steps):
            return []
        there = {step.step_s for step in self.steps}
        busy = self.busy_today / PROMOTED_AT
        return [step_s for step_s in (FINE_S, HOUR_S) if step_s not in there and busy >= _BUSY_FROM[step_s]]

    def watch_finer(self, lengths: Iterable[int]) -> None:
        """Take in steps of these lengths."""
        steps = [*(Step(step_s) for step_s in lengths), *self.steps]
        self.steps = sorted(steps, key=lambda step: step.step_s)

    def must_be_whole(self) -> bool:
        """Whether it must be saved whole: `since` does not tell all that it is now, or became long."""
        if self._base is None or self._base[1] != len(self.steps):
            return True
        slots = 0
        for step in self.steps:
            if step.judged is None:
                return True
            slots += step.slots_since
        return slots > self._whole_after

    def since(self, clock: int) -> Since:
        """What became of it since it was saved whole; not while it `must_be_whole`."""
        assert self._base is not None
        events = (self.events, self.marked, self.known, self.marked_at)
        steps = [step.since() for step in self.steps]
        return Since(
            self._base[0], clock, events, self.busy, self.busy_today, self.days, steps, self.surge, self.told
        )

    def go_on(self, since: Since) -> bool:
        """Take in what became of it; False, and nothing done, where that follows on another save than this one."""
        if self._base is None or since.base != self._base[0] or len(since.steps) != len(self.steps):
            return False
        for step, judged in zip(self.steps, since.steps, strict=True):
            step.judge_again(judged)
        (self.events, self.marked, self.known, self.marked_at), self.busy = since.events, since.busy
        self.busy_today, self.days = since.busy_today, since.days
        self.surge, self.told = since.surge, since.told
        return True

    def is_whole_at(self, clock: int) -> None:
        """It is saved whole as it is now: `since` tells what follows."""
        self._base = clock, len(self.steps)
        for step in self.steps:
            step.judged = b""

    def saved(self, clock: int) -> bytes:
        """All of it, for `watch_of`, with the clock of the bank; msgpack."""
        events = (self.events, self.marked, self.known, self.marked_at)
        steps = [step.saved() for step in self.steps]
        return msgspec.msgpack.encode(
            SavedWatch(
                clock, self.series.shown(), self.born, events, self.busy, self.busy_today, self.days, steps,
                self.surge, self.told,
            )
        )  # fmt: skip


def watch_of(data: bytes) -> tuple[Watch, int]:
    """The series that was saved, and the clock of the bank then.

    Raises: msgspec.ValidationError for what is no series of this version.
    """
    saved = msgspec.msgpack.decode(data, type=SavedWatch)
    watch = Watch(series_of(saved.series), saved.born)
    (watch.events, watch.marked, watch.known, watch.marked_at), watch.busy = saved.events, saved.busy
    watch.busy_today, watch.days = saved.busy_today, saved.days
    watch.steps = [step_of(step) for step in saved.steps]
    watch.surge, watch.told = saved.surge, saved.told
    watch.is_whole_at(saved.clock)
    return watch, saved.clock
