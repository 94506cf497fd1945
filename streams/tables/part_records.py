"""Records of the topic `scope-parts`: their keys, what is in them, and how they are read.

A part holds the cells of one bucket and segment of one source partition, cumulative and stamped; the progress record
of a partition ends each of its flushes.
"""

from typing import Any, NamedTuple

import msgspec

from streams.tables.cells import Cell

PROGRESS = 9
"""Stands where a level stands, in the key of a progress record."""

EPOCH_BYTES = 9
"""An epoch as msgpack writes it, the last of a part's fields."""

Stamp = tuple[int, int, int]
"""(next offset of the source partition, clock of the partition, clock up to which levels were rolled up)."""

Record = tuple[bytes, bytes | None]


class PartKey(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Key of a record: which bucket of which partition. `share` is the hash prefix of a split bucket."""

    partition: int
    level: int
    start: int
    segment: str
    share: str = ""


class Part(msgspec.Struct, frozen=True, array_like=True):
    """Cells of one bucket and segment, cumulative. `upto`: days before it are in this record (level EVER).

    `epoch` is that of the partition's owner, who begins by writing everything.
    """

    stamp: Stamp
    upto: int
    cells: list[tuple[Cell, int, int]]
    epoch: int = 0


class PackedPart(msgspec.Struct, frozen=True, array_like=True):
    """A `Part` whose cells are packed, and stay so."""

    stamp: Stamp
    upto: int
    cells: msgspec.Raw
    epoch: int = 0


class OwnPart(NamedTuple):
    """A part that this process wrote, and its cells packed: whoever takes both need not decode nor pack them."""

    part: Part | PackedPart
    packed: bytes


class Progress(msgspec.Struct, frozen=True, array_like=True):
    """How far a source partition has come, and what became of its records; times in microseconds.

    `epoch` is its owner's: with its first progress record whatever older owners wrote is void. `end`: up to which
    offset it was read when it became idle; None: it is not.
    """

    next_offset: int
    watermark: int | None
    idle: bool
    fresh: bool
    definitions_version: str
    accounting: dict[str, Any] = {}
    epoch: int = 0
    definitions_name: str = ""  # empty in records of older programs
    end: int | None = None  # None in these, too


class _PartEpoch(msgspec.Struct, array_like=True, gc=False):
    """A part of which only the epoch is wanted."""

    stamp: msgspec.Raw
    upto: int
    cells: msgspec.Raw
    epoch: int = 0


PROGRESS_ENDING = b',9,0,"",""]'
"""How the key of a progress record ends, whatever the partition."""

_encode_key = msgspec.json.Encoder().encode
_decode_key = msgspec.json.Decoder(PartKey).decode
_encode = msgspec.msgpack.Encoder().encode
_decode_part = msgspec.msgpack.Decoder(Part).decode
_decode_packed_part = msgspec.msgpack.Decoder(PackedPart).decode
_decode_part_epoch = msgspec.msgpack.Decoder(_PartEpoch).decode
_decode_progress = msgspec.msgpack.Decoder(Progress).decode


def progress_record(partition: int, progress: Progress) -> Record:
    """The record that tells how far a partition has come."""
    return _encode_key(PartKey(partition, PROGRESS, 0, "")), _encode(progress)


def write_key(key: PartKey) -> bytes:
    """The key as the record has it."""
    return _encode_key(key)


def write_part(part: Part | PackedPart) -> bytes:
    """The value as the record has it."""
    return _encode(part)


def read_key(key: bytes) -> PartKey:
    """Raises msgspec.DecodeError for a key that no worker wrote."""
    return _decode_key(key)


def is_progress(key: bytes) -> bool:
    """Whether this is the key of a progress record, the last one of each flush; False for what cannot be read."""
    # No part's key ends like that: in a segment's name quotes are escaped. So few keys are read.
    if not key.endswith(PROGRESS_ENDING):
        return False
    try:
        return read_key(key).level == PROGRESS
    except msgspec.MsgspecError:
        return False


def is_part_of(epoch: int, value: bytes) -> bool:
    """Whether this is the value of a part that the owner of this epoch wrote; cheaper than to decode it."""
    ending = _encode(epoch)
    # Epochs are milliseconds since 1970 and take nine bytes; a shorter ending may stand at another's end.
    return len(ending) == EPOCH_BYTES and value.endswith(ending)


def read_part(value: bytes) -> Part:
    """Raises msgspec.DecodeError for a value that no worker wrote."""
    return _decode_part(value)


def read_packed_part(value: bytes) -> PackedPart:
    """A part whose cells are left as they are. Raises msgspec.DecodeError for a value that no worker wrote."""
    return _decode_packed_part(value)


def read_progress(value: bytes) -> Progress:
    """Raises msgspec.DecodeError for a value that no worker wrote."""
    return _decode_progress(value)


def epoch_of(value: bytes | None) -> int:
    """Epoch of the owner that wrote a part or a progress record; 0 for what cannot be read, or is deleted."""
    if value is None:
        return 0
    try:
        return _decode_part_epoch(value).epoch
    except msgspec.MsgspecError:
        try:
            return _decode_progress(value).epoch
        except msgspec.MsgspecError:
            return 0
