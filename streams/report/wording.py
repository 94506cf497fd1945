"""Numbers with the word that fits them, and money."""

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
