"""Health's JSON as lines for a terminal."""

from collections.abc import Iterator
from typing import Any

from agents.commands.ledger_text import money
from streams.report.health import exposure_words

SCOPES_SHOWN = 12


def health_lines(health: dict[str, Any]) -> Iterator[str]:
    """The worst scopes of each period, then who it was, and what operations did not know."""
    definitions = health["definitions"]
    until = "no signal with an event time" if health["until"] is None else f"until {health['until']}"
    yield f"Perceived health {until}, definitions {definitions['name']} {definitions['version']}"
    for period in health["periods"]:
        yield ""
        rows = period["scopes"]
        yield f"from {period['start'][:16]} to {period['end'][:16]}: {len(rows)} scopes"
        if rows:
            yield f"{'service / stage / segment / region':<52}{'customers':>10}{'disrupted':>10}" \
                f"{'at least':>9}{'Apdex':>7}  {'colour':<8}{'at risk':>16}"
        for row in rows[:SCOPES_SHOWN]:
            yield _row_line(row, health["currency"])
        if len(rows) > SCOPES_SHOWN:
            yield f"... and {len(rows) - SCOPES_SHOWN} more"
    yield ""
    yield from _subset_lines(health)
    yield from _false_green_lines(health)
    if "exposure" in health:
        yield exposure_words(health["exposure"])
    yield _detection_line(health)
    counted = health["accounting"]["signals"]
    dead = ", ".join(f"{what} {count:,}" for what, count in counted["dead_lettered"].items()) or "none"
    yield f"records {counted['records']:,}: dead letters {dead}; unmapped {counted['unmapped']:,}; " \
        f"too late {health['accounting']['late']:,}"


def _row_line(row: dict[str, Any], currency: str) -> str:
    name = " / ".join(row[key] for key in ("service", "stage", "segment", "region"))
    lower = f"{row['share_lower']:.1%}" if "share_lower" in row else ""
    index = f"{row['apdex']:.2f}" if "apdex" in row else ""
    worth = money(row["value_at_risk"], currency) if "value_at_risk" in row else "unknown"
    counts = f"{row['customers']:>10,}{row['disrupted']:>10,}"
    return f"{name:<52}{counts}{lower:>9}{index:>7}  {row['colour']:<8}{worth:>16}"


def _subset_lines(health: dict[str, Any]) -> Iterator[str]:
    if not health["subsets"]:
        yield "no subset stands out"
    for one in health["subsets"]:
        who = " and ".join(f"{name} {' or '.join(values)}" for name, values in one["attributes"].items())
        yield f"{one['start']} to {one['end']}: {one['service']} / {one['stage']}: {who}: " \
            f"{one['disrupted']:,} of {one['customers']:,} disrupted, " + (
                f"{one['lift']:.1f} times the rest" if "lift" in one else "and nobody else"
            )


def _false_green_lines(health: dict[str, Any]) -> Iterator[str]:
    if health["status_feed"] == "unknown":
        yield "false green: unknown, there is no status feed"
        return
    minutes = sum(one["minutes"] for one in health["false_green"])
    line = f"false green: {minutes:,} minutes in {len(health['false_green']):,} spells"
    unknown = health["status_unknown_minutes"]
    yield f"{line}; of {unknown:,} red minutes it is unknown what operations said" if unknown else line


def _detection_line(health: dict[str, Any]) -> str:
    troubles, told = health["troubles"], health.get("first_to_know")
    line = f"troubles, from red to green again: {len(troubles):,}; "
    lead = health.get("before_loss", {}).get("median_seconds")
    after = "" if lead is None else f"; first loss {lead / 3600:,.1f} h after detection (median)"
    if told is None:
        return f"{line}who was first is unknown, there are no mentions{after}"
    of = f"of {told['complained_of']:,} that were complained of"
    return f"{line}{of} we were first in {told['we_were_first']:,}{after}"
