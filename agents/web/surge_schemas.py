"""JSON Schemas of surges."""

from agents.web.schema_words import (
    Schema,
    count,
    counts,
    flag,
    instant,
    list_of,
    maybe,
    named,
    number,
    record,
    ref,
    text,
)
from streams.surges.lead import STATES

_FALSE_ALARMS = record(
    "false alarms against what is accepted", days=count("looked back"),
    false=count("surges detected in that time that people call false"),
    budget=number("how many are accepted, over all series"),
    budget_a_series=number("how many are accepted of one series"),
    over_budget=list_of(
        "series with more than that, the worst first",
        record("a series", series=named("`measure` and labels", {"type": "string"}), false=count("false alarms")),
    ),
    judged=counts("surges of that time by verdict: real, expected, false; none: nobody has judged them"),
)

_TIES = list_of(
    "topics whose unhappy mentions come before losses for that reason, where the data say so",
    record(
        "a topic", topic=text("that is a reason as well"),
        lead_seconds=named("by how long: best, low, high", {"type": "number"}),
        correlation=named("how closely losses follow: best, low, high", {"type": "number"}),
    ),
)
_LEADS = list_of(
    "how much earlier each trouble of the last 60 days was told than surveys showed it",
    record(
        "a trouble", story=text("id of its first surge"),
        series=named("`measure` and labels of the surge that told it", {"type": "string"}),
        onset=instant("when it began"), detected=instant("when it was told"),
        state={"type": "string", "enum": list(STATES),
               "description": "no_surveys: none were answered, or too few; waiting: there is time to show it yet"},
        by=maybe(named(
            "the figures of surveys that showed it: mean (of seven days), surge (of unhappy answers)",
            record("a figure", at=instant("when it did"), lead_hours=number("hours after the trouble was told")),
        )),
        lead_hours=maybe(number("of the first of them; below zero: surveys were first")),
    ),
)
_WATCHED = record(
    "what the detectors watch; empty before they have looked", at=maybe(instant("when that was")),
    series=maybe(counts("series by state: warming, normal, surge")),
    warming_seconds=maybe(count("until the last of those that warm up may raise an alarm, as far as it is known")),
)

SURGE_SCHEMAS: dict[str, Schema] = {
    "Surge": record(
        "a surge of one series",
        id=text("the same whenever it is told"), at=instant("when this was told"),
        series=named("`measure` and labels", {"type": "string"}), onset=instant("when it began"),
        detected=instant("when it was seen"), closed=maybe(instant("when it was over; absent while it is open")),
        direction={"type": "string", "enum": ["up", "down"], "description": "more than expected, or less"},
        observed=number("counted since the onset"), expected=number("expected of that time"),
        evidence=list_of(
            "what the excess consists of",
            record("a part", label=text("such as segment, reason, topic, channel"), value=text("of the label"),
                   share=number("of the excess of that label")),
        ),
        story=text("id of the first surge of the same trouble"),
        actions=maybe(list_of(
            "what we did ourselves at that time and scope",
            record("an action", action_id=text("its id"), kind=text("what it was"), text=text("in words")),
        )),
        is_expected=maybe(flag("one of the actions said that so much would come")),
        examples=maybe(list_of("what people wrote, where that may be shown", {"type": "string"})),
        verdict=maybe(record("what a person says of it", verdict=text("real, expected or false"), note=text("why"),
                             at=instant("when it was said"))),
    ),
    "Surges": record(
        "what is out of the ordinary",
        at=instant("the clock of the tables"),
        open=list_of("open surges, by detection", ref("Surge", "a surge")),
        closed=list_of("closed in the last seven days", ref("Surge", "a surge")),
        false_alarms=_FALSE_ALARMS, ties=_TIES, leads=_LEADS, watched=_WATCHED,
        actions=list_of(
            "what we did ourselves, of the last seven days and later",
            record(
                "an action", action_id=text("its id"), kind=text("what it is"), text=text("in words"),
                scope=named("labels", {"type": "string"}), **{"from": instant("when it begins")},
                until=instant("when it ends"), expected=counts("how many more than usual it may bring"),
                owner=maybe(text("who answers for it")),
            ),
        ),
    ),
    "SurgeSection": record(
        "surges, in the report card",
        open=list_of("open surges", ref("Surge", "a surge")),
        closed=list_of("the newest that are closed", ref("Surge", "a surge")), false_alarms=_FALSE_ALARMS,
        ties=_TIES, leads=_LEADS, watched=_WATCHED,
    ),
}
