"""Signals made up for tests, and what the offline command would say of them."""

from typing import Any

import orjson

from config.definitions_file import parse
from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.health.recount import HealthRecount
from streams.recount import Recount

NATIVE = """
name: shop
version: "1"
currency: EUR
time_zone: UTC
value_model: {version: "1", field: {minor_units: value}}
reasons: open
activities: open
"""

START = 1_704_103_200_000
"""2024-01-01T10:00:00Z, milliseconds."""


def definitions(health: str = "thresholds: [{satisfied_within: 1s}]", more: str = "") -> Definitions:
    """Native signals, satisfied within a second unless it is said otherwise."""
    return parse(f"{NATIVE}{more}\nhealth:\n" + "\n".join(f"  {line}" for line in health.splitlines()))


def signal(number: int, minute: float = 0, customer: str = "c", **more: Any) -> dict[str, Any]:
    """A satisfied customer of the shop's checkout, so many minutes after the start."""
    return {
        "event_id": f"e{number}", "at": START + int(minute * 60_000), "customer_id": customer, "service": "shop",
        "stage": "checkout", "ok": True, "latency_ms": 500, **more,
    }  # fmt: skip


def records(documents: list[dict[str, Any]]) -> list[RawRecord]:
    """As they lie in a topic."""
    return [RawRecord(orjson.dumps(document), None, "t", 0, n) for n, document in enumerate(documents)]


def health_of(
    signals: list[dict[str, Any]], *, statuses: list[dict[str, Any]] | None = None,
    facts: list[dict[str, Any]] | None = None, by: str | None = None, until: int | None = None, partitions: int = 1,
    under: Definitions | None = None, batch: int = 1000,
) -> dict[str, Any]:  # fmt: skip
    """Health's JSON over these records."""
    agreed = under or definitions()
    recount = HealthRecount(agreed, partitions=partitions, until=until, by=by, with_facts=facts is not None)
    if facts is not None:
        ledger = Recount(agreed, until=until, on_change=recount.on_change)
        ledger.add(records(facts))
        ledger.finish()
        recount.tell_time(ledger.latest)
        recount.customer_of = ledger.customer_of
    if statuses is not None:
        recount.add_statuses(records(statuses))
    for start in range(0, len(signals), batch):
        recount.add(records(signals[start : start + batch]))
    return recount.finish()


def only_scope(health: dict[str, Any]) -> dict[str, Any]:
    """The one scope of the one period."""
    (period,) = health["periods"]
    (scope,) = period["scopes"]
    return scope
