"""The section `surges` of the report card: what is out of the ordinary now, story by story."""

from collections.abc import Iterator, Mapping
from math import ceil
from typing import Any

from streams.report.wording import plural

MOST_CLOSED = 10
MINUTE_S, HOUR_S = 60, 3_600
PARTS_SHOWN = 3


def surges_section(surges: Mapping[str, Any]) -> dict[str, Any]:
    """The section, of the JSON of `/api/v1/surges`: open surges, the newest closed ones, false alarms."""
    return {
        "open": surges["open"],
        "closed": surges["closed"][-MOST_CLOSED:],
        "false_alarms": surges["false_alarms"],
        "ties": surges["ties"],
        "watched": surges["watched"],
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
    for one in alarms["over_budget"]:
        yield f"    {_name(one['series'])}: {one['false']:,}, accepted {alarms['budget_a_series']:g}"
    for tie in of["ties"]:
        yield f"  {tie_text(tie)}"
    watched = of["watched"]
    if watched and watched["series"]["warming"]:
        left = watched["warming_seconds"]
        until = f", the last for {ceil(left / MINUTE_S):,} minutes more" if left else ""
        yield f"  {watched['series']['warming']:,} series warming up, which raise nothing yet{until}"


def tie_text(tie: Mapping[str, Any]) -> str:
    """In a sentence: unhappy mentions of a topic come before losses for that reason."""
    lead = {bound: seconds / HOUR_S for bound, seconds in tie["lead_seconds"].items()}
    strength = tie["correlation"]
    return (
        f"unhappy mentions of {tie['topic']} come {lead['best']:g} h ({lead['low']:g} to {lead['high']:g}) before "
        f"losses for it: correlation {strength['best']:.2f} ({strength['low']:.2f} to {strength['high']:.2f})"
    )


def _name(series: Mapping[str, Any]) -> str:
    labels = dict(series)
    name = str(labels.pop("measure")).replace("_", " ")
    return name + "".join(f", {label} {value}" for label, value in labels.items())


def surge_text(surge: Mapping[str, Any]) -> str:
    """A surge in a sentence: what left its past, since when, and what contributes most of it."""
    until = f" until {surge['closed']}" if "closed" in surge else ", still open"
    parts = [f"{one['label']} {one['value']} {one['share']:.0%}" for one in surge["evidence"][:PARTS_SHOWN]]
    of_what = f"; of it {', '.join(parts)}" if parts else ""
    expected = ", expected by an action" if surge.get("is_expected") else ""
    verdict = f", judged {surge['verdict']['verdict']}" if "verdict" in surge else ""
    return (
        f"{_name(surge['series'])} {surge['direction']} from {surge['onset']}{until}: {surge['observed']:,.0f} where "
        f"{surge['expected']:,.0f} were expected{of_what}{expected}{verdict}"
    )
