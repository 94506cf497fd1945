"""What customers need: T as the definitions state it, else as it is learnt from the service's own past.

An hour of a service and stage is stood for by an upper quantile of its latencies. T is a margin above the slowest
such hour at about the same time of day in the days before; hours in which customers were disrupted teach nothing.
It holds for a whole hour and follows from hours that have ended, so that all partitions judge alike.
"""

from dataclasses import dataclass

from streams.health.columns import Kind
from streams.health.rules import HealthRules
from streams.ledger.rules import DAY, HOUR


@dataclass(frozen=True, slots=True)
class _Hour:
    latency_us: float
    usual: bool


class Needs:
    """T of every service, stage and segment, hour by hour."""

    def __init__(self, rules: HealthRules) -> None:
        self._rules = rules
        self._learning = rules.learning
        self._past: dict[Kind, dict[int, _Hour]] = {}
        self._first: dict[Kind, int] = {}
        self._now = 0
        self._learnt: dict[Kind, float | None] = {}
        self._stated: dict[tuple[str, str, str], int | None] = {}

    def begin(self, start: int) -> None:
        """The hour that begins at `start` is judged from now on."""
        if start != self._now:
            self._now = start
            self._learnt = {}

    def __call__(self, service: str, stage: str, segment: str) -> float | None:
        """T in microseconds; None where none is stated and there is too little past."""
        key = service, stage, segment
        if key not in self._stated:
            self._stated[key] = self._rules.satisfied_us(service, stage, segment)
        stated = self._stated[key]
        return self.learnt((service, stage)) if stated is None else float(stated)

    def is_stated(self, kind: Kind) -> bool:
        """Whether a need is stated for a service and stage whatever the segment."""
        return self._rules.satisfied_us(*kind, "") is not None

    def learnt(self, kind: Kind) -> float | None:
        """T from the past of a service and stage, for the hour that was begun."""
        if kind not in self._learnt:
            self._learnt[kind] = self._learn(kind)
        return self._learnt[kind]

    def absorb(self, kind: Kind, hour: int, latency_us: float, usual: bool) -> None:
        """The hour that began at `hour` has ended: its upper quantile, and whether customers fared as usual."""
        past = self._past.setdefault(kind, {})
        self._first.setdefault(kind, hour)
        past[hour] = _Hour(latency_us, usual)
        self._learnt.pop(kind, None)
        oldest = hour - (self._learning.days + 1) * DAY
        while (first := next(iter(past))) < oldest:
            del past[first]

    def _learn(self, kind: Kind) -> float | None:
        past, learning = self._past.get(kind), self._learning
        if past is None or self._now - self._first[kind] < learning.after_us:
            return None
        around = range(-learning.around_hours, learning.around_hours + 1)
        starts = (self._now - day * DAY + hour * HOUR for day in range(1, learning.days + 1) for hour in around)
        hours = [past[start] for start in starts if start in past and start < self._now]
        usual = [hour.latency_us for hour in hours if hour.usual] or [hour.latency_us for hour in hours]
        return learning.margin * max(usual) if usual else None
