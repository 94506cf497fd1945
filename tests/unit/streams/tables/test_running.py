"""Windows kept up to date where levels of buckets change under them."""

from streams.ledger.rules import DAY, HOUR, MINUTE
from streams.tables.buckets import HOURS, MINUTES
from streams.tables.cells import cells_of
from streams.tables.running import RunningWindows
from streams.tables.scopes import EVERY, THE_TOTAL
from streams.tables.tables import TableRules, Tables
from tests.unit.streams.tables.test_rows import START, opening


def test_an_hour_in_place_of_its_minutes_leaves_no_ghost_in_a_window_that_starts_inside_it():
    tables = Tables(TableRules())
    running = RunningWindows(tables, START + 6 * HOUR)
    [(cell, count, value)] = cells_of(opening(10), tables.calendar)
    minute = START + 5 * HOUR + 30 * MINUTE
    tables.add_cells(MINUTES, minute, [(cell, count, value)])
    # Another worker's clock is far ahead of this one's: it has rolled the hour up already.
    tables.add_cells(HOURS, START + 5 * HOUR, [(cell, count, value)])
    tables.add_cells(MINUTES, minute, [(cell, -count, -value)])
    for clock in range(START + 6 * HOUR, START + 9 * HOUR, 17 * MINUTE):
        running.advance(clock)
        running.rows("1h")
    assert running.rows("1h")[THE_TOTAL] == tables.rows(running.windows["1h"].span, EVERY)[THE_TOTAL]
    assert running.rows("1h")[THE_TOTAL]["activities"] == []
    assert running.rows("1h", before=True)[THE_TOTAL]["activities"] == []


def test_what_is_known_ahead_of_the_clock_is_shown_when_the_clock_comes():
    tables = Tables(TableRules())
    running = RunningWindows(tables, START)
    tables.add_movement(opening(10, at=START + MINUTE))
    assert running.rows("all") == {}
    running.advance(START + MINUTE - 1)
    assert running.rows("all") == {}
    running.advance(START + MINUTE)
    assert running.rows("5m")[THE_TOTAL]["opening"] == {"customers": 1, "value": 10}
    running.advance(START)  # never back
    assert running.clock == START + MINUTE


def test_at_midnight_today_becomes_yesterday():
    tables = Tables(TableRules(zone="Europe/London"))
    tables.add_movement(opening(10, at=START + 2 * HOUR))
    running = RunningWindows(tables, START + 3 * HOUR)
    running.advance(START + DAY - 1)
    today = running.rows("today")
    running.advance(START + DAY)
    assert running.rows("yesterday") == today
    assert running.rows("today", before=True) == today
    assert running.rows("today")[THE_TOTAL]["opening"] == {"customers": 1, "value": 10}
    assert running.rows("today")[THE_TOTAL]["activities"] == []
