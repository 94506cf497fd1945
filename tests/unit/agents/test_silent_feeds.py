"""Which feeds are silent, as any worker tells: by what the definitions promise, or what the detectors have learnt."""

import orjson

from agents.silent_feeds import Silence, SilentFeeds
from streams.ledger.rules import DAY, HOUR, MINUTE, SECOND
from streams.surges.board import SurgeLog
from streams.tables.silence import LATE_US
from streams.tables.watermark import PartitionState

FACTS, SIGNALS = "customer-events", "qos-signals"
NOW = 20_000 * DAY + 20 * SECOND


class Counted:
    """What is counted of a feed: the newest record is of `newest`, and the clock goes on."""

    def __init__(self) -> None:
        self.newest, self.clock, self.read, self.complete = NOW, NOW, 1, True

    def states(self) -> dict[int, PartitionState]:
        return {0: PartitionState(self.newest, fresh=True), 1: PartitionState()}

    def offsets(self) -> dict[int, int]:
        return {0: self.read}


def log(**silent_after_s: float) -> SurgeLog:
    made = SurgeLog()
    told = {name.replace("_", "-"): after for name, after in silent_after_s.items()}
    made.take_watching(orjson.dumps({"silent_after_seconds": told}))
    return made


def after(still_us: int, feeds: SilentFeeds, *counted: Counted) -> None:
    feeds.look(NOW)
    for one in counted:
        one.clock = NOW + still_us
    feeds.look(NOW + still_us)


def test_a_promise_that_is_not_kept_is_silence_until_the_next_record() -> None:
    facts = Counted()
    feeds = SilentFeeds({FACTS: MINUTE}, {FACTS: facts}, None)
    after(MINUTE + LATE_US, feeds, facts)
    assert feeds.silence(FACTS) is None
    after(MINUTE + LATE_US + 1, feeds, facts)
    assert feeds.silence(FACTS) == Silence(NOW, NOW, NOW + 40 * SECOND), "the minute of its last record is known"
    assert feeds.silence(FACTS, NOW + MINUTE) is None, "then it was not yet silent"
    [problem] = feeds.problems()
    assert problem["text"].startswith("customer-events is silent since 2024-10-04T00:00:20Z: ")
    facts.read += 1
    feeds.look(NOW + 3 * MINUTE)
    assert feeds.silence(FACTS) is None
    assert feeds.problems() == []


def test_without_a_promise_what_the_detectors_tell_is_the_measure() -> None:
    facts, signals = Counted(), Counted()
    feeds = SilentFeeds({}, {FACTS: facts, SIGNALS: signals}, log(qos_signals=375.0))
    after(376 * SECOND, feeds, facts, signals)
    assert feeds.silence(FACTS) is None, "too little is known of it"
    assert feeds.silence(SIGNALS) is not None
    after(375 * SECOND, feeds, facts, signals)
    assert feeds.silence(SIGNALS) is None, "idle, as ever"


def test_history_is_never_silent_nor_what_is_not_read_back_or_not_read() -> None:
    history, begun = Counted(), Counted()
    begun.complete = False
    feeds = SilentFeeds({FACTS: MINUTE, SIGNALS: MINUTE}, {FACTS: history, SIGNALS: begun}, None)
    for now in (NOW, NOW + HOUR):
        feeds.look(now)
    begun.clock = NOW + HOUR
    assert feeds.silence(FACTS) is None, "its clock stands where it ends"
    assert feeds.silence(SIGNALS) is None
    assert feeds.silence("social-mentions") is None
