"""The report card of an instant."""

import pytest

from streams.report.card import card, card_lines
from streams.report.wording import money
from tests.unit.streams.tables.test_calendar import at
from tests.unit.streams.tables.test_ledger_json import document, gain
from tests.unit.streams.tables.test_rows import B, lost, opening

CLOCK = at("2011-05-18T20:08:00+01:00")


def ledger():
    return document(
        [
            *(opening(100_00, at=CLOCK) for _ in range(4)),
            gain(CLOCK, 2_000_00, B),
            lost(100_00, CLOCK, since=CLOCK, opened=100_00, reason="price"),
            lost(100_00, CLOCK, since=CLOCK, opened=100_00, reason=""),
        ],
        CLOCK,
    )


def test_the_card_says_both_counts_and_value_and_the_share_of_unusable_reasons():
    found = card(ledger())
    assert found["net"] == {"customers": -1, "value": 1_800_00}
    assert [line["reason"] for line in found["reasons_by_volume"]] == ["price", "unknown"]
    assert found["reasons_unusable"]["share_of_customers"] == 0.5
    assert [line["segment"] for line in found["segments"]] == ["A", "B"]
    assert found["retention"] == 0.5
    assert found["definitions"] == {"name": "native", "version": "7"}


def test_the_text_reads_in_major_units_and_says_that_it_is_provisional():
    lines = card_lines(card(ledger()))
    text = "\n".join(lines)
    assert "Net growth: -1 customer, +1,800.00 EUR" in lines
    assert "Known now, and provisional: late facts may still change it." in lines
    assert "By the definitions native, version 7" in lines
    assert "  lost: 2 marbles" in lines
    assert "  no usable reason: 1 customer, 100.00 EUR (50.0%)" in lines
    assert "Retention: 50.0% (2 of 4)" in lines
    assert "  B: 1, 0, +1 (+2,000.00 EUR), 0, 0, 1" in text


def test_an_instant_that_is_final_says_so():
    found = card(document([gain(at("2011-01-03T10:00:00+00:00"))], CLOCK), window="last_quarter")
    assert found["final"]
    assert "Final: nothing inside the horizon can change it any more." in card_lines(found)


def test_a_window_has_the_one_before_beside_it():
    found = card(ledger(), window="today")
    assert found["net_before"] == {"customers": 0, "value": 0}
    assert any(line.startswith("  before:") for line in card_lines(found))


def test_a_window_that_there_is_not_is_named_with_those_there_are():
    with pytest.raises(KeyError, match="last_quarter"):
        card(ledger(), window="fortnight")


def test_money_in_major_units():
    assert money(-123456, "EUR") == "-1,234.56 EUR"
    assert money(1234, "JPY") == "1,234 JPY"
