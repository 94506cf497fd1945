"""How unlike the rest each group usually is, and from which ratio on it may therefore be named.

A level is learnt for every value of an attribute from its own past, day by day: the ratio that it passed on no more
days than the budget of false namings allows. Some groups are always a little worse off than the rest, and are named
only when they are more so than they use to be.
"""

from math import log

import msgspec

LEAST = 17.5
"""A ratio that chance hardly reaches in a year, at a budget of one false naming a week: there are some thousand
candidates in five hundred independent looks a week, and e^17.5 is 40 million."""

REMEMBERED_DAYS = 56

UNTIL_LEARNT_DAYS = 42
"""While the past is shorter, little is known of how much groups differ: the level is higher, at first by half."""

Value = tuple[str, str]
"""(attribute, value)."""


class LevelsMemory(msgspec.Struct, array_like=True):
    """What levels are learnt from: days are numbers since any fixed one."""

    first: int | None
    today: int
    so_far: list[tuple[Value, float]]
    past: list[tuple[Value, list[tuple[int, float]]]]


class Levels:
    """Levels of one service and stage."""

    def __init__(self, per_week: float) -> None:
        self._per_week = per_week
        self._least = LEAST - log(min(1.0, per_week))
        self._first: int | None = None
        self._today = 0
        self._so_far: dict[Value, float] = {}
        self._past: dict[Value, list[tuple[int, float]]] = {}

    def memory(self) -> LevelsMemory:
        """What is known so far."""
        return LevelsMemory(self._first, self._today, list(self._so_far.items()), list(self._past.items()))

    def recall(self, memory: LevelsMemory) -> None:
        """Go on from what was known; for fresh levels only."""
        self._first, self._today = memory.first, memory.today
        self._so_far, self._past = dict(memory.so_far), dict(memory.past)

    @property
    def least(self) -> float:
        """The ratio that every subset must pass."""
        known = 0 if self._first is None else self._today - self._first
        return self._least * (1.0 + 0.5 * max(0.0, 1.0 - known / UNTIL_LEARNT_DAYS))

    def turn_to(self, day: int) -> None:
        """A look at a day (days since any fixed one): what was seen before it becomes the past."""
        if self._first is None:
            self._first = self._today = day
        if day <= self._today:
            return
        for value, most in self._so_far.items():
            self._past.setdefault(value, []).append((self._today, most))
        for value, days in list(self._past.items()):
            kept = [one for one in days if one[0] >= day - REMEMBERED_DAYS]
            if kept:
                self._past[value] = kept
            else:
                del self._past[value]
        self._so_far = {}
        self._today = day

    def note(self, alone: dict[Value, float]) -> None:
        """Ratios of values alone, as they are seen today."""
        so_far = self._so_far
        for value, ratio in alone.items():
            if ratio > so_far.get(value, 0.0):
                so_far[value] = ratio

    def level(self, value: Value) -> float:
        """The ratio that a subset with this value must pass."""
        days = self._past.get(value)
        if not days or self._first is None:
            return self.least
        allowed = int(min(self._today - self._first, REMEMBERED_DAYS) / 7 * self._per_week)
        ratios = sorted((ratio for _, ratio in days), reverse=True)
        return max(self.least, ratios[allowed]) if allowed < len(ratios) else self.least
