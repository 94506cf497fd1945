"""Rows of the existing base as opening facts: exact money, dates of the company's zone, ids that stay."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from config.definitions_file import load
from config.settings import NATIVE_DEFINITIONS
from streams.facts.admission import Admission
from streams.facts.labels import MAX_TEXT
from streams.facts.times import instant_of
from streams.openings import Openings, RowFault, event_id_of

NATIVE = load(NATIVE_DEFINITIONS)
AS_OF = instant_of("2024-01-01T00:00:00Z", None)


def fact_of(row: dict[str, Any], openings: Openings | None = None) -> dict[str, Any]:
    value = (openings or Openings(NATIVE, AS_OF)).record_of(row, 2).value
    fact: dict[str, Any] = orjson.loads(value or b"")
    return fact


def fault_of(row: dict[str, Any], openings: Openings | None = None) -> RowFault:
    with pytest.raises(RowFault) as caught:
        (openings or Openings(NATIVE, AS_OF)).record_of(row, 2)
    return caught.value


def test_a_whole_row() -> None:
    row = {
        "customer": "c-1", "segment": " gold ", "region": "north", "product": "", "value": "1234.5",
        "activity": "fair", "by_recommendation": "Yes", "since": "2020-05-01T10:00:00+02:00",
        "last_fact_at": "2023-12-24", "name": "Ann",
    }  # fmt: skip
    openings = Openings(NATIVE, AS_OF, "crm")
    record = openings.record_of(row, 7)
    assert (record.key, record.offset) == (b"c-1", 6)
    assert orjson.loads(record.value or b"") == {
        "event_id": "opening-2024-01-01T00:00:00Z-c-1", "at": "2024-01-01T00:00:00Z", "customer_id": "c-1",
        "silo": "crm", "fact": "opening", "value": 123450, "segment": "gold", "region": "north", "activity": "fair",
        "by_recommendation": True, "since": "2020-05-01T08:00:00Z", "last_fact_at": "2023-12-24T00:00:00Z",
    }  # fmt: skip
    assert (openings.customers, openings.value, openings.passed_over) == (1, 123450, {"name"})


@pytest.mark.parametrize(
    ("stated", "minor"),
    [
        ("0.29", 29), ("1e3", 100_000), (12, 1200), (Decimal("19.990"), 1999),
        ("9999999999999.99", 999_999_999_999_999), (" 7 ", 700), ("", None), ("  ", None), (None, None),
    ],
)  # fmt: skip
def test_money_is_exact(stated: Any, minor: int | None) -> None:
    assert fact_of({"customer": "c", "value": stated}).get("value") == minor


def test_a_currency_has_its_own_minor_unit() -> None:
    assert fact_of({"customer": "c", "value": "12"}, Openings(replace(NATIVE, currency="JPY"), AS_OF))["value"] == 12
    dinar = Openings(replace(NATIVE, currency="KWD"), AS_OF)
    assert fact_of({"customer": "c", "value": "1.234"}, dinar)["value"] == 1234
    assert fact_of({"customer": "c", "value_minor": "1234", "currency": "EUR"})["value"] == 1234


@pytest.mark.parametrize(
    ("row", "field", "mend"),
    [
        ({}, "customer", "needs the company's id"),
        ({"customer": "c "}, "customer", "as records have it"),
        ({"customer": "x" * 257}, "customer", "as records have it"),
        ({"customer": "c", "customer_id": "d"}, "customer", "leave one of them out"),
        ({"customer": "\udce9"}, "customer", "UTF-8"),
        ({"customer": ["c"]}, "customer", "write a text"),
        ({"customer": "c", "value": "1.234,56"}, "value", "with a point, such as 1234.56"),
        ({"customer": "c", "value": "0.001"}, "value", "round it"),
        ({"customer": "c", "value": "-1"}, "value", "with a point"),
        ({"customer": "c", "value": True}, "value", "with a point"),
        ({"customer": "c", "value": "1e14"}, "value", "with a point"),
        ({"customer": "c", "value": "1", "value_minor": "100"}, "value", "leave one of them out"),
        ({"customer": "c", "value_minor": "1.5"}, "value_minor", "round it"),
        ({"customer": "c", "value": "1", "currency": "USD"}, "currency", "in EUR"),
        ({"customer": "c", "since": "01.02.2020"}, "since", "2024-02-01"),
        ({"customer": "c", "since": "1800-01-01"}, "since", "2024-02-01"),
        ({"customer": "c", "since": "2024-01-02"}, "since", "leave the row out"),
        ({"customer": "c", "last_fact_at": "1969-01-01"}, "last_fact_at", "2024-02-01"),
        ({"customer": "c", "segment": "a\x00b"}, "segment", "short text"),
        ({"customer": "c", "by_recommendation": "perhaps"}, "by_recommendation", "true or false"),
    ],
)
def test_a_fault_names_its_field_and_how_to_mend_it(row: dict[str, Any], field: str, mend: str) -> None:
    fault = fault_of(row)
    assert fault.field == field
    assert mend in str(fault)


def test_dates_are_days_of_the_company() -> None:
    new_york = replace(NATIVE, time_zone="America/New_York")
    row = {"customer": "c", "since": "2020-05-01", "last_fact_at": "2023-12-01 08:30"}
    fact = fact_of(row, Openings(new_york, AS_OF))
    assert (fact["since"], fact["last_fact_at"]) == ("2020-05-01T04:00:00Z", "2023-12-01T13:30:00Z")
    assert fault_of({"customer": "c", "since": "2024-01-01"}, Openings(new_york, AS_OF)).field == "since"


def test_a_customer_stands_once() -> None:
    openings = Openings(NATIVE, AS_OF)
    openings.record_of({"customer": "c", "value": 1}, 2)
    assert "line 2 already" in str(fault_of({"customer": "c", "value": 5}, openings))
    fault_of({"customer": "d", "value": "much"}, openings)
    assert openings.record_of({"customer": "d"}, 4).key == b"d"
    assert (openings.customers, openings.value, openings.without_value) == (2, 100, 1)


def test_ids_stay_and_are_told_apart() -> None:
    again = [fact_of({"customer": "c", "value": 1}) for _ in range(2)]
    assert again[0] == again[1]
    assert fact_of({"customer": "c"}, Openings(NATIVE, AS_OF + 1))["event_id"] != again[0]["event_id"]
    long = [event_id_of("2024-01-01T00:00:00Z", letter * MAX_TEXT) for letter in "ab"]
    assert len(long[0]) <= MAX_TEXT
    assert long[0] != long[1]


def test_activities_on_no_list_are_told() -> None:
    closed = Openings(replace(NATIVE, activities_open=False), AS_OF)
    fact_of({"customer": "c", "activity": "fair"}, closed)
    assert closed.unlisted == {"fair": 1}
    open_list = Openings(NATIVE, AS_OF)
    fact_of({"customer": "c", "activity": "fair"}, open_list)
    assert not open_list.unlisted


ANYTHING = some.one_of(
    some.none(), some.booleans(), some.integers(), some.decimals(allow_nan=False), some.text(),
    some.sampled_from(["c-1", "12.50", "2020-05-01", "true", "EUR", "9" * 20]), some.datetimes().map(str),
)  # fmt: skip
NAMES = ["customer", "segment", "region", "value", "value_minor", "activity", "by_recommendation", "since",
         "last_fact_at", "currency"]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(some.dictionaries(some.sampled_from(NAMES), ANYTHING, max_size=3), some.text(min_size=1, max_size=300))
def test_what_is_not_refused_here_is_no_dead_letter_of_a_worker(row: dict[str, Any], customer: str) -> None:
    try:
        record = Openings(NATIVE, AS_OF).record_of({"customer": customer, **row}, 1)
    except RowFault:
        return
    admitted = Admission(NATIVE, now_us=lambda: AS_OF, check_keys=True).admit([record])
    assert (admitted.dead_letters, len(admitted.facts)) == ([], 1)
