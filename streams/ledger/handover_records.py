"""Handovers as records of `customer-events`: in the log of the partition that they are for, between its own records.

They are told apart by a header, and carry the origin by which one that is written twice counts once.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec

from streams.facts.models import RawRecord
from streams.intake.origins import origin_header
from streams.ledger.linked import Handover

HANDOVER = "netgrowth-handover"
"""Name of the header; its value is empty."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Handover).decode


class HandoverRecord(NamedTuple):
    """A record for the partition of its key."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def handover_records(
    handovers: Sequence[tuple[int, Handover]], agreement: str, partition: int
) -> list[HandoverRecord]:
    """The records of handovers, each with the offset of the record that it follows from, in this order."""
    records = []
    last, number = -1, 0
    for offset, handover in handovers:
        number = number + 1 if offset == last else 0
        last = offset
        origin = origin_header(agreement, f"ledger-{partition}", offset, number)
        records.append(HandoverRecord(handover.customer_id.encode(), _encode(handover), [(HANDOVER, b""), origin]))
    return records


def is_handover(headers: Iterable[tuple[str, bytes]]) -> bool:
    """Whether a record with these headers is a handover."""
    return any(name == HANDOVER for name, _ in headers)


def handovers_among(records: Sequence[RawRecord]) -> tuple[Sequence[RawRecord], list[tuple[int, Handover]]]:
    """The other records, and the handovers with their offsets. What only looks like one is a record like any."""
    if not any(record.headers for record in records):
        return records, []
    told: list[RawRecord] = []
    handovers: list[tuple[int, Handover]] = []
    for record in records:
        if is_handover(record.headers):
            with suppress(msgspec.MsgspecError):
                handovers.append((record.offset, _decode(record.value or b"")))
                continue
        told.append(record)
    return told, handovers
