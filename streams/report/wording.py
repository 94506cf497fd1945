"""Numbers with the word that fits them."""


def plural(count: int, one: str, many: str | None = None, *, sign: bool = False) -> str:
    """`1 record`, `2 records`, `1,000 records`; `many` where an s is not enough; with `sign` also `+1 record`."""
    word = one if abs(count) == 1 else many or f"{one}s"
    return f"{count:{'+' if sign else ''},} {word}"
