"""How much earlier a trouble was told than surveys would have told it.

A trouble is a story of surges of losses, unhappy mentions or disrupted customers. Surveys show it when the mean of
seven days turns low, or when unhappy answers surge, whichever comes first; looked for from the trouble's onset on,
for `LONGEST_US`, as people are asked late. What an answer is about nobody knows but by its stage: another trouble in
those weeks may have had its part in it. The lead is the surveys' instant minus the detection; below zero they were
first. Surveys are read to measure this, not to steer by.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from streams.facts.times import instant_of
from streams.ledger.rules import DAY, HOUR
from streams.surges.series import (
    DISRUPTED_CUSTOMERS,
    LOST_CUSTOMERS,
    LOST_VALUE,
    UNHAPPY_ANSWERS,
    UNHAPPY_MENTIONS,
)
from streams.surges.survey_mean import SurveyMean
from streams.tables.calendar import utc_text

TROUBLES: Final = frozenset({LOST_CUSTOMERS, LOST_VALUE, UNHAPPY_MENTIONS, DISRUPTED_CUSTOMERS})
LONGEST_US: Final = 35 * DAY
"""In `olist`, of orders handed over and delivered late, nine in ten answers came within 30 days of the first miss."""

BEFORE_US: Final = DAY
"""A surge of answers that began longer than that before a trouble is about something else."""

SHOWN, WAITING, NOT_SHOWN, NO_SURVEYS = "shown", "waiting", "not_shown", "no_surveys"
STATES: Final = (SHOWN, WAITING, NOT_SHOWN, NO_SURVEYS)
"""Surveys showed it; they have time to do so; they never did; there are none, or too few to show anything."""

MEAN, SURGE = "mean", "surge"

Shown = Mapping[str, Any]
"""A surge as JSON."""

Json = dict[str, Any]


def leads(surges: Iterable[Shown], mean: SurveyMean, until: int) -> list[Json]:
    """For each trouble, by detection: when surveys showed it, and the lead in hours.

    Args:
        surges: as JSON, those of unhappy answers among them; with `verdict`, what a person says of them.
        mean: the answers.
        until: event time up to which all is known, microseconds.
    Returns: `story`, `series`, `onset` and `detected` of its first surge, `state`; `by`: each figure of surveys that
        showed it to when it did (`at`) and `lead_hours`; `lead_hours` of the first. Absent where there is none.
    """
    stories: dict[str, list[Shown]] = {}
    answers = []
    for surge in surges:
        if surge["direction"] != "up":
            continue
        if surge["series"]["measure"] == UNHAPPY_ANSWERS:
            answers.append(surge)
        elif surge["series"]["measure"] in TROUBLES and surge.get("verdict", {}).get("verdict") != "false":
            stories.setdefault(surge["story"], []).append(surge)
    found = (_lead(story, members, answers, mean, until) for story, members in stories.items())
    return sorted(found, key=lambda lead: (lead["detected"], lead["story"]))


def _lead(
    story: str, members: Sequence[Shown], answers: Iterable[Shown], mean: SurveyMean, until: int
) -> Json:
    first = min(members, key=lambda one: (one["detected"], one["onset"]))
    onset = min(_instant(one["onset"]) for one in members if one["onset"] <= first["detected"])
    detected, last = _instant(first["detected"]), min(until, onset + LONGEST_US)
    told: Json = {
        "story": story, "series": first["series"], "onset": utc_text(onset), "detected": first["detected"],
    }  # fmt: skip
    seen: dict[str, int] = {}
    stages = {one["series"]["stage"] for one in members if "stage" in one["series"]}
    surged = [_instant(one["detected"]) for one in answers if _may_be_of(one, onset, last, stages)]
    turned = mean.turned_low(onset, last)
    if turned is not None:
        seen[MEAN] = turned
    if surged:
        seen[SURGE] = min(surged)
    if not seen:
        is_known = mean.is_known(onset, last)
        state = WAITING if until < onset + LONGEST_US else NOT_SHOWN
        return told | {"state": state if is_known else NO_SURVEYS}
    by = {name: {"at": utc_text(at), "lead_hours": _hours(at - detected)} for name, at in seen.items()}
    return told | {"state": SHOWN, "by": by, "lead_hours": _hours(min(seen.values()) - detected)}


def _may_be_of(answers: Shown, onset: int, last: int, stages: set[str]) -> bool:
    stage = answers["series"].get("stage")
    if stages and stage is not None and stage not in stages:
        return False
    return onset - BEFORE_US <= _instant(answers["onset"]) and onset < _instant(answers["detected"]) <= last


def _instant(text: str) -> int:
    return instant_of(text, None)


def _hours(span_us: int) -> float:
    return round(span_us / HOUR, 2)
