"""The section `health` of the report card: how many customers are disrupted, where, and what they are worth.

Losses stand beside: the customers lost in the card's window by the stage of the journey that their reason belongs to.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from streams.facts.models import UNKNOWN
from streams.report.wording import money, plural, span, subset_words

DEFAULT_WINDOW = "24h"
"""For windows of the card that health is not kept for."""

LONG_MINUTES = 10
"""False green of a part of the customers, below which it is not told: a handful may be red for a minute."""

MOST_STAGES, MOST_SUBSETS, MOST_TROUBLES = 10, 5, 5


def health_section(
    health: Mapping[str, Any], lost_reasons: list[dict[str, Any]] | None, stage_of: Mapping[str, str | None]
) -> dict[str, Any]:
    """The section, of the JSON of `/api/v1/health` and the reasons of the card's losses.

    Args:
        lost_reasons: all of the window, with customers and value; None: not known, and losses by stage neither.
        stage_of: agreed reason to its stage of the journey.
    """
    (period,) = health["periods"]
    services: list[dict[str, Any]] = period["services"]
    lasting = [
        row for row in health["false_green"]
        if row["lasts"] and ("segment" not in row or row["minutes"] >= LONG_MINUTES)
    ]  # fmt: skip
    return {
        "window": health["window"],
        "at": health["until"],
        "in_trouble": health["in_trouble"],
        **({} if lost_reasons is None else {"stages": by_stage(services, lost_reasons, stage_of)}),
        "services": services[:MOST_STAGES],
        "subsets": health["subsets"][-MOST_SUBSETS:],
        "status_feed": health["status_feed"],
        "false_green": lasting,
        "troubles": health["troubles"][-MOST_TROUBLES:],
        "mentions_feed": health["mentions_feed"],
        "before_loss": health["before_loss"],
        **{name: health[name] for name in ("first_to_know", "exposure") if name in health},
    }


def by_stage(
    services: list[dict[str, Any]], lost_reasons: list[dict[str, Any]], stage_of: Mapping[str, str | None]
) -> list[dict[str, Any]]:
    """Disruption and losses by stage; customers of several services of a stage count at each. `unknown` is a line."""
    found: dict[str, dict[str, Any]] = {}

    def line(stage: str | None) -> dict[str, Any]:
        name = stage or UNKNOWN
        return found.setdefault(
            name, {"stage": name, "customers": 0, "disrupted": 0, "lost": {"customers": 0, "value": 0}}
        )

    for row in services:
        of = line(row["stage"])
        of["customers"] += row["customers"]
        of["disrupted"] += row["disrupted"]
    for reason in lost_reasons:
        lost = line(stage_of.get(reason["reason"]))["lost"]
        lost["customers"] += reason["customers"]
        lost["value"] += reason["value"]
    return sorted(found.values(), key=_most_first)


def _most_first(line: Mapping[str, Any]) -> tuple[int, int, int, str]:
    return -line["disrupted"], -line["lost"]["customers"], -line["customers"], line["stage"]


def health_lines(of: Mapping[str, Any], currency: str) -> Iterator[str]:
    """The section as lines of plain text."""
    yield f"What customers experience, window {of['window']} at {of['at']}:"
    yield f"  disrupted now: {plural(of['in_trouble'], 'customer')}"
    for row in of["services"]:
        value = ""
        if "value_at_risk" in row:
            value = f", {money(row['value_at_risk'], currency)} at risk"
        yield (
            f"  {row['service']}, {row['stage']}: {colours_words(row, of['window'])}; {row['disrupted']:,} of "
            f"{plural(row['customers'], 'customer')} disrupted{value}"
        )
    for one in of.get("stages", ()):
        if one["lost"]["customers"]:
            yield (
                f"  stage {one['stage']}: {plural(one['disrupted'], 'customer')} disrupted, "
                f"{one['lost']['customers']:,} lost for its reasons"
            )
    for named in of["subsets"]:
        who = subset_words(named["attributes"])
        yield (
            f"  which customers: {who} ({named['service']}, {named['stage']}), {named['disrupted']:,} of "
            f"{named['customers']:,}, since {named['start']}"
        )
    if of["status_feed"] != "read":
        yield "  operations say nothing: false green is unknown"
    for spell in of["false_green"]:
        where = ", ".join(spell[name] for name in ("service", "stage", "segment", "region") if name in spell)
        minutes = plural(spell["minutes"], "minute")
        yield f"  false green: {where} is up while customers are red, since {spell['start']}, {minutes}"
    yield from _trouble_lines(of)
    if "exposure" in of:
        yield f"  {exposure_words(of['exposure'])}"


def exposure_words(told: Mapping[str, Any]) -> str:
    """Whether the disrupted left more, as a sentence without its full stop."""
    left, stayed = told["left"], told["stayed"]
    line = f"disrupted in the {told['days_before']:.0f} days before: {left['disrupted_before']:,} of " \
        f"{left['customers']:,} who left, {stayed['disrupted_before']:,} of {stayed['customers']:,} who stayed"
    ratio = told.get("risk_ratio")
    if ratio is None:
        return f"{line}; nothing is shown by that"
    times = f"{ratio['ratio']:.1f} times as often ({ratio['lower']:.1f} to {ratio['upper']:.1f})"
    return f"{line}; the disrupted left {times}" if told["shown"] else f"{line}; nothing is shown by that ({times})"


def colours_words(row: Mapping[str, Any], window: str) -> str:
    """The colour of a stage now beside the worst of the window, so that neither hides the other."""
    now = "nobody seen just now" if row["now"] == "unknown" else f"{row['now']} now"
    worst = row.get("worst")
    if worst is None and row["now"] in ("red", "yellow"):
        return f"{now}; before that green in every minute of the last {window}"
    if worst is None:
        return f"{now}; green in every minute of the last {window}"
    whom = "" if "segment" not in worst else f", customers of {worst['segment']}, {worst['region']}"
    return f"{now}; worst of the last {window}: {worst['colour']} for {plural(worst['minutes'], 'minute')}{whom}"


def _trouble_lines(of: Mapping[str, Any]) -> Iterator[str]:
    """Who knew of the troubles first, and how long before the first loss, in all and of the newest ones."""
    lost, known = of["before_loss"], of.get("first_to_know")
    if not lost["troubles"]:
        return
    line = f"  troubles of the last week: {lost['troubles']:,}"
    if known is None:
        line += "; who was first is unknown, there are no mentions"
    elif known["complained_of"]:
        line += f"; of {known['complained_of']:,} that were complained of we were first in {known['we_were_first']:,}"
    else:
        line += "; nobody complained"
    if lost["left_after"]:
        line += f"; first loss {_after(lost['median_seconds'])} detection (median of {lost['left_after']:,})"
    yield line
    for trouble in of["troubles"]:
        where = ", ".join(trouble[name] for name in ("service", "stage", "segment", "region") if name in trouble)
        said = ""
        if "seconds_before_complaint" in trouble:
            seconds = trouble["seconds_before_complaint"]
            said = f", detected {span(abs(seconds))} {'before' if seconds >= 0 else 'after'} the first complaint"
        if "seconds_before_loss" in trouble:
            said += f", first loss {_after(trouble['seconds_before_loss'])} detection"
        until = "" if trouble["lasts"] else f", until {trouble['end']}"
        yield f"    {where}: since {trouble['start']}{until}{said}"


def _after(seconds: float) -> str:
    return f"{span(abs(seconds))} {'after' if seconds >= 0 else 'before'}"
