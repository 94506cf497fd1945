"""Which span every window has at an instant of the clock."""

import pytest

from streams.ledger.rules import DAY, HOUR, MINUTE
from streams.tables.calendar import Calendar
from streams.tables.windows import BEGINNING, WINDOW_NAMES, is_final, windows_at
from tests.unit.streams.tables.test_calendar import at


def spans(calendar, clock):
    def text(us):
        return None if us == BEGINNING else calendar.local_text(us)[:16]

    return {
        name: [tuple(text(us) for us in span) for span in window if span is not None]
        for name, window in windows_at(calendar, clock).items()
    }


def test_every_window_at_an_evening_in_london():
    found = spans(Calendar("Europe/London"), at("2011-05-18T20:08:31+01:00"))
    assert list(found) == list(WINDOW_NAMES)
    assert found == {
        "5m": [("2011-05-18T20:04", "2011-05-18T20:09"), ("2011-05-18T19:59", "2011-05-18T20:04")],
        "1h": [("2011-05-18T19:09", "2011-05-18T20:09"), ("2011-05-18T18:09", "2011-05-18T19:09")],
        "24h": [("2011-05-17T20:09", "2011-05-18T20:09"), ("2011-05-16T20:09", "2011-05-17T20:09")],
        "7d": [("2011-05-11T21:00", "2011-05-18T20:09"), ("2011-05-04T21:00", "2011-05-11T21:00")],
        "30d": [("2011-04-18T21:00", "2011-05-18T20:09"), ("2011-03-19T20:00", "2011-04-18T21:00")],
        "today": [("2011-05-18T00:00", "2011-05-18T20:09"), ("2011-05-17T00:00", "2011-05-18T00:00")],
        "yesterday": [("2011-05-17T00:00", "2011-05-18T00:00")],
        "this_week": [("2011-05-16T00:00", "2011-05-18T20:09"), ("2011-05-09T00:00", "2011-05-16T00:00")],
        "last_week": [("2011-05-09T00:00", "2011-05-16T00:00")],
        "this_month": [("2011-05-01T00:00", "2011-05-18T20:09"), ("2011-04-01T00:00", "2011-05-01T00:00")],
        "last_month": [("2011-04-01T00:00", "2011-05-01T00:00")],
        "this_quarter": [("2011-04-01T00:00", "2011-05-18T20:09"), ("2011-01-01T00:00", "2011-04-01T00:00")],
        "last_quarter": [("2011-01-01T00:00", "2011-04-01T00:00")],
        "all": [(None, "2011-05-18T20:09")],
    }


@pytest.mark.parametrize(
    ("clock", "hours"),
    [
        pytest.param("2011-03-27T23:59:59+01:00", 23, id="23_hours"),
        pytest.param("2011-10-30T23:59:59+00:00", 25, id="25_hours"),
    ],
)
def test_today_and_yesterday_on_the_days_of_clock_changes(clock, hours):
    calendar = Calendar("Europe/London")
    today = windows_at(calendar, at(clock))["today"].span
    assert today.end - today.start == hours * HOUR
    assert windows_at(calendar, at(clock) + 1_000_000)["yesterday"].span == today


def test_a_bucket_is_final_when_the_clock_has_passed_its_end_by_horizon_and_grouping():
    end, horizon, grouping = 10 * DAY, 36 * HOUR, HOUR
    assert not is_final(end, end + horizon + grouping - 1, horizon, grouping)
    assert is_final(end, end + horizon + grouping, horizon, grouping)


def test_a_running_window_ends_with_the_running_minute():
    for name, window in windows_at(Calendar("UTC"), 90 * DAY + 30 * 1_000_000).items():
        if not name.startswith(("last_", "yesterday")):
            assert window.span.end == 90 * DAY + MINUTE
