"""Net growth as the sentence that a meeting opens with."""

from typing import Any

from streams.facts.money import minor_digits

_SCALES = ((1e12, " T"), (1e9, " B"), (1e6, " M"))
_EXACT_BELOW = 100_000
"""Major units up to which a sentence states the whole number."""

_SMALL = 100
"""Major units up to which it states minor ones, too."""


def net_sentence(row: dict[str, Any], currency: str) -> str:
    """`325 joined, 1,327 left: 1,002 fewer, 4.19 M USD less`.

    Joined are the new and the returned.

    Args:
        row: of the tables, values in minor units of `currency`.
    """
    joined = row["new"]["customers"] + row["returned"]["customers"]
    lost, net = row["lost"]["customers"], row["net"]
    if not joined and not lost:
        return "Nobody joined, nobody left"
    count = net["customers"]
    change = f"{abs(count):,} {'more' if count > 0 else 'fewer'}" if count else "as many as before"
    value = net["value"]
    money = f"{short_money(abs(value), currency)} {'more' if value > 0 else 'less'}" if value else "worth the same"
    return f"{_how_many(joined, 'Nobody')} joined, {_how_many(lost, 'nobody')} left: {change}, {money}"


def short_money(value: int, currency: str) -> str:
    """Minor units in major ones, three places of what is large: `4.19 M USD`, `61,250 USD`."""
    major = value / 10 ** minor_digits(currency)
    for scale, name in _SCALES:
        # What would be rounded up to 1,000 of a scale is one of the next.
        if abs(major) >= 0.9995 * scale:
            scaled = major / scale
            digits = 2 if abs(scaled) < 9.995 else 1 if abs(scaled) < 99.95 else 0
            return f"{scaled:,.{digits}f}{name} {currency}"
    if abs(major) >= _EXACT_BELOW:
        return f"{major / 1000:,.0f} k {currency}"
    digits = minor_digits(currency) if abs(major) < _SMALL and major % 1 else 0
    return f"{major:,.{digits}f} {currency}"


def _how_many(count: int, nobody: str) -> str:
    return f"{count:,}" if count else nobody
