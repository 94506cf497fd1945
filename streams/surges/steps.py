"""How finely a series is watched: five minutes, hours or days, as its traffic allows.

A busy series is judged in slots of five minutes, of an hour and of a day, each also within the running one: the short
ones are quick, the long ones see what grows slowly. A quiet series tells nothing in five minutes: it is judged by
hours and days, or by days alone. That is learnt from the series itself, by how many minutes of a day have an event.
"""

from array import array
from math import isnan, nan
from typing import Final

import msgspec

from streams.surges.detector import SurgeDetector
from streams.surges.verdict import State, Verdict

SECOND: Final = 1_000_000
MINUTES: Final = 60 * SECOND
FINE_S, HOUR_S, DAY_S = 300, 3_600, 86_400
STEPS: Final = (FINE_S, HOUR_S, DAY_S)

SEASONS: Final = {FINE_S: 6, HOUR_S: 14, DAY_S: 26}
"""Days that slots of five minutes and hours remember, weeks that days do: all together under 10 kB a series."""
FINE_FROM, HOUR_FROM = 50.0, 5.0
"""Minutes of a day with an event, from which a series stays in slots of five minutes, or of an hour."""
PROMOTED_AT = 2.0
"""It must have so many times as many to be watched more finely than before."""
_NOTED: Final = 3
"""Numbers of a slot in `Judged.slots`."""
KNOWN_SHARE = 0.5
"""A slot of which less is known is unknown."""


class SavedStep(msgspec.Struct, array_like=True, gc=False):
    """A step as it is kept."""

    detector: bytes
    value: float
    unknown: int
    expected: float | None
    is_told: bool


class Judged(msgspec.Struct, array_like=True, gc=False):
    """What a step was given since it was last saved whole: the same slots make the same step of that again.

    Attributes:
        value, unknown, is_told: of the running slot.
        first: where the first of these slots lies.
        slots: of each, its value (NaN: unknown), the line and the least unit; eight bytes each.
    """

    value: float
    unknown: int
    is_told: bool
    first: int
    slots: bytes


class Step:
    """One series in slots of one length.

    Attributes:
        step_s: seconds of a slot.
        detector: judges the slots.
        value: what was counted in the running slot so far.
        unknown: minutes of it of which nothing is known.
        expected: of the running slot; None while nothing is known.
        is_told: this step told a surge; until its next slot ends that stands, whatever others say.
        judged: what it was given since it was last saved whole, as in `Judged`; None: it must be saved whole.
    """

    __slots__ = ("_first", "detector", "expected", "is_told", "judged", "step_s", "unknown", "value")

    def __init__(self, step_s: int, detector: SurgeDetector | None = None) -> None:
        self.step_s = step_s
        self.detector = detector or SurgeDetector(step_s, most_seasons=SEASONS[step_s])
        self.value = 0.0
        self.unknown = 0
        self.expected: float | None = None
        self.is_told = False
        self.judged: array[float] | None = None
        self._first = 0

    def close(self, at_us: int, minutes: int) -> Verdict | None:
        """Judge the running slot at its end, and begin the next.

        Args:
            at_us: where the slot lies for the detector.
            minutes: its length.
        """
        known = 1.0 - self.unknown / minutes
        value: float | None = None
        if known >= KNOWN_SHARE:
            value = self.value if known == 1.0 else float(round(self.value / known))
        self.value, self.unknown, self.is_told = 0.0, 0, False
        self._note(at_us, value)
        return self._observe(at_us, value)

    def _observe(self, at_us: int, value: float | None) -> Verdict | None:
        verdict = self.detector.observe(at_us, value)
        if verdict is not None:
            self.expected = verdict.expected
        self.detector.rest()
        return verdict

    def _note(self, at_us: int, value: float | None) -> None:
        judged = self.judged
        if judged is None:
            return
        if not judged:
            self._first = at_us
        elif at_us != self._first + len(judged) // _NOTED * self.step_s * SECOND:
            self.judged = None  # slots were left out
            return
        judged.extend((nan if value is None else value, self.detector.line, self.detector.least_unit))

    def early(self, more: float) -> Verdict | None:
        """Judge the running slot before its end, with so many more; None while it holds no more than a whole one."""
        partial = self.value + more
        if self.expected is None or partial <= self.expected:
            return None
        verdict = self.detector.early(partial)
        self.detector.rest()
        return verdict

    @property
    def in_surge(self) -> bool:
        """Whether a surge is told by this step, or still would be."""
        return self.is_told or self.detector.state is State.SURGE

    def saved(self) -> SavedStep:
        """For `step_of`."""
        return SavedStep(self.detector.snapshot(), self.value, self.unknown, self.expected, self.is_told)

    def since(self) -> Judged:
        """What it was given since it was last saved whole; only while `judged` is not None."""
        assert self.judged is not None
        return Judged(self.value, self.unknown, self.is_told, self._first, self.judged.tobytes())

    def judge_again(self, since: Judged) -> None:
        """Take in what it was given after it was saved whole."""
        self.judged = array("d", since.slots)
        self._first = at_us = since.first
        for place in range(0, len(self.judged), _NOTED):
            value, self.detector.line, self.detector.least_unit = self.judged[place : place + _NOTED]
            self._observe(at_us, None if isnan(value) else value)
            at_us += self.step_s * SECOND
        self.value, self.unknown, self.is_told = since.value, since.unknown, since.is_told


def step_of(saved: SavedStep) -> Step:
    """The step that was saved. Raises: msgspec.ValidationError for what is no step of this version."""
    detector = SurgeDetector.restore(saved.detector)
    step = Step(round(detector.grid.interval_s), detector)
    step.value, step.unknown = saved.value, saved.unknown
    step.expected, step.is_told = saved.expected, saved.is_told
    return step
