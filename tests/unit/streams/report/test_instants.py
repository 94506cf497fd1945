"""Report cards of instants that have passed."""

import pytest

from streams.ledger.rules import DAY, HOUR, MINUTE
from streams.report.card import card_lines
from streams.report.instants import CannotAnswer, past_card
from streams.tables.calendar import utc_text
from streams.tables.tables import TableRules, Tables
from tests.unit.streams.tables.test_calendar import at
from tests.unit.streams.tables.test_ledger_json import gain

CLOCK = at("2011-05-18T20:08:00+01:00")
NAMED = {"name": "native", "version": "7"}


@pytest.fixture
def tables():
    made = Tables(TableRules(zone="Europe/London"))
    for hours in range(0, 200 * 24, 7):
        made.add_movement(gain(CLOCK - hours * HOUR, 10))
    made.forget(CLOCK)
    return made


def ask(tables, instant, window="all"):
    return past_card(tables, instant, CLOCK, window, definitions=NAMED, currency="EUR")


def test_what_came_after_the_instant_is_not_in_it_and_what_is_known_now_is_told(tables):
    found = ask(tables, CLOCK - 24 * HOUR, "24h")
    assert found["at"] == utc_text(CLOCK - 24 * HOUR)
    assert found["known_until"] == utc_text(CLOCK)
    assert found["closing"]["customers"] == len(range(28, 200 * 24, 7))
    assert found["gained"]["customers"] == len(range(28, 48, 7))
    assert not found["final"]
    assert f"From all that was known at {utc_text(CLOCK)}" in card_lines(found)


def test_an_instant_is_final_when_the_horizon_has_passed(tables):
    end = CLOCK - 36 * HOUR - 1 * HOUR
    assert ask(tables, end - MINUTE)["final"]
    assert not ask(tables, end)["final"]


def test_an_instant_that_has_not_come_is_refused_with_the_clock(tables):
    with pytest.raises(CannotAnswer, match=utc_text(CLOCK)):
        ask(tables, CLOCK + MINUTE)


def test_where_minutes_are_gone_the_end_of_an_hour_can_be_had_and_then_that_of_a_day(tables):
    hours_kept, days_kept = CLOCK - 30 * DAY, CLOCK - 150 * DAY
    with pytest.raises(CannotAnswer, match="minutes are kept from 2011-05-15T19:00:00Z, hours from 2011-02-17"):
        ask(tables, hours_kept)
    hour_end = hours_kept - hours_kept % HOUR - MINUTE
    assert ask(tables, hour_end, "7d")["gained"]["customers"] == 24
    with pytest.raises(CannotAnswer, match="--facts"):
        ask(tables, hour_end, "5m")
    with pytest.raises(CannotAnswer):
        ask(tables, days_kept)
    day_end = tables.calendar.day_start(days_kept) - MINUTE
    assert ask(tables, day_end, "today")["gained"]["customers"] in (3, 4)


def test_another_window_is_told_with_those_there_are(tables):
    with pytest.raises(KeyError, match=r"fortnight.*this_month"):
        ask(tables, CLOCK, "fortnight")
