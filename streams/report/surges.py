"""The section `surges` of the report card: what is out of the ordinary now, story by story."""

from collections.abc import Iterator, Mapping
from typing import Any

from streams.report.wording import plural

MOST_CLOSED = 10
PARTS_SHOWN = 3


def surges_section(surges: Mapping[str, Any]) -> dict[str, Any]:
    """The section, of the JSON of `/api/v1/surges`: open surges, the newest closed ones, false alarms."""
    return {
        "open": surges["open"],
        "closed": surges["closed"][-MOST_CLOSED:],
        "false_alarms": surges["false_alarms"],
    }


def surge_lines(of: Mapping[str, Any]) -> Iterator[str]:
    """The section as lines of plain text; surges of one story stand together, in order of detection."""
    surges = [*of["closed"], *of["open"]]
    yield f"Surges: {plural(len(of['open']), 'open one')}, {len(of['closed']):,} closed of late"
    stories: dict[str, list[Mapping[str, Any]]] = {}
    for surge in sorted(surges, key=lambda one: one["detected"]):
        stories.setdefault(surge["story"], []).append(surge)
    for story in stories.values():
        for place, surge in enumerate(story):
            yield f"{'  ' if place == 0 else '    then '}{surge_text(surge)}"
    alarms = of["false_alarms"]
    yield f"  false alarms in {alarms['days']} days: {alarms['false']:,}, accepted {alarms['budget']:g}"


def surge_text(surge: Mapping[str, Any]) -> str:
    """A surge in a sentence: what left its past, since when, and what contributes most of it."""
    series = dict(surge["series"])
    name = series.pop("measure").replace("_", " ")
    scope = "".join(f", {label} {value}" for label, value in series.items())
    until = f" until {surge['closed']}" if "closed" in surge else ", still open"
    parts = [f"{one['label']} {one['value']} {one['share']:.0%}" for one in surge["evidence"][:PARTS_SHOWN]]
    of_what = f"; of it {', '.join(parts)}" if parts else ""
    expected = ", expected by an action" if surge.get("is_expected") else ""
    verdict = f", judged {surge['verdict']['verdict']}" if "verdict" in surge else ""
    return (
        f"{name}{scope} {surge['direction']} from {surge['onset']}{until}: {surge['observed']:,.0f} where "
        f"{surge['expected']:,.0f} were expected{of_what}{expected}{verdict}"
    )
