"""Up to when surges are looked for: as far as every feed has come, for as long as it is worth waiting for; and of
what nothing is known in a minute: a feed that is silent tells no zeros."""

import asyncio
from collections.abc import Collection, Mapping

from agents.surge_clocks import BEGINNING_US, PATIENCE_US, SurgeClocks, watch_feed
from streams.ledger.rules import DAY, HOUR, MINUTE
from streams.surges.own_series import OwnCounting
from streams.tables.silence import FeedWatch
from streams.tables.watermark import PartitionState

NOW = 20_000 * DAY


class Told:
    """What partitions told of a feed."""

    def __init__(self) -> None:
        self.read, self.at = 0, NOW

    def states(self) -> dict[int, PartitionState]:
        return {0: PartitionState(self.at, idle=True, fresh=True), 1: PartitionState()}

    def offsets(self) -> dict[int, int]:
        return {0: self.read, 1: 0}


def unknown_after(still: int, promises: dict[str, int]) -> set[str]:
    """A day of facts and signals each minute, then facts alone; clocks go on with the wall's."""
    clocks, watch = SurgeClocks(OwnCounting(()), None), FeedWatch(promises)
    facts, signals = Told(), Told()
    for minute in range((25 * HOUR + still) // MINUTE + 1):
        now = NOW + minute * MINUTE
        if minute <= 25 * HOUR // MINUTE:
            signals.read, signals.at = signals.read + 100, now
        facts.read, facts.at = facts.read + 1, now
        for clock, told in ((clocks.ledger, facts), (clocks.health, signals)):
            clock.move(now, NOW, now)
            watch_feed(watch, clock.topic, told, now)
    found = clocks.unknown(now - MINUTE, watch)
    assert clocks.until(now) == now
    return set(found)


def test_losses_and_disruptions_of_a_dead_feed_are_unknown_and_of_an_idle_one_zero() -> None:
    disrupted = {"disrupted_customers"}
    assert not disrupted & unknown_after(5 * MINUTE, {})
    assert disrupted <= unknown_after(6 * MINUTE, {})
    assert "lost_customers" not in unknown_after(6 * MINUTE, {}), "that feed lives"


def test_a_promise_is_held_sooner_and_later_than_the_past() -> None:
    disrupted = {"disrupted_customers"}
    assert disrupted <= unknown_after(3 * MINUTE, {"qos-signals": MINUTE})
    assert not disrupted & unknown_after(2 * MINUTE, {"qos-signals": MINUTE})
    assert not disrupted & unknown_after(20 * MINUTE, {"qos-signals": HOUR})


def test_what_has_not_begun_or_is_not_there_yet_is_unknown() -> None:
    clocks, watch = SurgeClocks(OwnCounting(()), None), FeedWatch({})
    assert {"lost_customers", "lost_value", "unhappy_answers"} <= set(clocks.unknown(NOW, watch))
    clocks.ledger.move(NOW + MINUTE, NOW, NOW + MINUTE)
    assert "lost_customers" not in clocks.unknown(NOW, watch)
    assert "lost_customers" in clocks.unknown(NOW + MINUTE, watch)
    assert "lost_customers" in clocks.unknown(NOW - MINUTE, watch)


def coming(records: int) -> SurgeClocks:
    """The ledger's clock stands at 900 since 0; mentions have not begun, and where signals end is not told."""

    async def ends(partitions: Collection[int]) -> Mapping[int, int]:
        return dict.fromkeys(partitions, records)

    async def unanswered(partitions: Collection[int]) -> Mapping[int, int]:
        return {}

    clocks = SurgeClocks(OwnCounting(()), None, {"social-mentions": ends, "qos-signals": unanswered})
    asyncio.run(clocks.expect(range(2), 0))
    assert clocks.until(0) is None
    clocks.ledger.move(900, 900, 0)
    asyncio.run(clocks.expect(range(2), 0))
    return clocks


def test_the_slowest_is_waited_for_while_it_moves() -> None:
    clocks = coming(0)
    clocks.voice.move(300, 300, 0)
    assert clocks.until(1) == 300
    clocks.ledger.move(1_000, 900, PATIENCE_US)
    assert clocks.until(PATIENCE_US) == 1_000
    clocks.voice.move(400, 300, PATIENCE_US)
    assert clocks.until(PATIENCE_US) == 400
    assert clocks.until(2 * PATIENCE_US) == 1_000, "all stand still: they stand where they stand"


def test_a_feed_that_holds_records_is_waited_for_until_it_begins() -> None:
    clocks = coming(5)
    assert clocks.until(0) is None
    assert clocks.until(PATIENCE_US) is None
    assert clocks.until(BEGINNING_US) == 900
    clocks.voice.move(200, 200, PATIENCE_US)
    assert clocks.until(PATIENCE_US) == 200


def test_an_empty_feed_or_one_of_which_nothing_is_told_is_not_waited_for() -> None:
    assert coming(0).until(0) == 900
