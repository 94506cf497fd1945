"""The section `surges` of the report card: what is out of the ordinary now, story by story."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil
from typing import Any

from streams.report.wording import money, plural
from streams.surges.lead import MEAN, NO_SURVEYS, NOT_SHOWN, SHOWN, SURGE, WAITING
from streams.surges.series import LOST_VALUE

MOST_CLOSED = 10
MINUTE_S, HOUR_S = 60, 3_600
PARTS_SHOWN = 3
HOW = ("kind", "channel")
FIGURES = {MEAN: "their mean of seven days fell", SURGE: "unhappy answers surged"}
NOT_SEEN = {WAITING: "surveys have not shown it yet", NOT_SHOWN: "surveys never showed it"}


def surges_section(surges: Mapping[str, Any]) -> dict[str, Any]:
    """The section, of the JSON of `/api/v1/surges`: open surges, the newest closed ones, false alarms."""
    return {
        "open": surges["open"],
        "closed": surges["closed"][-MOST_CLOSED:],
        "false_alarms": surges["false_alarms"],
        "ties": surges["ties"],
        "leads": surges["leads"],
        "watched": surges["watched"],
    }


def surge_lines(of: Mapping[str, Any], currency: str | None = None) -> Iterator[str]:
    """The section as lines of plain text; surges of one story stand together, in order of detection.

    `currency`: as of `surge_text`.
    """
    surges = [*of["closed"], *of["open"]]
    now, late = (f"{len(of[name]):,}" if of[name] else "none" for name in ("open", "closed"))
    yield f"Surges: {now} open, {late} closed of late"
    stories: dict[str, list[Mapping[str, Any]]] = {}
    for surge in sorted(surges, key=lambda one: one["detected"]):
        stories.setdefault(surge["story"], []).append(surge)
    for story in stories.values():
        for place, surge in enumerate(story):
            yield f"{'  ' if place == 0 else '    then '}{surge_text(surge, currency)}"
    alarms = of["false_alarms"]
    yield f"  false alarms in {alarms['days']} days: {alarms['false']:,}, accepted {alarms['budget']:g}"
    for one in alarms["over_budget"]:
        yield f"    {_name(one['series'])}: {one['false']:,}, accepted {alarms['budget_a_series']:g}"
    for tie in of["ties"]:
        yield f"  {tie_text(tie)}"
    for line in lead_lines(of["leads"]):
        yield f"  {line}"
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


def lead_lines(leads: Sequence[Mapping[str, Any]], when: Callable[[str], str] = str) -> Iterator[str]:
    """For each trouble how much earlier it was told than surveys showed it; those without a survey in one line."""
    for lead in leads:
        if lead["state"] != NO_SURVEYS:
            yield f"{_name(lead['series'])}, told {when(lead['detected'])}: {_lead_text(lead, when)}"
    without = sum(lead["state"] == NO_SURVEYS for lead in leads)
    if without:
        yield f"no lead over surveys for {plural(without, 'trouble')}: no answers, or too few, to compare with"


def _lead_text(lead: Mapping[str, Any], when: Callable[[str], str]) -> str:
    if lead["state"] != SHOWN:
        return NOT_SEEN[lead["state"]]
    hours = lead["lead_hours"]
    first = f"{abs(hours):,.1f} h {'before' if hours >= 0 else 'after'} surveys showed it"
    seen = sorted((str(told["at"]), FIGURES[name]) for name, told in lead["by"].items())
    return f"{first} ({', '.join(f'{figure} {when(at)}' for at, figure in seen)})"


def _name(series: Mapping[str, Any]) -> str:
    labels = dict(series)
    name = str(labels.pop("measure")).replace("_", " ")
    return name + "".join(f", {label} {value}" for label, value in labels.items())


def surge_text(
    surge: Mapping[str, Any], currency: str | None = None, when: Callable[[str], str] = str
) -> str:
    """A surge in a sentence: what left its past, since when, and what contributes most of it.

    Args:
        currency: of values, which are told in it; None: as minor units.
        when: writes an instant (RFC 3339) as the reader's clocks show it.
    """
    measure = surge["series"]["measure"]
    until = f" until {when(surge['closed'])}" if "closed" in surge else ", still open"
    excess = surge["observed"] - surge["expected"]
    is_made_up_for = excess <= 0 if surge["direction"] == "up" else excess >= 0
    direction = f"{surge['direction']} at first," if is_made_up_for else surge["direction"]
    parts = [f"{one['label']} {one['value']} {one['share']:.0%}" for one in _telling(surge["evidence"])]
    of_what = f"; of it {', '.join(parts)}" if parts else ""
    expected = ", expected by an action" if surge.get("is_expected") else ""
    observed, usual = (
        f"{surge[name]:,.0f}" if currency is None or measure != LOST_VALUE else money(round(surge[name]), currency)
        for name in ("observed", "expected")
    )
    verdict = f", judged {surge['verdict']['verdict']}" if "verdict" in surge else ""
    in_all, were = "in all " if is_made_up_for else "", "was" if usual == "1" else "were"
    return (
        f"{_name(surge['series'])} {direction} from {when(surge['onset'])}{until}: {in_all}{observed} where {usual} "
        f"{were} expected{of_what}{expected}{verdict}"
    )


def _telling(evidence: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The largest part of each label, the largest first; those that say why or who before those that say how."""
    largest: dict[str, Mapping[str, Any]] = {}
    for one in evidence:
        if one["label"] not in largest or one["share"] > largest[one["label"]]["share"]:
            largest[one["label"]] = one
    return sorted(largest.values(), key=lambda one: (one["label"] in HOW, -one["share"]))[:PARTS_SHOWN]
