"""Perceived health as one JSON document: the answer of `netgrowth health`."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from streams.facts.definitions.model import Definitions
from streams.health.naming import Named
from streams.health.parts import ScopeName
from streams.health.shares import apdex, colour, share_interval
from streams.health.status import FalseGreen
from streams.health.tables import QUANTILES, HealthTables, Period, ScopeHealth
from streams.ledger.rules import MINUTE
from streams.tables.calendar import Calendar, utc_text


def health_json(
    definitions: Definitions, tables: HealthTables, until: int | None, accounting: Mapping[str, Any], with_facts: bool
) -> dict[str, Any]:
    """Health at the end of the clock, in the shape of the interface.

    Args:
        until: the clock, microseconds; None: no signal told a time.
        accounting: what became of the records.
        with_facts: there was a ledger, so that values are known.
    """
    calendar = Calendar(definitions.time_zone)
    found: dict[str, Any] = {
        "definitions": {"name": definitions.name, "version": definitions.version},
        "currency": definitions.currency,
        "until": None if until is None else utc_text(until),
        "accounting": dict(accounting),
        "status_feed": "read" if tables.has_status else "unknown",
        "ledger": "read" if with_facts else "unknown",
        "periods": [_period(definitions, period, calendar, with_facts) for period in tables.periods],
        "subsets": [subset_row(named) for named in tables.named],
    }
    if tables.has_status:
        found["false_green"] = _false_green(tables)
    else:
        found["false_green"] = []
    found["status_unknown_minutes"] = tables.false_greens.unknown_minutes
    return found


def _period(definitions: Definitions, period: Period, calendar: Calendar, with_facts: bool) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    wholes: list[dict[str, Any]] = []
    for scope, health in period.scopes.items():
        row = _row(definitions, scope, health, with_facts)
        (wholes if scope.segment is None else rows).append(row)
    return {
        "start": calendar.local_text(period.start),
        "end": calendar.local_text(period.end),
        "scopes": sorted(rows, key=_order),
        "services": sorted(wholes, key=_order),
    }


def scope_rows(
    definitions: Definitions, scopes: Mapping[ScopeName, ScopeHealth], with_facts: bool
) -> list[dict[str, Any]]:
    """A row of each scope; the most customers disrupted first."""
    return sorted((_row(definitions, scope, health, with_facts) for scope, health in scopes.items()), key=_order)


def subset_row(named: Named) -> dict[str, Any]:
    """A subset that was named."""
    subset = named.subset
    service, stage = named.kind
    found: dict[str, Any] = {
        "start": utc_text(named.start),
        "end": utc_text(named.end),
        "named_at": utc_text(named.named_at),
        "service": service,
        "stage": stage,
        "attributes": {choice.attribute: list(choice.values) for choice in subset.choices},
        "customers": named.customers,
        "disrupted": named.disrupted,
        "share_of_excess": round(subset.share_of_excess, 6),
        "ratio": round(subset.ratio, 6),
    }
    if subset.lift != float("inf"):  # nobody else was disrupted
        found["lift"] = round(subset.lift, 6)
    return found


def _order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    names = (row.get(name, "") for name in ("service", "stage", "segment", "region"))
    return (-row["disrupted"], -row["customers"], *names)


def _names(scope: ScopeName) -> dict[str, str]:
    return {name: value for name, value in scope._asdict().items() if value is not None}


def _row(definitions: Definitions, scope: ScopeName, health: ScopeHealth, with_facts: bool) -> dict[str, Any]:
    rules, counts, distinct = definitions.health, health.counts, health.distinct
    customers, disrupted = health.customers, health.disrupted
    row: dict[str, Any] = {
        **_names(scope),
        "tier": definitions.tiers.get(scope.stage, 3),
        "customers": customers,
        "disrupted": disrupted,
        "customer_minutes": counts.customer_minutes,
        "counts": "sums" if counts.summed else "distinct",
    }
    interval = share_interval(disrupted, customers)
    if interval is not None:
        row["share_lower"], row["share_upper"] = interval
        row["share"] = disrupted / customers
    index = apdex(*counts.interactions)
    if index is not None:
        row["apdex"] = index
        row["interactions"] = dict(zip(("satisfied", "tolerating", "frustrated"), counts.interactions, strict=True))
    row["colour"] = str(colour(rules, disrupted, customers)) if customers else "unknown"
    if with_facts:
        unknown = distinct.value_unknown + counts.summed_disrupted
        if unknown < disrupted or not disrupted:
            row["value_at_risk"] = distinct.value
        row["value_unknown"] = unknown
    elif disrupted:
        row["value_unknown"] = disrupted
    if health.latencies is not None:
        names = (f"p{share * 100:.0f}" for share in QUANTILES)
        row["latency_ms"] = {name: round(us / 1000, 3) for name, us in zip(names, health.latencies, strict=True)}
    if counts.probes[0]:
        row["probes"] = {"sent": counts.probes[0], "failed": counts.probes[1]}
    return row


def _false_green(tables: HealthTables) -> list[dict[str, Any]]:
    several: dict[tuple[str, str], int] = {}
    for scope in {scope for period in tables.periods for scope in period.scopes if scope.segment is not None}:
        several[scope[:2]] = several.get(scope[:2], 0) + 1
    return [row for _, row in false_green_rows(tables.false_greens.all(), several)]


def false_green_rows(
    spells: Iterable[FalseGreen], several: Mapping[tuple[str, str], int]
) -> Iterator[tuple[FalseGreen, dict[str, Any]]]:
    """Spells of false green; `several`: how many scopes there are of a service and stage."""
    for one in spells:
        if one.scope.segment is None and several.get(one.scope[:2], 0) < 2:
            continue  # it is told as the one scope that makes it up
        row = {
            **_names(one.scope),
            "start": utc_text(one.start * MINUTE),
            "end": utc_text(one.end * MINUTE),
            "minutes": one.minutes,
        }
        yield one, row
