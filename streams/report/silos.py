"""Each silo's own count against the company's, as text: a column for each measure, a line for each cause."""

from collections.abc import Iterator, Mapping
from typing import Any

from streams.report.card import cause_name
from streams.report.wording import money, plural

MEASURES = ("opening", "gained", "lost", "closing")
WIDTH = 44


def silo_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The lines of every silo, and what was rejected of no silo."""
    for silo in found["silos"]:
        yield from _lines(silo, found["company"], found["currency"])
        yield ""
    if found["rejected_records_of_no_silo"]:
        yield f"Rejected, and of no customer that could be read: {_records(found['rejected_records_of_no_silo'])}"
    yield (
        "Every difference is explained to zero."
        if found["equal"]
        else "A remainder is left: tables and movements do not agree."
    )


def _lines(silo: Mapping[str, Any], company: Mapping[str, Any], currency: str) -> Iterator[str]:
    yield f"{'Silo ' + silo['silo']:<{WIDTH}}" + "".join(f"{name:>11}" for name in ("had", *MEASURES[1:3], "now"))
    yield _line("its own count", silo["own"], currency, sign="")
    for cause in silo["causes"]:
        yield _line(f"  {cause_name(cause)}", cause, currency, sign="+")
    yield _line("  remainder", silo["remainder"], currency, sign="")
    yield _line("the company", company, currency, sign="")
    if silo["rejected_records"]:
        yield f"Rejected of it: {_records(silo['rejected_records'])}"


def _line(title: str, of: Mapping[str, Any], currency: str, *, sign: str) -> str:
    numbers = "".join(f"{of[name]['customers']:>{sign}11,}" for name in MEASURES)
    return f"{title:<{WIDTH}}{numbers}{money(of['closing']['value'], currency):>24}"


def _records(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{plural(number, 'record')} {reason}" for reason, number in reasons.items())
