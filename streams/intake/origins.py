"""Where a record of `customer-events` comes from, and which of them were counted already.

Whoever writes such a record from others gives it a header: the partition it read, the offset there, and a number,
since one record may give several. Of one origin the records lie in each partition in that order, and a writer that
begins anew writes the same ones again. So the last place that was counted is enough to pass over what comes twice.
"""

from collections.abc import Sequence

import msgspec

from streams.facts.models import RawRecord

ORIGIN = "netgrowth-origin"
"""Name of the header: `source/offset/number`."""


def origin_header(source: str, offset: int, number: int) -> tuple[str, bytes]:
    """The header of a record that comes from this place; `source`, as `topic-partition`, is what is read in order."""
    return ORIGIN, f"{source}/{offset}/{number}".encode()


def origin_of(record: RawRecord) -> tuple[str, int, int] | None:
    """Source, offset and number; None for a record that says nothing of it."""
    for name, value in record.headers:
        if name == ORIGIN:
            source, _, place = value.decode("utf-8", "replace").partition("/")
            offset, _, number = place.partition("/")
            if offset.isdigit() and number.isdigit():
                return source, int(offset), int(number)
    return None


class Origins:
    """The last place counted of each origin, for one partition.

    Attributes:
        changed: something was counted since `pack` was last called.
    """

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, int]] = {}
        self.changed = False

    def fresh(self, records: Sequence[RawRecord]) -> Sequence[RawRecord]:
        """The records that were not counted before; these are counted from now on."""
        if not any(record.headers for record in records):
            return records
        kept = []
        for record in records:
            origin = origin_of(record) if record.headers else None
            if origin is not None:
                source, offset, number = origin
                if (offset, number) <= self._last.get(source, (-1, 0)):
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
