"""Watermarks: how far each partition has come in event time, and the clock of the tables.

Times are microseconds since 1970 UTC; the time of day of the wall comes in as an argument.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from streams.ledger.rules import MINUTE, SECOND


@dataclass(frozen=True, slots=True)
class ClockRules:
    """After how long without news a partition is idle, and how old a fresh record may be when appended."""

    idle_after_us: int = SECOND
    fresh_us: int = 15 * MINUTE


@dataclass(frozen=True, slots=True)
class PartitionState:
    """What the others need to know of a partition.

    `largest` is the largest event time admitted from it (None: nothing yet); `fresh`, whether the record that
    brought it was fresh when it was appended; `end`, up to which offset it was read when it became idle (None: it is
    not idle, or that is not known).
    """

    largest: int | None = None
    idle: bool = False
    fresh: bool = False
    end: int | None = None

    def awake(self) -> "PartitionState":
        """The same, not idle."""
        return PartitionState(self.largest, fresh=self.fresh)


class PartitionWatermark:
    """Follows the reading of one partition. Late facts are judged by `largest` alone."""

    def __init__(self, rules: ClockRules, largest: int | None = None, fresh: bool = False) -> None:
        self._rules = rules
        self.largest = largest
        self._fresh = fresh
        self._quiet_since: int | None = None  # None: not at the end
        self._end: int | None = None

    def admit(self, at: int, appended_at: int | None) -> None:
        """A record of this event time was admitted, heartbeats too; None: not known when it was appended."""
        if self.largest is None or at >= self.largest:
            self.largest = at
            self._fresh = appended_at is not None and abs(appended_at - at) <= self._rules.fresh_us

    def read(self) -> None:
        """Something new was read, whatever became of it: the partition is not idle."""
        self._quiet_since = self._end = None

    def reach_end(self, now: int, end: int | None = None) -> None:
        """The partition was found read to its end. Called at each look; the first starts the wait.

        `end`: the offset after the last record, if all before it has been applied; None: some may wait.
        """
        if end is not None:
            self._end = end
        if self._quiet_since is None:
            self._quiet_since = now

    def state(self, now: int) -> PartitionState:
        """What to tell the others now."""
        quiet = self._quiet_since
        idle = quiet is not None and now - quiet >= self._rules.idle_after_us
        return PartitionState(self.largest, idle, self._fresh, self._end if idle else None)


def watermarks(partitions: Mapping[int, PartitionState], now: int, rules: ClockRules) -> dict[int, int | None]:
    """The watermark of each partition of one topic; None: nothing is known of its time yet.

    An idle one follows the largest of the topic. If all are idle and the newest record was fresh, they go on
    with the wall clock.
    """
    known = [state for state in partitions.values() if state.largest is not None]
    newest = max(known, key=lambda state: (state.largest or 0, state.fresh), default=None)
    if newest is None:
        return dict.fromkeys(partitions)
    lead = newest.largest
    if lead is not None and newest.fresh and all(state.idle for state in partitions.values()):
        lead = max(lead, now - rules.idle_after_us)
    return {number: lead if state.idle else state.largest for number, state in partitions.items()}


class TablesClock:
    """The smallest watermark of all partitions of a topic. It never goes back."""

    def __init__(self, rules: ClockRules, count: int, clock: int | None = None) -> None:
        self._rules = rules
        self._count = count
        self.clock = clock

    def advance(
        self, partitions: Mapping[int, PartitionState], now: int, unread: Collection[int] = ()
    ) -> int | None:
        """The clock now; None until every partition has a watermark, and held while one is not known.

        `unread`: partitions that are known to hold more than was read of them, so that they are not idle.
        """
        awake = {number: partitions[number].awake() for number in unread if number in partitions}
        self.clock = self.would_be({**partitions, **awake}, now)
        return self.clock

    def would_be(self, partitions: Mapping[int, PartitionState], now: int) -> int | None:
        """What `advance` would make of it."""
        marks = watermarks(partitions, now, self._rules)
        known = [mark for mark in marks.values() if mark is not None]
        if known and len(known) == self._count:
            smallest = min(known)
            if self.clock is None or smallest > self.clock:
                return smallest
        return self.clock
