"""Surges' JSON as lines for a terminal: story by story."""

from collections.abc import Iterator
from typing import Any

from agents.commands.ledger_text import money
from streams.report.surges import lead_lines
from streams.surges.series import LOST_VALUE


def surge_lines(found: dict[str, Any], currency: str) -> Iterator[str]:
    """Stories in the order in which they began, each with its surges in order of detection."""
    definitions, surges = found["definitions"], found["surges"]
    until = "no record with an event time" if found["until"] is None else f"until {found['until']}"
    yield f"Surges {until}, definitions {definitions['name']} {definitions['version']}, {found['series']} series"
    stories: dict[str, list[dict[str, Any]]] = {}
    for surge in surges:
        stories.setdefault(surge["story"], []).append(surge)
    if not stories:
        yield "none"
    for story, members in stories.items():
        yield ""
        yield f"story {story}"
        for surge in members:
            yield f"  {_sentence(surge, currency)}"
            evidence = ", ".join(f"{one['label']} {one['value']} {one['share']:.0%}" for one in surge["evidence"])
            if evidence:
                yield f"      of the excess: {evidence}"
    if found["leads"]:
        yield ""
        yield "lead over surveys"
        for line in lead_lines(found["leads"], lambda text: text[:16]):
            yield f"  {line}"


def _sentence(surge: dict[str, Any], currency: str) -> str:
    series = dict(surge["series"])
    measure = series.pop("measure")
    labels = ", ".join(f"{label} {value}" for label, value in series.items())
    is_money = measure == LOST_VALUE
    observed, expected = (
        money(round(n), currency) if is_money else f"{n:,.1f}" for n in (surge["observed"], surge["expected"])
    )
    closed = f"closed {surge['closed'][:16]}" if "closed" in surge else "open"
    name = measure.replace("_", " ") + (f" ({labels})" if labels else "")
    return (
        f"{name} {surge['direction']} from {surge['onset'][:16]}, told {surge['detected'][:16]}, {closed}: "
        f"{observed} where {expected} was expected"
    )
