"""Idle is told from dead by a promise, or by the feed's own longest pause."""

import msgspec
import pytest

from streams.ledger.rules import DAY, HOUR, MINUTE, SECOND
from streams.tables.silence import FeedPauses, FeedWatch

FEED = "customer-events"
NOW = 20_000 * DAY


class Feed:
    """A feed, and whoever watches it every second or so."""

    def __init__(self, promise: int | None = None, since: int = NOW) -> None:
        self.promises = {} if promise is None else {FEED: promise}
        self.watch = FeedWatch(self.promises)
        self.read, self.at, self.now = 1, since, since
        self.look()

    def look(self) -> None:
        self.watch.note(FEED, self.read, self.at, self.now)

    def pass_by(self, span: int, *, record: bool) -> None:
        """Time goes by, at the end of which a record comes or does not."""
        self.now += span
        self.look()
        if record:
            self.read, self.at = self.read + 1, self.now
            self.look()

    def records(self, count: int, every: int) -> None:
        for _ in range(count):
            self.pass_by(every, record=True)

    def restart(self) -> None:
        """Another process goes on from what was saved."""
        saved = msgspec.msgpack.encode(self.watch.feeds)
        self.watch = FeedWatch(self.promises)
        self.watch.restore(msgspec.msgpack.decode(saved, type=dict[str, FeedPauses]))

    @property
    def is_silent(self) -> bool:
        return self.watch.is_silent(FEED, self.now)


def test_a_feed_that_misses_its_heartbeat_is_silent_a_minute_later() -> None:
    feed = Feed(promise=MINUTE)
    feed.pass_by(2 * MINUTE, record=False)
    assert not feed.is_silent
    feed.pass_by(1, record=False)
    assert feed.is_silent
    feed.pass_by(0, record=True)
    assert not feed.is_silent


def test_a_pause_beyond_the_longest_is_silence_and_one_as_ever_is_idle() -> None:
    feed = Feed()
    feed.records(16 * 12, 5 * MINUTE)
    feed.records(1, 8 * HOUR)
    feed.records(16 * 12, 5 * MINUTE)
    feed.pass_by(8 * HOUR, record=False)
    assert not feed.is_silent, "every night"
    feed.pass_by(2 * HOUR, record=False)
    assert not feed.is_silent
    feed.pass_by(1, record=False)
    assert feed.is_silent


def test_the_past_is_a_measure_after_a_day_and_never_for_less_than_five_minutes() -> None:
    feed = Feed()
    feed.records(23 * 60, MINUTE)
    feed.pass_by(12 * HOUR, record=False)
    assert feed.watch.silent_after(FEED) is None
    assert not feed.is_silent
    busy = Feed()
    busy.records(25 * 60, MINUTE)
    busy.pass_by(5 * MINUTE, record=False)
    assert not busy.is_silent
    busy.pass_by(SECOND, record=False)
    assert busy.is_silent


def test_a_pause_is_remembered_for_fourteen_days() -> None:
    feed = Feed()
    feed.records(1, 8 * HOUR)
    feed.records(13 * 24, HOUR)
    assert feed.watch.silent_after(FEED) == 10 * HOUR
    feed.records(24, HOUR)
    assert feed.watch.silent_after(FEED) == 75 * MINUTE


@pytest.mark.parametrize("dead", [True, False])
def test_a_restart_forgets_no_silence_and_takes_its_own_gap_for_no_pause(dead: bool) -> None:
    feed = Feed()
    feed.records(26 * 60, MINUTE)
    if not dead:
        # While nobody watched, records came; then they are read one batch after the other.
        feed.read, feed.at = feed.read + 100, feed.now + 2 * HOUR
    feed.now += 3 * HOUR
    feed.restart()
    feed.look()
    assert feed.is_silent == (dead or feed.now - feed.at > 5 * MINUTE)
    feed.pass_by(SECOND, record=True)
    assert not feed.is_silent
    assert feed.watch.silent_after(FEED) == (1.25 * (3 * HOUR + SECOND) if dead else 5 * MINUTE)


def test_the_first_look_goes_by_what_the_records_say() -> None:
    """A feed that had been dead for hours when the watch began is known to be from its last record on."""
    watch = FeedWatch({FEED: MINUTE})
    watch.note(FEED, 7, NOW - 3 * HOUR, NOW)
    assert watch.is_silent(FEED, NOW - 2 * HOUR)
    assert not watch.is_silent(FEED, NOW - 3 * HOUR)
    unheard = FeedWatch({FEED: MINUTE})
    unheard.note(FEED, 0, None, NOW)
    assert not unheard.is_silent(FEED, NOW + DAY), "nothing has come yet: not known, but not silent either"
