"""The topic `movements`: the movements of one flush of one partition, each with its cause, packed in records.

Encoded whole by the library: nothing here costs more than one object a movement.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from streams.ledger.movements import Change, Movement, MovementKind, Scope

AT_ONCE = 2000
"""Movements in one record; at some 250 bytes each it stays below Kafka's usual 1 MB."""


class MovementLine(msgspec.Struct, omit_defaults=True, gc=False):
    """One movement as others read it: instants in microseconds since 1970, values in minor units.

    `sign` is absent (1) for a movement that came, -1 for one that a correction withdrew. `cause` is silo, event id
    and place of the fact; without one it was the clock.
    """

    customer_id: str
    kind: str
    at_us: int
    segment: str
    region: str
    product: str
    customers: int
    value: int
    sign: int = 1
    cause: tuple[str, str, int] | None = None
    activity: str = ""
    reason: str = ""
    loss_kind: str = ""
    earned: bool = False
    implied: bool = False
    early: bool = False
    count: int = 0
    to: Scope | None = None

    def same(self) -> tuple[object, ...]:
        """What it shares with the movement that it withdraws: all but the sign."""
        return (
            self.customer_id, self.kind, self.at_us, self.segment, self.region, self.product, self.customers,
            self.value, self.cause, self.activity, self.reason, self.loss_kind, self.earned, self.implied, self.early,
            self.count, self.to,
        )  # fmt: skip


class MovementBatch(msgspec.Struct, gc=False):
    """The value of one record: movements of one flush, up to the next offset of the source partition.

    A flush that a crash cut off is void, and its successor derives the movements anew. `ended`, in the first record
    of an owner's epoch, names the last flush that counts of the epoch before; of epochs between the two nothing does.
    """

    partition: int
    next_offset: int
    movements: list[MovementLine]
    epoch: int = 0
    flush: int = 0
    ended: tuple[int, int] | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(MovementBatch).decode


def movement_records(
    partition: int, next_offset: int, changes: Sequence[Change], *, epoch: int = 0, flush: int = 0,
    ended: tuple[int, int] | None = None,
) -> Iterator[tuple[bytes, bytes]]:
    """Records of one flush: key is the source partition, value a JSON object. At least one if `ended` is told."""
    lines = [
        _line(change.customer_id, change.movement, change.sign)
        for change in changes
        if change.movement.kind != MovementKind.PENDING
    ]
    key = str(partition).encode()
    for start in range(0, len(lines) or (ended is not None), AT_ONCE):
        of_record = lines[start : start + AT_ONCE]
        yield key, _encode(MovementBatch(partition, next_offset, of_record, epoch, flush, ended))


class OfFlush(Protocol):
    """What tells of a record to which flush it belongs."""

    epoch: int
    flush: int
    ended: tuple[int, int] | None


class VoidMovements:
    """Which records of one partition of `movements` count; feed it all of them, in any order, and then ask."""

    def __init__(self) -> None:
        self._newest = 0
        self._ended: dict[int, int] = {}

    def note(self, batch: OfFlush) -> None:
        """Take in a record."""
        self._newest = max(self._newest, batch.epoch)
        if batch.ended is not None:
            epoch, flush = batch.ended
            self._ended[epoch] = flush

    def counts(self, batch: MovementBatch) -> bool:
        """Whether its flush is whole, as far as the records taken in so far tell."""
        return batch.epoch == self._newest or batch.flush <= self._ended.get(batch.epoch, 0)


def read_movements(value: bytes) -> MovementBatch:
    """The movements in a record. Raises: msgspec.MsgspecError."""
    return _decode(value)


def _line(customer_id: str, movement: Movement, sign: int) -> MovementLine:
    scope = movement.scope
    return MovementLine(
        customer_id, movement.kind, movement.at, scope.segment, scope.region, scope.product, movement.customers,
        movement.value, sign, movement.cause, movement.activity, movement.reason, movement.loss_kind,
        movement.earned, movement.implied, movement.early, movement.count, movement.to,
    )  # fmt: skip
