"""The topic `movements`: the movements of one flush of one partition, each with its cause, packed in records."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from streams.ledger.movements import Movement, MovementKind
from streams.ledger.partition import Change
from streams.tables.calendar import utc_text

AT_ONCE = 1500
"""Movements in one record; at some 300 bytes each it stays well below Kafka's usual 1 MB."""


def movement_records(partition: int, next_offset: int, changes: Sequence[Change]) -> Iterator[tuple[bytes, bytes]]:
    """Records of one flush: key is the source partition, value a JSON object.

    `sign` is 1 for a movement that came and -1 for one that a correction withdrew.
    """
    told = [change for change in changes if change.movement.kind != MovementKind.PENDING]
    for start in range(0, len(told), AT_ONCE):
        part = [_as_json(change) for change in told[start : start + AT_ONCE]]
        value = {"partition": partition, "next_offset": next_offset, "movements": part}
        yield str(partition).encode(), orjson.dumps(value)


def _as_json(change: Change) -> dict[str, Any]:
    movement = change.movement
    found: dict[str, Any] = {
        "customer_id": change.customer_id,
        "kind": movement.kind,
        "sign": change.sign,
        "at": utc_text(movement.at),
        "segment": movement.scope.segment,
        "region": movement.scope.region,
        "product": movement.scope.product,
        "customers": movement.customers,
        "value": movement.value,
        "cause": _cause(movement),
    }
    for name in ("activity", "reason", "loss_kind"):
        if said := getattr(movement, name):
            found[name] = said
    for name in ("earned", "implied", "early"):
        if getattr(movement, name):
            found[name] = True
    if movement.count:
        found["count"] = movement.count
    if movement.to is not None:
        found["to"] = {"segment": movement.to.segment, "region": movement.to.region, "product": movement.to.product}
    return found


def _cause(movement: Movement) -> dict[str, Any]:
    if movement.cause is None:
        return {"clock": True}
    silo, event_id, place = movement.cause
    return {"silo": silo, "event_id": event_id, "place": place}
