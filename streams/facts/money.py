"""Money: exact decimals of a record, integers in minor units of the reporting currency. No float anywhere.

An exact decimal is (mantissa, scale): mantissa x 10^-scale.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from decimal import Decimal

from streams.facts.models import RejectReason
from streams.facts.refusal import Refused, shown

Exact = tuple[int, int]

ABSURD = 10**15
"""Minor units above which an amount is taken for a fault of its source: 10 million millions of euros."""

MINOR_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV"), 0),
    **dict.fromkeys(("XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""Decimal places of the currencies that have other than two (ISO 4217)."""

_DECIMAL = re.compile(r"([+-]?)(\d{1,30})(?:\.(\d{0,30}))?(?:[eE]([+-]?\d{1,3}))?", re.ASCII)
_LARGEST_EXPONENT = 40
_INT64 = 1 << 63


def minor_digits(currency: str) -> int:
    """Decimal places of a currency's minor unit."""
    return MINOR_DIGITS.get(currency, 2)


def parse_exact(text: str) -> Exact | None:
    """The decimal that a text writes, such as `-12.50` or `1e3`; None when it writes none, or one out of range."""
    match = _DECIMAL.fullmatch(text.strip())
    if match is None:
        return None
    sign, whole, fraction, power = match.groups()
    fraction = fraction or ""
    scale = len(fraction) - int(power or 0)
    if abs(scale) > _LARGEST_EXPONENT:
        return None
    mantissa = int(whole + fraction)
    if sign == "-":
        mantissa = -mantissa
    return (mantissa, scale) if scale >= 0 else (mantissa * 10**-scale, 0)


def exact_of(value: object, name: str) -> Exact:
    """The decimal in a field of a record: a JSON number, or a text that writes one.

    Raises: Refused (wrong_type, bad_value).
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise Refused(RejectReason.WRONG_TYPE, f"{name} is {shown(value)} where a number is needed")
    if isinstance(value, int):
        if not -_INT64 <= value < _INT64:
            raise Refused(RejectReason.BAD_VALUE, f"{name} is beyond 64 bits")
        return value, 0
    exact = parse_exact(value if isinstance(value, str) else str(value))
    if exact is None:
        raise Refused(RejectReason.BAD_VALUE, f"{name} is {shown(str(value))}, which is no decimal number in range")
    return exact


def add(one: Exact, other: Exact) -> Exact:
    """The sum."""
    scale = max(one[1], other[1])
    return one[0] * 10 ** (scale - one[1]) + other[0] * 10 ** (scale - other[1]), scale


def negate(one: Exact) -> Exact:
    """The number with the other sign."""
    return -one[0], one[1]


def multiply(one: Exact, other: Exact) -> Exact:
    """The product."""
    return one[0] * other[0], one[1] + other[1]


def to_minor(amount: Exact, digits: int) -> int:
    """Units of 10^-digits; what is finer is rounded half to even."""
    mantissa, scale = amount
    if scale <= digits:
        return mantissa * int(10 ** (digits - scale))
    divisor = 10 ** (scale - digits)
    quotient, rest = divmod(mantissa, divisor)
    if 2 * rest > divisor or (2 * rest == divisor and quotient % 2):
        quotient += 1
    return int(quotient)


@dataclass(frozen=True, slots=True)
class Rates:
    """What one unit of each foreign currency is worth in the reporting currency, from an instant on.

    `history` maps a currency to its instants (microseconds, ascending) and the rates from each of them on.
    """

    reporting: str
    history: dict[str, tuple[tuple[int, ...], tuple[Exact, ...]]]

    def to_reporting(self, amount: Exact, currency: str, at: int) -> int:
        """Minor units of the reporting currency, at the rate of the event time, half to even.

        Args:
            amount: major units of `currency`.
            at: event time, microseconds.
        Raises: Refused (no_rate): two currencies never add without a rate.
        """
        if currency != self.reporting:
            starts, rates = self.history.get(currency, ((), ()))
            place = bisect_right(starts, at)
            if place == 0:
                raise Refused(RejectReason.NO_RATE, f"no rate of {shown(currency)} at that time")
            amount = multiply(amount, rates[place - 1])
        return to_minor(amount, minor_digits(self.reporting))

    def minor_to_reporting(self, amount: Exact, currency: str, at: int) -> int:
        """As `to_reporting`, of an amount in minor units of `currency`; they are whole.

        Raises: Refused (bad_value, no_rate).
        """
        mantissa, scale = amount
        if mantissa % 10**scale:
            raise Refused(RejectReason.BAD_VALUE, "an amount in minor units is not whole")
        return self.to_reporting((mantissa, scale + minor_digits(currency)), currency, at)


def check_value(value: int, name: str = "value") -> int:
    """An expected value: zero or more, and not absurd.

    Raises: Refused (bad_value).
    """
    if not 0 <= value <= ABSURD:
        raise Refused(RejectReason.BAD_VALUE, f"{name} is {'negative' if value < 0 else 'absurdly large'}")
    return value


def check_amount(amount: int) -> int:
    """An amount that a trailing-spend model adds up; it may be negative (a return of goods).

    Raises: Refused (bad_value).
    """
    if not -ABSURD <= amount <= ABSURD:
        raise Refused(RejectReason.BAD_VALUE, "the amount is absurdly large")
    return amount
