"""How finely a series is watched: five minutes, hours or days, as its traffic allows.

A busy series is judged in slots of five minutes, of an hour and of a day, each also within the running one: the short
ones are quick, the long ones see what grows slowly. A quiet series tells nothing in five minutes: it is judged by
hours and days, or by days alone. That is learnt from the series itself, by how many minutes of a day have an event.
"""

import zlib
from array import array
from math import isnan, nan
from struct import Struct
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
_VALUE: Final = Struct("<d")
_GIVEN: Final = Struct("<qdd")
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
        value: what was counted in the running slot so far.
        unknown: minutes of it of which nothing is known.
        expected: of the running slot; None while nothing is known.
        warming_s, known_days: as the detector's.
        is_told: this step told a surge; until its next slot ends that stands, whatever others say.
        judged: values since it was last saved whole, as `_VALUE`, NaN where unknown; None: it must be saved whole.
    """

    __slots__ = (
        "_detector", "_first", "_given", "_is_surging", "_packed", "expected", "is_told", "judged", "known_days",
        "step_s", "unknown", "value", "warming_s",
    )  # fmt: skip

    def __init__(self, step_s: int, detector: SurgeDetector | None = None) -> None:
        self.step_s = step_s
        self._detector: SurgeDetector | None = detector or SurgeDetector(step_s, most_seasons=SEASONS[step_s])
        self._packed = b""
        self.value = 0.0
        self.unknown = 0
        self.expected: float | None = None
        self.is_told = False
        self.judged: bytes | None = None
        self._first = 0
        self._given = b""  # from which of them on, the line and the least unit
        self._look(self.detector)

    @property
    def detector(self) -> SurgeDetector:
        """It judges the slots. Of hours and days, which are judged seldom, it is packed until it is asked."""
        if self._detector is None:
            self._detector, self._packed = SurgeDetector.restore(zlib.decompress(self._packed)), b""
        return self._detector

    def rest(self) -> None:
        """Take little memory until the next slot ends."""
        if self.step_s == FINE_S:
            self.detector.rest()
        elif self._detector is not None:
            self._packed, self._detector = zlib.compress(self._detector.snapshot(), 1), None

    def _look(self, detector: SurgeDetector) -> None:
        self.warming_s, self.known_days = detector.warming_s, detector.known_days
        self._is_surging = detector.state is State.SURGE

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
        detector = self.detector
        verdict = detector.observe(at_us, value)
        if verdict is not None:
            self.expected = verdict.expected
            self._look(detector)
        self.rest()
        return verdict

    def _note(self, at_us: int, value: float | None) -> None:
        judged = self.judged
        if judged is None:
            return
        slots = len(judged) // _VALUE.size
        if not slots:
            self._first = at_us
        elif at_us != self._first + slots * self.step_s * SECOND:
            self.judged = None  # slots were left out
            return
        given = (self.detector.line, self.detector.least_unit)
        if not slots or _GIVEN.unpack(self._given[-_GIVEN.size :])[1:] != given:
            self._given = (self._given if slots else b"") + _GIVEN.pack(slots, *given)
        self.judged = judged + _VALUE.pack(nan if value is None else value)

    def early(self, more: float) -> Verdict | None:
        """Judge the running slot before its end, with so many more; None while it holds no more than a whole one."""
        partial = self.value + more
        if self.expected is None or partial <= self.expected:
            return None
        packed, detector = self._packed, self.detector
        renewed = detector.renewed
        verdict = detector.early(partial)
        if packed and detector.renewed == renewed:
            self._detector, self._packed = None, packed  # Nothing was learnt.
        else:
            self.rest()
        return verdict

    @property
    def slots_since(self) -> int:
        """How many `judged` holds."""
        return len(self.judged or b"") // _VALUE.size

    @property
    def in_surge(self) -> bool:
        """Whether a surge is told by this step, or still would be."""
        return self.is_told or self._is_surging

    def saved(self) -> SavedStep:
        """For `step_of`."""
        whole = zlib.decompress(self._packed) if self._packed else self.detector.snapshot()
        return SavedStep(whole, self.value, self.unknown, self.expected, self.is_told)

    def since(self) -> Judged:
        """What it was given since it was last saved whole; only while `judged` is not None."""
        assert self.judged is not None
        slots = array("d")
        given = list(_GIVEN.iter_unpack(self._given)) if self.judged else []
        for number, (value,) in enumerate(_VALUE.iter_unpack(self.judged)):
            if len(given) > 1 and number >= given[1][0]:
                del given[0]
            slots.extend((value, *given[0][1:]))
        return Judged(self.value, self.unknown, self.is_told, self._first, slots.tobytes())

    def judge_again(self, since: Judged) -> None:
        """Take in what it was given after it was saved whole."""
        self.judged = b""
        at_us, slots = since.first, array("d", since.slots)
        for place in range(0, len(slots), _NOTED):
            known, self.detector.line, self.detector.least_unit = slots[place : place + _NOTED]
            value = None if isnan(known) else known
            self._note(at_us, value)
            self._observe(at_us, value)
            at_us += self.step_s * SECOND
        self.value, self.unknown, self.is_told = since.value, since.unknown, since.is_told


def step_of(saved: SavedStep) -> Step:
    """The step that was saved. Raises: msgspec.ValidationError for what is no step of this version."""
    detector = SurgeDetector.restore(saved.detector)
    step = Step(round(detector.grid.interval_s), detector)
    step.rest()
    step.value, step.unknown = saved.value, saved.unknown
    step.expected, step.is_told = saved.expected, saved.is_told
    return step
