"""Where a record of `customer-events` comes from, and which of them were counted already.

Whoever writes such a record from others gives it a header: the partition it read, the offset there, and a number,
since one record may give several. Of one origin the records lie in each partition in that order, and a writer that
begins anew writes the same ones again. So the last place that was counted is enough to pass over what comes twice.

The header also names the agreement under which the record was made: the definitions, and of what a ledger tells
itself the edition that counts. A new one that counts from the beginning beside the running one writes its own, and
each counts its own.
"""

from collections.abc import Sequence

import msgspec

from streams.facts.models import RawRecord

ORIGIN = "netgrowth-origin"
"""Name of the header: `offset/number/source/agreement`."""


def agreement_of(name: str, version: str) -> str:
    """How headers name the definitions."""
    return f"{name} {version}"


def ledger_agreement_of(name: str, version: str, edition: str) -> str:
    """How headers name the count of an edition: what one tells itself is nothing to another."""
    return f"{name} {version} ledger {edition}"


def origin_header(agreement: str, source: str, offset: int, number: int) -> tuple[str, bytes]:
    """The header of a record that comes from this place; `source`, as `topic-partition`, is what is read in order."""
    return ORIGIN, f"{offset}/{number}/{source}/{agreement}".encode()


def origin_of(record: RawRecord) -> tuple[str, str, int, int] | None:
    """Agreement, source, offset and number; None for a record that says nothing of it."""
    for name, value in record.headers:
        if name == ORIGIN:
            parts = value.decode("utf-8", "replace").split("/", 3)
            if len(parts) == 4 and parts[0].isdecimal() and parts[1].isdecimal():
                return parts[3], parts[2], int(parts[0]), int(parts[1])
    return None


class Origins:
    """The last place counted of each origin, for one partition.

    Attributes:
        changed: something was counted since `pack` was last called.
    """

    def __init__(self, *agreements: str) -> None:
        """`agreements`: under which records are made that count here."""
        self._agreements = frozenset(agreements)
        self._last: dict[str, tuple[int, int]] = {}
        self.changed = False

    def fresh(self, records: Sequence[RawRecord]) -> Sequence[RawRecord]:
        """The records to count: those that were not counted before, and not made under another agreement."""
        if not any(record.headers for record in records):
            return records
        kept = []
        for record in records:
            origin = origin_of(record) if record.headers else None
            if origin is not None:
                agreement, source, offset, number = origin
                if agreement not in self._agreements or (offset, number) <= self._last.get(source, (-1, 0)):
                    continue
                self._last[source] = offset, number
                self.changed = True
            kept.append(record)
        return kept

    def pack(self) -> bytes:
        """What is written to the changelog."""
        self.changed = False
        return msgspec.msgpack.encode(self._last)

    def restore(self, packed: bytes) -> None:
        """Take over what `pack` gave."""
        self._last = msgspec.msgpack.decode(packed, type=dict[str, tuple[int, int]])
