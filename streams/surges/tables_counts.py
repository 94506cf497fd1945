"""What a running worker counts for the detectors: losses and mentions, out of the merged tables."""

from collections.abc import Iterable, Iterator
from typing import Final

from streams.health.live.company import CompanyHealth
from streams.ledger.movements import Movement, MovementKind, Scope
from streams.ledger.rules import DAY, MINUTE
from streams.surges.counting import Count, of_disrupted, of_mention, of_movement
from streams.surges.series import Series
from streams.tables.buckets import HOURS, MINUTES, Bucket
from streams.tables.cells import LOST
from streams.tables.tables import Tables
from streams.voice.merged import Change

KEPT_US: Final = 14 * DAY
"""How long mentions are kept by the minute: as long as detectors may lag behind, as in a replay."""


def losses(tables: Tables, minute: int) -> Iterator[Count]:
    """Losses of a minute, as the merged tables have them.

    What is older than minutes are kept is counted in the first minute of its hour, or of its day.
    """
    buckets, calendar = tables.buckets, tables.calendar
    level = buckets.level_at(minute)
    if level == MINUTES:
        found = buckets.minutes.get(minute)
    elif level == HOURS:
        found = buckets.hours.get(minute) if minute == calendar.hour_start(minute) else None
    else:
        found = buckets.days.get(minute) if minute == calendar.day_start(minute) else None
    if found is None:
        return
    for cell, (customers, value) in Bucket.of(found).plain.items():
        code, segment, region, product, reason, kind, _, _ = cell
        if code == LOST:
            scope = Scope(segment, region, product)
            loss = Movement(MovementKind.LOST, minute, scope, customers, value, None, reason=reason, loss_kind=kind)
            yield from of_movement(loss, 1)


def disrupted(health: CompanyHealth, minute: int) -> Iterator[Count]:
    """Customers disrupted in a minute, by scope."""
    number = minute // MINUTE
    for scope, amount in health.disrupted.get(number, {}).items():
        yield of_disrupted(scope, number, amount)


class MentionCounts:
    """Happy and unhappy mentions by minute, as they stand now.

    Attributes:
        late: counts since they were last asked for, corrections with a minus; whoever judges takes those that came
            too late, and empties the list.
        first: the first minute with a mention; None before one.
    """

    def __init__(self) -> None:
        self.late: list[Count] = []
        self.first: int | None = None
        self._minutes: dict[int, dict[tuple[tuple[Series, ...], tuple[tuple[str, str], ...]], float]] = {}

    def take(self, changes: Iterable[Change]) -> None:
        """Mentions that were counted or taken out again."""
        for change in changes:
            if self.first is None or change.minute < self.first:
                self.first = change.minute
            for count in of_mention(change):
                counted = self._minutes.setdefault(count.minute, {})
                key = count.keys, count.parts
                counted[key] = counted.get(key, 0.0) + count.amount
                if not counted[key]:
                    del counted[key]
                self.late.append(count)

    def minute(self, start: int) -> list[Count]:
        """What was said in a minute."""
        counted = self._minutes.get(start, {})
        return [Count(start, keys, amount, parts) for (keys, parts), amount in counted.items()]

    def forget(self, clock: int) -> None:
        """Let go of what is older than is kept."""
        for start in [start for start in self._minutes if start < clock - KEPT_US]:
            del self._minutes[start]
