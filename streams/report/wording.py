"""Numbers with the word that fits them, and money."""

from collections.abc import Mapping, Sequence

from streams.facts.money import minor_digits


def plural(count: int, one: str, many: str | None = None, *, sign: bool = False) -> str:
    """`1 record`, `2 records`, `1,000 records`; `many` where an s is not enough; with `sign` also `+1 record`."""
    word = one if abs(count) == 1 else many or f"{one}s"
    return f"{count:{'+' if sign else ''},} {word}"


def money(value: int, currency: str) -> str:
    """Minor units in major ones, with thousands apart: `1,234.50 EUR`."""
    digits = minor_digits(currency)
    whole, part = divmod(abs(value), 10**digits)
    fraction = f".{part:0{digits}d}" if digits else ""
    return f"{'-' if value < 0 else ''}{whole:,}{fraction} {currency}"


def subset_words(attributes: Mapping[str, Sequence[str]]) -> str:
    """Attributes and the values of each that customers of a subset have: `airport EWR or LGA and segment Gold`."""
    return " and ".join(f"{name} {' or '.join(values)}" for name, values in attributes.items())


def span(seconds: float) -> str:
    """A time in the unit that fits it: `40 seconds`, `12 minutes`, `3.5 hours`, `2.0 days`."""
    if seconds < 60:
        return plural(round(seconds), "second")
    if seconds < 3600:
        return plural(round(seconds / 60), "minute")
    if seconds < 2 * 86400:
        return f"{seconds / 3600:.1f} hours"
    return f"{seconds / 86400:.1f} days"
