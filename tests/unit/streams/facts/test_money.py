from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.facts.models import RejectReason
from streams.facts.money import Rates, add, exact_of, minor_digits, multiply, negate, parse_exact, to_minor
from streams.facts.refusal import Refused


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("505.3", 50530),
        ("0.1", 10),
        ("77183.60", 7718360),
        ("-0.05", -5),
        ("12", 1200),
        ("1e3", 100_000),
        ("1.5E-1", 15),
        ("+7.", 700),
        (" 7 ", 700),
        # Finer than a cent: half to even.
        ("0.005", 0),
        ("0.015", 2),
        ("0.025", 2),
        ("0.0250001", 3),
        ("-0.005", 0),
        ("-0.015", -2),
        ("-0.025", -2),
        ("-0.026", -3),
        ("9007199254740993.17", 900719925474099317),
    ],
)
def test_decimals_to_cents(text: str, minor: int) -> None:
    assert to_minor(exact_of(text, "x"), 2) == minor
    if text == text.strip() and not text.startswith("+"):
        assert to_minor(exact_of(Decimal(text), "x"), 2) == minor


@pytest.mark.parametrize(
    "text", ["", "-", ".5", "1,5", "1 000", "0x10", "NaN", "Infinity", "1e400", "1e", "1" * 31, "٣"]
)
def test_what_is_no_decimal(text: str) -> None:
    assert parse_exact(text) is None


DECIMALS = st.decimals(min_value=-(10**12), max_value=10**12, places=6)


@given(DECIMALS, DECIMALS, st.sampled_from([0, 2, 3]))
def test_arithmetic_equals_that_of_decimals(one: Decimal, other: Decimal, digits: int) -> None:
    with localcontext() as context:
        context.prec = 60
        first, second = exact_of(one, "x"), exact_of(other, "y")
        unit = Decimal(1).scaleb(-digits)
        for exact, expected in (
            (add(first, second), one + other),
            (add(first, negate(second)), one - other),
            (multiply(first, second), one * other),
        ):
            rounded = expected.quantize(unit, rounding=ROUND_HALF_EVEN)
            assert to_minor(exact, digits) == int(rounded.scaleb(digits))


RATES = Rates("EUR", {"USD": ((1000, 2000), ((9, 1), (85, 2))), "JPY": ((0,), ((625, 5),))})


def test_the_rate_of_the_event_time_holds() -> None:
    assert RATES.to_reporting((10, 0), "USD", 1000) == 900
    assert RATES.to_reporting((10, 0), "USD", 1999) == 900
    assert RATES.to_reporting((10, 0), "USD", 2000) == 850
    assert RATES.to_reporting((10, 0), "EUR", 0) == 1000


def test_conversion_rounds_half_to_even_once_at_the_end() -> None:
    assert RATES.to_reporting((5, 1), "USD", 2000) == 42  # 0.425
    assert RATES.to_reporting((7, 1), "USD", 2000) == 60  # 0.595
    assert RATES.to_reporting((-5, 1), "USD", 2000) == -42
    assert RATES.to_reporting((5, 3), "USD", 1000) == 0  # 0.0045, where rounding twice would give 0 or 1


def test_minor_units_are_those_of_their_own_currency() -> None:
    assert minor_digits("JPY") == 0
    assert RATES.minor_to_reporting((200, 0), "JPY", 5) == 125  # 200 yen are 1.25 euros
    assert RATES.minor_to_reporting((1000, 0), "USD", 1000) == 900
    with pytest.raises(Refused, match="not whole"):
        RATES.minor_to_reporting((5, 1), "EUR", 0)


@pytest.mark.parametrize(("currency", "at"), [("USD", 999), ("CHF", 5000)])
def test_two_currencies_never_add_without_a_rate(currency: str, at: int) -> None:
    with pytest.raises(Refused) as refused:
        RATES.to_reporting((1, 0), currency, at)
    assert refused.value.reason is RejectReason.NO_RATE
