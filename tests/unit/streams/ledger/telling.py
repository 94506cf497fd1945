"""Telling a customer's story to the ledger, from raw records to its JSON, as `netgrowth ledger` counts a file."""

from typing import Any

import orjson

from config.definitions_file import parse
from streams.facts.admission import Admission
from streams.facts.models import Fact, RawRecord
from streams.facts.times import instant_of
from streams.recount import Recount

HEAD = """
name: stories
version: "1"
agreed: {by: a test, at: 2026-01-01}
currency: EUR
"""
NATIVE = """
native: {silo: crm}
value_model: {version: "1", field: {minor_units: value}}
reasons: open
activities: open
"""


def fact(at: str, what: str, customer_id: str = "c", /, **fields: Any) -> dict[str, Any]:
    """A record in the native format; its id is its instant and kind."""
    return {"event_id": f"{at} {what}", "at": at, "customer_id": customer_id, "fact": what, **fields}


def facts_of(records: list[dict[str, Any]]) -> list[Fact]:
    """The facts that these records become."""
    definitions = parse(f"{HEAD}time_zone: UTC\n{NATIVE}")
    return Admission(definitions).admit([RawRecord(orjson.dumps(record)) for record in records]).facts


def counted(
    records: list[dict[str, Any]], until: str | None = None, *, definitions: str = NATIVE, zone: str = "UTC",
    by: str | None = None,
) -> dict[str, Any]:
    """The ledger's JSON of these records in their order of arrival."""
    end = None if until is None else instant_of(until, None, "until")
    recount = Recount(parse(f"{HEAD}time_zone: {zone}\n{definitions}"), until=end, by=by)
    recount.add([RawRecord(orjson.dumps(record), offset=place) for place, record in enumerate(records)])
    return recount.finish()


def amount(customers: int, value: int) -> dict[str, int]:
    """Whole customers and minor units."""
    return {"customers": customers, "value": value}


def balances(row: dict[str, Any]) -> bool:
    """Invariant 1 of one row, in customers and in value."""
    signs = {"opening": 1, "new": 1, "returned": 1, "lost": -1, "transferred_in": 1, "transferred_out": -1}
    customers = sum(sign * row[name]["customers"] for name, sign in signs.items())
    value = sum(sign * row[name]["value"] for name, sign in signs.items())
    value += row["expansion"] - row["contraction"]
    return row["closing"] == amount(customers, value)


