"""Hours, days and longer periods in the company's time zone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ledger.rules import DAY, HOUR, MINUTE
from streams.tables.calendar import Calendar, utc_text


def at(text):
    moment = datetime.fromisoformat(text)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("zone", "inside", "hours"),
    [
        pytest.param("Europe/London", "2011-03-27T12:00:00+01:00", 23, id="spring_in_london"),
        pytest.param("Europe/London", "2011-10-30T12:00:00+00:00", 25, id="autumn_in_london"),
        pytest.param("Australia/Lord_Howe", "2011-10-02T12:00:00+11:00", 23.5, id="half_an_hour_forward"),
        pytest.param("Australia/Lord_Howe", "2011-04-03T12:00:00+10:30", 24.5, id="half_an_hour_back"),
        pytest.param("America/Sao_Paulo", "2011-10-16T12:00:00-02:00", 23, id="midnight_that_never_was"),
        pytest.param("Asia/Kathmandu", "2011-10-16T12:00:00+05:45", 24, id="three_quarters_of_an_hour"),
        pytest.param("Pacific/Apia", "2011-12-29T12:00:00-10:00", 24, id="before_a_day_that_never_was"),
    ],
)
def test_a_day_has_the_hours_that_the_clocks_give_it(zone, inside, hours):
    calendar = Calendar(zone)
    start = calendar.day_start(at(inside))
    end = calendar.next_day(start)
    assert (end - start) / HOUR == hours
    assert calendar.day_start(end - 1) == start
    assert calendar.day_start(end) == end


def test_the_last_second_of_a_local_day_is_in_it_in_the_weeks_of_both_clock_changes():
    calendar = Calendar("Europe/Berlin")
    for text in ("2011-03-27T23:59:59+02:00", "2011-10-30T23:59:59+01:00"):
        start = calendar.day_start(at(text))
        assert calendar.local_text(start)[:10] == text[:10]
        assert calendar.next_day(start) == at(text) + 1_000_000


def test_hours_begin_at_full_local_minutes_in_kathmandu():
    calendar = Calendar("Asia/Kathmandu")
    start = calendar.hour_start(at("2011-05-01T10:44:30+05:45"))
    assert calendar.local_text(start) == "2011-05-01T10:00:00+05:45"
    assert calendar.next_hour(start) == start + HOUR


def test_a_doubled_hour_is_two_hours_and_half_a_one_is_its_own():
    london, lord_howe = Calendar("Europe/London"), Calendar("Australia/Lord_Howe")
    first = london.hour_start(at("2011-10-30T01:30:00+01:00"))
    assert london.next_hour(first) == first + HOUR == london.hour_start(at("2011-10-30T01:30:00+00:00"))
    # 02:00 became 01:30: the hour from 01:00 is followed by half an hour that shows 01:30 to 02:00 again.
    hour = lord_howe.hour_start(at("2011-04-03T01:10:00+11:00"))
    half = lord_howe.next_hour(hour)
    assert lord_howe.local_text(half) == "2011-04-03T01:30:00+10:30"
    assert lord_howe.next_hour(half) == half + HOUR // 2


def test_clocks_put_back_over_midnight_do_not_bring_the_old_day_back():
    calendar = Calendar("America/St_Johns")  # at 00:01 back to 23:01
    again = at("2010-11-06T23:30:00-03:30")
    assert calendar.day_start(again) == at("2010-11-07T00:00:00-02:30")
    assert calendar.day_start(again) == calendar.day_start(at("2010-11-07T12:00:00-03:30"))


def test_weeks_begin_on_monday_and_quarters_on_the_first():
    calendar = Calendar("Europe/London")
    moment = at("2011-06-30T20:08:00+01:00")
    assert calendar.local_text(calendar.week_start(moment)) == "2011-06-27T00:00:00+01:00"
    assert calendar.local_text(calendar.month_start(moment)) == "2011-06-01T00:00:00+01:00"
    assert calendar.local_text(calendar.quarter_start(moment)) == "2011-04-01T00:00:00+01:00"
    assert calendar.month_name(at("2011-05-31T23:30:00+00:00")) == "2011-06"


def test_utc_text_ends_in_z():
    assert utc_text(at("2011-06-30T20:08:00+01:00")) == "2011-06-30T19:08:00Z"
    assert utc_text(1) == "1970-01-01T00:00:00.000001Z"


def test_an_unknown_period_is_named():
    with pytest.raises(ValueError, match="fortnight"):
        Calendar("UTC").period_start("fortnight", 0)


ZONES = ("UTC", "Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Africa/Cairo")


@given(
    zone=st.sampled_from(ZONES),
    minute=st.integers(0, 70 * 365 * 1440),
    by=st.sampled_from(("hour", "day", "week", "month", "quarter")),
)
def test_periods_follow_each_other_without_gap_or_overlap(zone, minute, by):
    calendar = Calendar(zone)
    start = calendar.period_start(by, minute * MINUTE)
    end = calendar.next_period(by, start)
    assert start <= minute * MINUTE < end
    assert calendar.period_start(by, start) == calendar.period_start(by, end - 1) == start
    assert calendar.period_start(by, end) == end
    assert end - start <= {"hour": HOUR, "day": 25 * HOUR, "week": 8 * DAY}.get(by, 93 * DAY)
