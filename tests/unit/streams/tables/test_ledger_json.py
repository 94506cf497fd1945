"""The ledger as one document."""

import pytest

from streams.ledger.movements import Movement
from streams.ledger.rules import DAY
from streams.tables.ledger_json import ledger_json
from streams.tables.reconciliation import differences
from streams.tables.tables import TableRules, Tables
from tests.unit.streams.tables.test_calendar import at
from tests.unit.streams.tables.test_rows import A, B, lost, opening


def document(movements, until, by=None, zone="Europe/London", first=None):
    tables = Tables(TableRules(zone=zone))
    for movement in movements:
        tables.add_movement(movement)
    return ledger_json(
        tables,
        definitions_name="native",
        definitions_version="7",
        currency="EUR",
        until_us=until,
        accounting={"records": len(movements)},
        by=by,
        first_us=first,
    )


def gain(when, value=10, scope=A):
    return Movement("new", when, scope, 1, value, None, activity="x", cohort_at=when)


def test_periods_run_without_gaps_in_the_companys_zone_over_a_clock_change():
    movements = [gain(at("2011-03-25T23:30:00+00:00")), gain(at("2011-03-28T23:59:59+01:00"))]
    answer = document(movements, at("2011-03-29T00:00:00+01:00"), by="day")
    assert [(line["start"], line["end"]) for line in answer["periods"]][1:3] == [
        ("2011-03-26T00:00:00+00:00", "2011-03-27T00:00:00+00:00"),
        ("2011-03-27T00:00:00+00:00", "2011-03-28T00:00:00+01:00"),
    ]
    assert [line["total"]["new"]["customers"] for line in answer["periods"]] == [1, 0, 0, 1, 0]
    assert [line["total"]["closing"]["customers"] for line in answer["periods"]] == [1, 1, 1, 2, 2]
    assert answer["until"] == "2011-03-28T23:00:00Z"


def test_what_lies_behind_the_clocks_minute_is_not_shown_yet():
    clock = at("2011-05-01T10:00:30+01:00")
    answer = document([gain(clock), gain(clock + 60_000_000)], clock, by="hour")
    assert answer["total"]["new"]["customers"] == 1
    assert answer["periods"][-1]["total"]["new"]["customers"] == 1


def test_the_closed_windows_are_final_and_the_running_ones_are_not():
    answer = document([gain(at("2011-01-03T10:00:00+00:00"))], at("2011-05-18T20:08:00+01:00"))
    final = {name for name, row in answer["windows"].items() if row["final"]}
    assert final == {"last_week", "last_month", "last_quarter"}
    assert {name for name, row in answer["windows"].items() if "before" not in row} == {
        "yesterday",
        "last_week",
        "last_month",
        "last_quarter",
        "all",
    }
    assert answer["windows"]["last_quarter"]["new"]["customers"] == 1
    assert answer["windows"]["this_quarter"]["before"]["new"]["customers"] == 1
    assert answer["windows"]["this_month"]["opening"]["customers"] == 1


def test_cohorts_count_first_losses_to_the_day():
    start = at("2011-01-10T10:00:00+00:00")
    movements = [gain(start) for _ in range(5)]
    for days in (30, 31, 365, 366):
        gone = lost(10, start + days * DAY, since=start, cohort_at=start, first_loss=True)
        movements.append(gone)
    movements.append(Movement("returned", start + 367 * DAY, A, 1, 10, None, activity="x", cohort_at=start))
    answer = document(movements, start + 400 * DAY)
    assert answer["cohorts"] == [
        {"month": "2011-01", "joined": 5, "lost_30d": 1, "lost_90d": 2, "lost_365d": 3, "still_here": 2}
    ]


def test_nothing_at_all_is_a_document_too():
    answer = document([], at("2011-05-18T20:08:00+01:00"), by="month")
    assert answer["total"]["closing"] == {"customers": 0, "value": 0}
    assert answer["segments"] == {}
    assert answer["periods"] == answer["cohorts"] == []


def test_another_period_is_refused_by_name():
    with pytest.raises(ValueError, match="year"):
        document([], 0, by="year")


def test_a_recount_without_one_customer_differs_in_every_scope_it_was_in():
    clock = at("2011-05-18T20:08:00+01:00")
    both = [opening(10, at=clock, scope=A), gain(clock, 25, B)]
    running, recounted = document(both, clock), document(both[:1], clock)
    assert differences(running, running) == []
    found = differences(running, recounted)
    fields = {(line["scope"], line["field"]): (line["running"], line["recounted"]) for line in found}
    assert fields["total", "new.value"] == (25, 0)
    assert fields["segment:B", "closing.customers"] == (1, None)
    assert fields["window:1h", "activities.x.customers"] == (1, None)
    assert fields["segment_region:B/north", "net.customers"] == (1, None)
    assert fields["cohort:2011-05", "joined"] == (1, None)
    assert fields["accounting", "records"] == (2, 1)
    assert not any(line["scope"] == "segment:A" for line in found)
    assert all(line["records"] == [] for line in found)
