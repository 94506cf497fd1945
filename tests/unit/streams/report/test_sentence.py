"""The sentence that a meeting opens with."""

import pytest

from streams.report.sentence import net_sentence, short_money


@pytest.mark.parametrize(
    ("new", "returned", "lost", "value", "said"),
    [
        (300, 25, 1327, -4_190_000_00, "325 joined, 1,327 left: 1,002 fewer, 4.19 M USD less"),
        (12, 0, 0, 3_400_00, "12 joined, nobody left: 12 more, 3,400 USD more"),
        (0, 0, 3, -5_00, "Nobody joined, 3 left: 3 fewer, 5 USD less"),
        (5, 0, 5, 120_00, "5 joined, 5 left: as many as before, 120 USD more"),
        (5, 0, 4, 0, "5 joined, 4 left: 1 more, worth the same"),
        (0, 0, 0, 0, "Nobody joined, nobody left"),
    ],
)
def test_it_says_who_came_and_went_and_what_that_is_worth(new, returned, lost, value, said) -> None:
    row = {
        "new": {"customers": new}, "returned": {"customers": returned}, "lost": {"customers": lost},
        "net": {"customers": new + returned - lost, "value": value},
    }  # fmt: skip
    assert net_sentence(row, "USD") == said


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (99_999_49, "EUR", "99,999 EUR"), (529_198_20, "GBP", "529 k GBP"), (999_400_00, "EUR", "999 k EUR"),
        (999_600_00, "EUR", "1.00 M EUR"), (9_996_000_00, "EUR", "10.0 M EUR"), (123_400_000_00, "EUR", "123 M EUR"),
        (999_700_000_00, "EUR", "1.00 B EUR"), (2_500_000, "JPY", "2.50 M JPY"), (0, "JPY", "0 JPY"),
        (2_50, "EUR", "2.50 EUR"), (7_00, "EUR", "7 EUR"),
    ],
)  # fmt: skip
def test_money_is_short_and_never_rounded_over_its_scale(minor: int, currency: str, text: str) -> None:
    assert short_money(minor, currency) == text
