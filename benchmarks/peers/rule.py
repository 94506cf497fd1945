"""The rule that every peer applies: what a fact means for its customer, when facts come in order.

The few lines of the customer math that this workload asks for. State of a customer is a list [state, value, segment,
region, newest ids]; `apply` changes it and yields what goes into the minute's cells.
"""

from datetime import datetime
from typing import Any

UNKNOWN, ACTIVE, LOST = range(3)
REMEMBERED = 16
FACTS = frozenset({"opening", "joined", "purchased", "value_changed", "profile_changed", "left"})
TEXTS = ("segment", "region", "product", "activity", "reason", "kind")

Change = tuple[str, str, str, str, int, int]
"""(kind, segment, region, reason, customers, value)."""


class BadFact(ValueError):
    """A record that is no fact."""


def new_state() -> list[Any]:
    """A customer of whom nothing is known."""
    return [UNKNOWN, 0, "", "", []]


def checked(fact: Any) -> tuple[dict[str, Any], int]:
    """The fact and its minute since 1970. Raises: BadFact."""
    if not isinstance(fact, dict):
        raise BadFact("not an object")
    try:
        event_id, at, customer_id, kind = fact["event_id"], fact["at"], fact["customer_id"], fact["fact"]
    except KeyError as error:
        raise BadFact(f"{error} is missing") from error
    if not (isinstance(event_id, str) and isinstance(customer_id, str) and 0 < len(customer_id) <= 256):
        raise BadFact("ids are texts")
    if kind not in FACTS:
        raise BadFact("no such fact")
    value = fact.get("value", 0)
    if type(value) is not int or value < 0:
        raise BadFact("value is a whole number, zero or more")
    for name in TEXTS:
        if not isinstance(fact.get(name, ""), str):
            raise BadFact(f"{name} is a text")
    return fact, minute_of(at)


def minute_of(at: Any) -> int:
    """Minute since 1970 of an RFC 3339 text. Raises: BadFact."""
    try:
        moment = datetime.fromisoformat(at)
    except (TypeError, ValueError) as error:
        raise BadFact("at is no instant") from error
    if moment.tzinfo is None:
        raise BadFact("at has no zone")
    return int(moment.timestamp()) // 60


def apply(state: list[Any], fact: dict[str, Any]) -> list[Change] | None:
    """The changes that a fact makes; None for a copy of one that was seen."""
    ids = state[4]
    event_id = fact["event_id"]
    if event_id in ids:
        return None
    ids.append(event_id)
    if len(ids) > REMEMBERED:
        del ids[0]
    kind, status, held = fact["fact"], state[0], state[1]
    segment, region = state[2], state[3]
    if kind == "left":
        if status != ACTIVE:
            return []
        state[0] = LOST
        return [("lost", segment, region, fact.get("reason", "unknown"), 1, held)]
    if status != ACTIVE:
        if kind not in ("joined", "purchased", "opening") or (kind == "opening" and status == LOST):
            return []
        state[0], state[1] = ACTIVE, fact.get("value", 0)
        state[2], state[3] = fact.get("segment", "unknown"), fact.get("region", "unknown")
        what = "opening" if kind == "opening" else "new" if status == UNKNOWN else "returned"
        return [(what, state[2], state[3], "", 1, state[1])]
    if kind in ("joined", "opening"):
        return []
    changes: list[Change] = []
    to = (fact.get("segment", segment), fact.get("region", region))
    if to != (segment, region):
        state[2], state[3] = to
        changes.append(("transferred_out", segment, region, "", 1, held))
        changes.append(("transferred_in", *to, "", 1, held))
    value = fact.get("value", held)
    if value != held:
        state[1] = value
        changes.append(("expansion" if value > held else "contraction", *to, "", 0, abs(value - held)))
    return changes
