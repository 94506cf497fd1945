"""Idle or dead: whether a feed that stands still pauses as it ordinarily does, or is silent.

What a silent feed would have told is unknown, not zero. Times and spans are microseconds; the wall clock comes in as
an argument.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from streams.ledger.rules import DAY, MINUTE

LEAST_US: Final = 5 * MINUTE
"""Below which no pause is a silence, where nothing is promised."""

OVER: Final = 1.25
"""Times the longest ordinary pause: so long is a silence."""

LEARNT_US: Final = DAY
"""How long a feed is watched before its own past is a measure: once through night and day."""

KEPT_DAYS: Final = 14
"""Pauses that are remembered."""

LATE_US: Final = MINUTE
"""So late a promised heartbeat may be before minutes are unknown without it: it travels, and senders jitter."""


class FeedPauses(msgspec.Struct, array_like=True, gc=False):
    """How a feed has come, for as long as somebody watches it.

    Attributes:
        read: records that have come in all, as of `newest`.
        newest: when the newest of them came.
        since: since when the feed is watched.
        days: day, counted from 1970, to the longest pause that ended in it; pauses of less than a minute are none.
    """

    read: int
    newest: int
    since: int
    days: dict[int, int] = {}

    def silent_after(self, promise_us: int | None) -> int | None:
        """After how long without a record the feed is silent; None: too little is known of it.

        `promise_us`: so often a record comes, if only a heartbeat, as the definitions promise; None: they do not.
        """
        if promise_us is not None:
            return promise_us + LATE_US
        if self.newest - self.since < LEARNT_US:
            return None
        return max(LEAST_US, round(OVER * max(self.days.values(), default=0)))

    def learn(self, now: int, pause: int) -> None:
        """A pause has ended now; those older than are kept are forgotten."""
        today = now // DAY
        if pause >= MINUTE:
            self.days[today] = max(pause, self.days.get(today, 0))
        for day in [day for day in self.days if day <= today - KEPT_DAYS]:
            del self.days[day]


class FeedWatch:
    """Watches feeds, each by how many records have come of it.

    A pause counts when its beginning and its end were seen: what came while nobody watched may have come at any time.

    Attributes:
        feeds: topic, without prefix, to how it has come; to be saved.
    """

    def __init__(self, promises: Mapping[str, int]) -> None:
        """`promises`: topic to how often it promises a record."""
        self.feeds: dict[str, FeedPauses] = {}
        self._promises = promises
        self._still: dict[str, int] = {}  # topic to since when it stands still, as far as this process knows

    def restore(self, feeds: dict[str, FeedPauses]) -> None:
        """Go on from what was saved."""
        self.feeds = feeds
        self._still = {}

    def note(self, topic: str, read: int, at: int | None, now: int) -> None:
        """So many records of a feed have come in all by now; `at`: the newest instant that one told, if any did.

        The first look after a restart finds what came meanwhile: its own instants then say when, not this clock.
        """
        feed = self.feeds.get(topic)
        if at is None and (feed is None or feed.read == read):
            return
        told = now if at is None else min(at, now)
        still = self._still.get(topic)
        if feed is None:
            self.feeds[topic] = FeedPauses(read, told, now)
        elif feed.read == read:
            self._still.setdefault(topic, max(feed.newest, feed.since))
            return
        elif still is None:
            feed.read, feed.newest = read, max(feed.newest, told)
        else:
            feed.read, feed.newest = read, now
            feed.learn(now, now - still)
        self._still[topic] = now

    def silent_after(self, topic: str) -> int | None:
        """After how long without a record a feed is silent; None: nothing, or too little, is known of it."""
        feed = self.feeds.get(topic)
        return None if feed is None else feed.silent_after(self._promises.get(topic))

    def limits(self) -> dict[str, int]:
        """Feeds of which enough is known, each with `silent_after`."""
        known = {topic: self.silent_after(topic) for topic in self.feeds}
        return {topic: after for topic, after in known.items() if after is not None}

    def is_silent(self, topic: str, until: int) -> bool:
        """Whether a feed has kept silent up to an instant: nothing is known of what it would have told then."""
        after = self.silent_after(topic)
        return after is not None and until > self.feeds[topic].newest + after
