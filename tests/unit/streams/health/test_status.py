"""The last word of operations: the one that names a scope most closely, the worst within a minute."""

from streams.health.parts import ScopeName
from streams.health.signals import Level, Status
from streams.health.status import FalseGreens, StatusBook
from streams.ledger.rules import MINUTE

SCOPE = ScopeName("shop", "checkout", "gold", "north")
WHOLE = ScopeName("shop", "checkout", None, None)


def book(*statuses: tuple[float, str | None, str | None, Level], stale_minutes: int | None = None) -> StatusBook:
    found = StatusBook(stale_minutes)
    found.add(Status(int(minute * MINUTE), "shop", stage, region, level) for minute, stage, region, level in statuses)
    return found


def test_nothing_was_said_before_the_first_word_nor_of_other_services() -> None:
    said = book((5, None, None, Level.UP))
    assert [said.level(SCOPE, minute) for minute in (4, 5, 5_000)] == [None, Level.UP, Level.UP]
    assert said.level(SCOPE._replace(service="app"), 6) is None


def test_a_word_that_is_not_said_again_holds_for_a_while_and_a_wider_one_after_it() -> None:
    words = [(5, None, None, Level.UP), (10, "checkout", None, Level.UP), (80, None, None, Level.DEGRADED)]
    said = book(*words, stale_minutes=60)
    assert [said.level(SCOPE, minute) for minute in (65, 70, 71, 80, 140, 141)] == [
        Level.UP, Level.UP, None, Level.DEGRADED, Level.DEGRADED, None,
    ]  # fmt: skip
    assert (said.is_known(140), said.is_known(141)) == (True, False)


def test_the_word_that_names_the_scope_most_closely_holds() -> None:
    said = book(
        (1, None, None, Level.UP), (2, None, "north", Level.DEGRADED), (3, "checkout", None, Level.DOWN),
        (4, "checkout", "north", Level.UP), (4, "paying", "north", Level.DOWN),
    )  # fmt: skip
    assert [said.level(SCOPE, minute) for minute in (1, 2, 3, 4)] == [
        Level.UP, Level.DEGRADED, Level.DOWN, Level.UP,
    ]  # fmt: skip
    assert said.level(SCOPE._replace(region="south"), 4) is Level.DOWN


def test_within_a_minute_the_worst_word_holds_in_any_order() -> None:
    words = [(1.0, None, None, Level.UP), (2.1, None, None, Level.DOWN), (2.9, None, None, Level.UP)]
    for said in (book(*words), book(*words[::-1]), book(*words, *words)):
        assert [said.level(SCOPE, minute) for minute in (1, 2)] == [Level.UP, Level.DOWN]


def test_a_service_is_as_well_as_the_worst_of_its_regions() -> None:
    said = book((1, None, "north", Level.UP), (1, None, "south", Level.DEGRADED))
    assert said.level(WHOLE, 1) is Level.DEGRADED
    assert said.level(SCOPE, 1) is Level.UP


def test_spells_of_false_green_outlast_short_gaps_and_count_their_minutes() -> None:
    greens = FalseGreens()
    for minute in (10, 11, 16, 40):
        greens.add(SCOPE, minute)
    assert [(one.start, one.end, one.minutes) for one in greens.all()] == [(10, 17, 3), (40, 41, 1)]
