"""The topic `movements`: the movements of one flush of one partition, each with its cause, packed in records.

The movements themselves are written as they come (`streams.ledger.movement_lines`).
"""

from collections.abc import Iterator
from typing import Protocol

import msgspec

from streams.ledger.movement_lines import MovementLine, MovementLines


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
    partition: int, next_offset: int, movements: MovementLines, *, epoch: int = 0, flush: int = 0,
    ended: tuple[int, int] | None = None,
) -> Iterator[tuple[bytes, bytes]]:
    """Records of one flush: key is the source partition, value a JSON object. At least one if `ended` is told."""
    key = str(partition).encode()
    empty = _encode(MovementBatch(partition, next_offset, [], epoch, flush, ended))
    before, after = empty.split(b"[]", 1)
    for lines in movements.in_records() or ([] if ended is None else [b""]):
        yield key, b"".join((before, b"[", lines, b"]", after))


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
