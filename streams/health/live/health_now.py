"""Perceived health now, as one JSON document: what `/api/v1/health` and the report card show."""

from typing import Any

from streams.health.detection import before_loss, first_to_know, trouble_row
from streams.health.health_json import false_green_rows, scope_rows, subset_row
from streams.health.live.company import CompanyHealth
from streams.health.live.followed import MOST_TROUBLES
from streams.health.live.minute_colours import Worst
from streams.health.live.running import WINDOWS
from streams.health.parts import ScopeName
from streams.health.shares import colour
from streams.ledger.rules import MINUTE
from streams.tables.calendar import Calendar, utc_text

LONGEST, SHORTEST = "24h", "5m"


def health_now(company: CompanyHealth, window: str) -> dict[str, Any] | None:
    """Health in the shape of `netgrowth health`, one period that is the window; None before there is a clock.

    False green tells since when and for how long; one that lasts has `lasts` true.
    """
    span = company.span(window)
    if span is None or company.clock is None:
        return None
    definitions, calendar = company.definitions, Calendar(company.definitions.time_zone)
    told = {
        scope: company.windows.with_latencies(scope, window, health)
        for scope, health in company.windows.rows(window).items()
    }
    rows = scope_rows(definitions, told, with_facts=True)
    found: dict[str, Any] = {
        "definitions": {"name": definitions.name, "version": definitions.version},
        "currency": definitions.currency,
        "until": utc_text(company.clock),
        "window": window,
        "status_feed": status_feed(company),
        "statuses": statuses(company),
        "ledger": "read",
        "in_trouble": company.in_trouble,
        "accounting": {"signals": company.accounting, "status": company.status_accounting},
        "periods": [
            {
                "start": calendar.local_text(span[0]),
                "end": calendar.local_text(span[1]),
                "scopes": [row for row in rows if "segment" in row],
                "services": with_now_and_worst(company, window, [row for row in rows if "segment" not in row]),
            }
        ],
        "subsets": [subset_row(named) for named in company.named],
        "false_green": false_greens(company),
        "status_unknown_minutes": company.status_unknown_minutes,
        **detection(company),
    }
    exposure = company.exposure.told()
    if exposure is not None:
        found["exposure"] = exposure
    return found


def with_now_and_worst(company: CompanyHealth, window: str, services: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Services and stages with their colour now and the worst of the window.

    Over a day a stage may be green all in all that was red for an hour, or of which a part of the customers was.
    """
    now = company.windows.rows(SHORTEST, wholes=True)
    worst = company.colours.worst(company.passed - WINDOWS[window])
    rules = company.definitions.health
    found = []
    for row in services:
        kind = row["service"], row["stage"]
        told: dict[str, Any] = {"now": "unknown"}
        here = now.get(ScopeName(*kind, None, None))
        if here is not None and here.customers:
            told["now"] = str(colour(rules, here.disrupted, here.customers))
        if kind in worst:
            told["worst"] = worst_row(worst[kind])
        found.append(row | told)
    return found


def worst_row(worst: Worst) -> dict[str, Any]:
    """The worst of a stage; without segment and region it was the stage as a whole."""
    scope = worst.scope
    names = {} if scope.segment is None else {"segment": scope.segment, "region": scope.region}
    return {"colour": str(worst.colour), "minutes": worst.minutes, **names}


def detection(company: CompanyHealth) -> dict[str, Any]:
    """Troubles of the last week, who knew of them first, and how long before the first loss; as over files.

    The newest are listed, which are those that are followed; all are counted.
    """
    troubles = company.troubles_known()
    found: dict[str, Any] = {
        "troubles": [
            trouble_row(spell, known) | {"lasts": company.lasts(spell)} for spell, known in troubles[-MOST_TROUBLES:]
        ],
        "mentions_feed": "unknown" if company.complaints is None else "read",
        "before_loss": before_loss(troubles),
    }
    if company.complaints is not None:
        found["first_to_know"] = first_to_know(troubles)
    return found


def status_feed(company: CompanyHealth) -> str:
    """`read`, or `unknown`: nothing was said, or too long ago, so that false green is not known rather than none."""
    return "read" if company.status_is_known else "unknown"


def statuses(company: CompanyHealth) -> list[dict[str, Any]]:
    """The last word of each service, stage and region, and when it was said; `unknown` once it holds no more."""
    found = []
    for feed in company.statuses.feeds:
        steps = company.statuses.steps(feed)
        if steps:
            names = {name: value for name, value in zip(("service", "stage", "region"), feed, strict=True) if value}
            level = ("up", "degraded", "down")[steps[-1][1]]
            told = {"status": level, "since_minute": utc_text(steps[-1][0] * MINUTE)}
            if company.statuses.is_stale(feed, company.passed):
                told |= {"status": "unknown", "last_status": level}
            found.append(names | told)
    return found


def false_greens(company: CompanyHealth) -> list[dict[str, Any]]:
    """Spells of false green, those that last among them."""
    several: dict[tuple[str, str], int] = {}
    for scope in company.windows.rows(LONGEST):
        if scope.segment is not None:
            several[scope[:2]] = several.get(scope[:2], 0) + 1
    lasting = {(one.scope, one.start) for one in company.lasting()}
    rows = false_green_rows(company.false_greens(), several)
    return [row | {"lasts": (one.scope, one.start) in lasting} for one, row in rows]


