"""Hourly counts of unhappy mentions by topic and of losses by reason, kept for a month, to see which comes first."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from streams.facts.models import UNKNOWN
from streams.ledger.rules import DAY, HOUR
from streams.surges.counting import Count
from streams.surges.series import LOST_CUSTOMERS, UNHAPPY_MENTIONS
from streams.surges.tie import Tie, tie_of

KEPT_US: Final = 28 * DAY
MOST_NAMES: Final = 200
"""Topics and reasons that are told apart in an hour."""

_LABELS: Final = {UNHAPPY_MENTIONS: "topic", LOST_CUSTOMERS: "reason"}

_Hour = dict[tuple[str, str], float]


class HourlyCounts:
    """Counts by hour, label and value.

    Attributes:
        changed: starts of hours whose counts are no longer what was saved; whoever saves them empties it.
    """

    def __init__(self) -> None:
        self.changed: set[int] = set()
        self._hours: dict[int, _Hour] = {}

    def add(self, count: Count) -> None:
        """Take in a count."""
        label = _LABELS.get(count.keys[0].measure)
        if label is None:
            return
        hour = count.minute - count.minute % HOUR
        counted = self._hours.setdefault(hour, {})
        for part in count.parts:
            if part[0] == label and part[1] != UNKNOWN and (part in counted or len(counted) < MOST_NAMES):
                counted[part] = counted.get(part, 0.0) + count.amount
                self.changed.add(hour)

    def forget(self, clock: int) -> list[int]:
        """Let go of hours that are too old; their starts."""
        gone = [hour for hour in self._hours if hour < clock - KEPT_US]
        for hour in gone:
            del self._hours[hour]
        self.changed.difference_update(gone)
        return gone

    def saved(self, hour: int) -> bytes:
        """An hour, for `restore`."""
        return msgspec.msgpack.encode(list(self._hours.get(hour, {}).items()))

    def restore(self, hour: int, data: bytes) -> None:
        """Take over an hour. Raises: msgspec.ValidationError."""
        self._hours[hour] = dict(msgspec.msgpack.decode(data, type=list[tuple[tuple[str, str], float]]))

    def ties(self, clock: int) -> Iterator[tuple[str, Tie | None]]:
        """Topics that are reasons as well, and by how long their unhappy mentions come before losses, if they do."""
        by_name: dict[tuple[str, str], dict[int, float]] = {}
        for hour, counted in self._hours.items():
            for part, number in counted.items():
                by_name.setdefault(part, {})[hour] = number
        end = clock - clock % HOUR
        for label, name in sorted(by_name):
            if label == "topic" and ("reason", name) in by_name:
                yield name, _tie(by_name["topic", name], by_name["reason", name], end)


def _tie(mentions: Mapping[int, float], losses: Mapping[int, float], end: int) -> Tie | None:
    return tie_of(mentions, losses, max(min(mentions), min(losses)), end)
