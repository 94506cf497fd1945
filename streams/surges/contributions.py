"""What an excess consists of: which segments, reasons, topics and channels grew, by counts of hours and days."""

from collections import Counter
from typing import Final

from streams.ledger.rules import DAY, HOUR
from streams.surges.counting import Count
from streams.surges.series import Parts, Series
from streams.surges.surge import Contribution

HOURS_KEPT: Final = 3 * DAY
DAYS_KEPT: Final = 60 * DAY
MOST_VALUES: Final = 200
"""Values of one label told apart in one bucket; the others are `other`."""
LEAST_SHARE: Final = 0.02
MOST_SHOWN: Final = 5

_Buckets = dict[int, Counter[tuple[str, str]]]


class Contributions:
    """Counts by label of each series, in buckets of hours (three days back) and of days (sixty)."""

    def __init__(self) -> None:
        self._hours: dict[Series, _Buckets] = {}
        self._days: dict[Series, _Buckets] = {}

    def add(self, count: Count) -> None:
        """Take in a count. What a series is labelled by is no evidence for it."""
        for key in count.keys:
            parts = tuple(part for part in count.parts if part not in key.labels)
            _book(self._hours.setdefault(key, {}), count.minute - count.minute % HOUR, parts, count.amount)
            _book(self._days.setdefault(key, {}), count.minute - count.minute % DAY, parts, count.amount)

    def forget(self, clock: int) -> None:
        """Let go of what is too old to be asked for."""
        for held, kept in ((self._hours, HOURS_KEPT), (self._days, DAYS_KEPT)):
            for key in list(held):
                buckets = held[key]
                for start in [start for start in buckets if start < clock - kept]:
                    del buckets[start]
                if not buckets:
                    del held[key]

    def evidence(self, series: Series, onset_us: int, until_us: int, direction: str) -> tuple[Contribution, ...]:
        """Of each label, the values with the largest shares of the excess of [onset, until).

        The excess of a value is what was counted of it less what was usual before the onset in as long a time;
        shares are of the sum over the values of a label that lie on the surge's side.
        """
        short = until_us - onset_us <= HOURS_KEPT // 2
        unit = HOUR if short else DAY
        buckets = (self._hours if short else self._days).get(series, {})
        start = onset_us - onset_us % unit
        now, before = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        earliest = min(buckets, default=start)
        for at, counted in buckets.items():
            (now if at >= start else before).update(counted)
        lasted, past = (until_us - start) / unit, (start - earliest) / unit
        sign = 1.0 if direction == "up" else -1.0
        excess: dict[str, list[tuple[float, str]]] = {}
        for label, value in now.keys() | before.keys():
            part = label, value
            usual = before[part] * lasted / past if past else 0.0
            more = sign * (now[part] - usual)
            if more > 0.0:
                excess.setdefault(label, []).append((more, value))
        found = []
        for label, values in sorted(excess.items()):
            total = sum(more for more, _ in values)
            for more, value in sorted(values, key=lambda one: (-one[0], one[1]))[:MOST_SHOWN]:
                if more >= LEAST_SHARE * total:
                    found.append(Contribution(label, value, more / total))
        return tuple(found)


def _book(buckets: _Buckets, start: int, parts: Parts, amount: float) -> None:
    counted = buckets.get(start)
    if counted is None:
        counted = buckets[start] = Counter()
    for part in parts:
        if part not in counted and len(counted) >= MOST_VALUES:
            part = part[0], "other"
        counted[part] += amount  # type: ignore[assignment]  # Counter adds up what is no whole number as well.
