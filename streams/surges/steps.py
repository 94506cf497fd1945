"""How finely a series is watched: five minutes, hours or days, as its traffic allows.

A busy series is judged in slots of five minutes, and within the running one. A quiet one tells nothing in five
minutes: it is judged by the hour, or by the day alone. Every series is judged by the day as well, which sees what
grows over weeks. All of it is learnt from the series itself, by how many minutes of a day have an event.
"""

from math import isfinite
from typing import Final

import msgspec

from streams.surges.detector import SurgeDetector
from streams.surges.verdict import State, Verdict

MINUTES: Final = 60_000_000
FINE_S, HOUR_S, DAY_S = 300, 3_600, 86_400
STEPS: Final = (FINE_S, HOUR_S, DAY_S)

FINE_FROM, HOUR_FROM = 50.0, 5.0
"""Minutes of a day with an event, from which a series stays in slots of five minutes, or of an hour."""
PROMOTED_AT = 2.0
"""It must have so many times as many to be watched more finely than before."""
KNOWN_SHARE = 0.5
"""A slot of which less is known is unknown."""


class SavedStep(msgspec.Struct, array_like=True, gc=False):
    """A step as it is kept."""

    detector: bytes
    value: float
    unknown: int
    expected: float | None


class Step:
    """One series in slots of one length.

    Attributes:
        step_s: seconds of a slot.
        detector: judges the slots.
        value: what was counted in the running slot so far.
        unknown: minutes of it of which nothing is known.
        expected: of the running slot; None while nothing is known.
    """

    __slots__ = ("detector", "expected", "step_s", "unknown", "value")

    def __init__(self, step_s: int, detector: SurgeDetector | None = None) -> None:
        self.step_s = step_s
        self.detector = detector or SurgeDetector(step_s)
        self.value = 0.0
        self.unknown = 0
        self.expected: float | None = None

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
        self.value, self.unknown = 0.0, 0
        verdict = self.detector.observe(at_us, value)
        if verdict is not None:
            self.expected = verdict.expected
        return verdict

    def early(self, more: float) -> Verdict | None:
        """Judge the running slot before its end, with so many more; None while it holds no more than a whole one."""
        partial = self.value + more
        if self.expected is None or partial <= self.expected:
            return None
        return self.detector.early(partial)

    @property
    def in_surge(self) -> bool:
        """Whether a surge is told by this step, or still would be."""
        return self.detector.state is State.SURGE

    def saved(self) -> SavedStep:
        """For `step_of`."""
        return SavedStep(self.detector.snapshot(), self.value, self.unknown, self.expected)


def step_of(saved: SavedStep) -> Step:
    """The step that was saved. Raises: msgspec.ValidationError for what is no step of this version."""
    detector = SurgeDetector.restore(saved.detector)
    step = Step(round(detector.grid.interval_s), detector)
    step.value, step.unknown, step.expected = saved.value, saved.unknown, saved.expected
    return step


def hours_from(fine: Step, hour_us: int) -> Step:
    """A step of hours that knows what one of five minutes does.

    Args: hour_us: start of the running hour; the fine step has closed every slot before it.
    """
    hours = Step(HOUR_S)
    per_hour = HOUR_S // FINE_S
    cells = fine.detector.cells()
    cells = cells[len(cells) % per_hour :]
    count = len(cells) // per_hour
    for number in range(count):
        part = cells[number * per_hour : (number + 1) * per_hour]
        known = [value for value in part.tolist() if isfinite(value)]
        value = round(sum(known) * per_hour / len(known)) if 2 * len(known) >= per_hour else None
        hours.detector.observe(hour_us - (count - number) * HOUR_S * 1_000_000, value)
    return hours
