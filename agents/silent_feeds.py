"""Which feeds are silent, for whoever shows what is counted of them: any worker can tell, by the detectors' rule.

The detectors remember how long feeds pause and tell it on `surge-watch`; how much has come every worker sees itself.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from agents.surge_clocks import Counted, newest_of, watch_feed
from streams.ledger.rules import MINUTE, SECOND
from streams.surges.board import SurgeLog
from streams.tables.calendar import utc_text
from streams.tables.silence import LATE_US, FeedWatch


class CountedFeed(Counted, Protocol):
    """What is counted of a feed, company-wide, and whether that is known."""

    @property
    def complete(self) -> bool:
        """All that was counted before has been read back."""
        ...

    @property
    def clock(self) -> int | None:
        """How far the feed has come, microseconds; it may go on with the wall's. None: not known."""
        ...


class Silence(NamedTuple):
    """A feed that is silent.

    Attributes:
        since: when its last record came, microseconds.
        newest: the largest event time of a record, microseconds.
        known_until: up to this minute it has told, microseconds.
    """

    since: int
    newest: int
    known_until: int


class SilentFeeds:
    """Watches the feeds of which something is counted."""

    def __init__(
        self, promises: Mapping[str, int], counted: Mapping[str, CountedFeed], log: SurgeLog | None
    ) -> None:
        """Watch nothing yet.

        Args:
            promises: topic, without prefix, to how often it promises a record, microseconds.
            counted: topic to what is counted of it.
            log: what the detectors tell; None: there are none, so that only promises are a measure.
        """
        self._promises = promises
        self._counted = counted
        self._log = log
        self._watch = FeedWatch(promises)

    def look(self, now: int) -> None:
        """Note how much has come; `now`: wall clock, microseconds. To be called every second or so."""
        for topic, counted in self._counted.items():
            if counted.complete:
                watch_feed(self._watch, topic, counted, now)

    def silence(self, topic: str, until: int | None = None) -> Silence | None:
        """Of a feed that has kept silent up to an instant; None: it has not, or that is not known.

        `until`: microseconds; None: its own clock. One that does not go on with the wall's stands where the feed
        ends: history is never silent.
        """
        feed, after = self._watch.feeds.get(topic), self._after(topic)
        if feed is None or after is None:
            return None
        counted = self._counted[topic]
        until, newest = counted.clock if until is None else until, newest_of(counted)
        if until is None or newest is None or until <= feed.newest + after:
            return None
        return Silence(feed.newest, newest, min(until, newest - newest % MINUTE + MINUTE))

    def problems(self, until: int | None = None) -> list[dict[str, str]]:
        """Silent feeds as problems of the report card; `until`: as of `silence`."""
        found = []
        for topic in self._counted:
            silence = self.silence(topic, until)
            if silence is not None:
                since = utc_text(silence.since // SECOND * SECOND)
                text = f"{topic} is silent since {since}: what it would have told since is unknown, not zero"
                found.append({"problem": "silent_feed", "feed": topic, "text": text})
        return found

    def _after(self, topic: str) -> int | None:
        promise = self._promises.get(topic)
        if promise is not None:
            return promise + LATE_US
        told = {} if self._log is None else self._log.watching.get("silent_after_seconds", {})
        return None if topic not in told else round(told[topic] * SECOND)
