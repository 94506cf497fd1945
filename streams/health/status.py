"""What operations say of services over time, and false green: status up while customers are red."""

from bisect import bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass

from streams.health.parts import ScopeName
from streams.health.signals import Level, Status
from streams.ledger.rules import MINUTE

Feed = tuple[str, str | None, str | None]
"""(service, stage or all, region or all)."""

FORGIVEN_MINUTES = 5
"""Minutes without a red one that do not end a false green: customers may be few."""


KEPT_MINUTES = 8 * 1440
"""How far back words are kept beside the last one before."""


class StatusBook:
    """The last word of operations at every minute. Within a minute the worst word holds.

    A word that is not said again holds for `stale_minutes`, None: for ever; after that it is none.

    Attributes:
        changes: how often words came or went.
    """

    def __init__(self, stale_minutes: int | None = None) -> None:
        self._stale_minutes = stale_minutes
        self._feeds: dict[Feed, list[tuple[int, int]]] = {}  # (minute, level), by minute
        self._regions: dict[tuple[str, str | None], set[str]] = {}
        self.changes = 0

    def add(self, statuses: Iterable[Status]) -> None:
        """Statuses in any order, each as often as one likes."""
        self.changes += 1
        for status in statuses:
            feed = status.service, status.stage, status.region
            minute = status.at // MINUTE
            steps = self._feeds.setdefault(feed, [])
            if status.region is not None:
                self._regions.setdefault(feed[:2], set()).add(status.region)
            entry = minute, int(status.level)
            if not steps or steps[-1] < entry:
                steps.append(entry)
            elif (place := bisect_right(steps, entry)) == 0 or steps[place - 1] != entry:
                insort(steps, entry)

    @property
    def feeds(self) -> list[Feed]:
        """Every service, stage and region that a word was said of."""
        return sorted(self._feeds, key=lambda feed: tuple(name or "" for name in feed))

    def steps(self, feed: Feed) -> list[tuple[int, int]]:
        """(minute, level) of each word of a feed."""
        return self._feeds.get(feed, [])

    def is_stale(self, feed: Feed, minute: int) -> bool:
        """Whether the last word of a feed is too old to hold in a minute after it."""
        return self._stale_minutes is not None and minute - self._feeds[feed][-1][0] > self._stale_minutes

    def is_known(self, minute: int) -> bool:
        """Whether any word holds in a minute after all of them."""
        return any(steps and not self.is_stale(feed, minute) for feed, steps in self._feeds.items())

    def replace(self, feed: Feed, steps: list[tuple[int, int]]) -> None:
        """All that was said of a feed, in order."""
        self.changes += 1
        self._feeds[feed] = steps
        if feed[2] is not None:
            self._regions.setdefault(feed[:2], set()).add(feed[2])

    def forget(self, feed: Feed, before: int) -> None:
        """Let go of words before a minute, but for the last of them."""
        self.changes += 1
        steps = self._feeds[feed]
        place = bisect_right(steps, (before, -1)) - 1
        if place > 0:
            del steps[:place]

    def level(self, scope: ScopeName, minute: int) -> Level | None:
        """What operations said of a scope in a minute (since 1970); None: nothing so far, or too long ago.

        The word that names the scope most closely holds: its stage and region, then its stage, then its region. For
        a service as a whole the worst of its regions holds where no word is of all of them.
        """
        service, stage, region = scope.service, scope.stage, scope.region
        for feed_stage in (stage, None):
            feeds: list[Feed] = [(service, feed_stage, region)] if region is not None else []
            found = self._last([*feeds], minute)
            if found is None:
                found = self._last([(service, feed_stage, None)], minute)
            if found is None and region is None:
                regions = self._regions.get((service, feed_stage), ())
                found = self._last([(service, feed_stage, one) for one in regions], minute)
            if found is not None:
                return found
        return None

    def _last(self, feeds: list[Feed], minute: int) -> Level | None:
        worst = -1
        for feed in feeds:
            steps = self._feeds.get(feed)
            if steps:
                place = bisect_right(steps, (minute, len(Level)))
                if place and (self._stale_minutes is None or minute - steps[place - 1][0] <= self._stale_minutes):
                    worst = max(worst, steps[place - 1][1])
        return None if worst < 0 else Level(worst)


@dataclass(slots=True)
class FalseGreen:
    """Minutes in which customers of a scope were red while its status was up.

    Attributes:
        start, end: minutes since 1970, [start, end).
        minutes: how many of them were.
    """

    scope: ScopeName
    start: int
    end: int
    minutes: int


class FalseGreens:
    """False green by scope; minutes of a scope come in order.

    Attributes:
        unknown_minutes: red minutes of which nobody knows what operations said; those of stages as a whole left out.
    """

    def __init__(self) -> None:
        self.unknown_minutes = 0
        self.ended: list[FalseGreen] = []
        self._open: dict[ScopeName, FalseGreen] = {}

    def judge(self, scope: ScopeName, minute: int, said: Level | None) -> None:
        """Customers were red in this minute; `said`: by operations, None for nothing."""
        if said is Level.UP:
            self.add(scope, minute)
        elif said is None:
            self.unknown_minutes += scope.segment is not None

    def add(self, scope: ScopeName, minute: int) -> None:
        """Customers were red in this minute, and the status was up."""
        held = self._open.get(scope)
        if held is not None and minute <= held.end + FORGIVEN_MINUTES:
            held.end = minute + 1
            held.minutes += 1
            return
        if held is not None:
            self.ended.append(held)
        self._open[scope] = FalseGreen(scope, minute, minute + 1, 1)

    def all(self) -> list[FalseGreen]:
        """Those that ended and those that last, by their start."""
        found = [*self.ended, *self._open.values()]
        return sorted(found, key=lambda one: (one.start, tuple(name or "" for name in one.scope)))
