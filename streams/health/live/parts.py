"""What a partition tells the company of its health, as records of the topic `health-parts`.

Every record is cumulative and ends with the epoch of the partition's owner. `windows` holds the scopes of a service
and stage; `minute`, written once a minute is over, what the search of subsets and false green need of it; `hour`,
latencies that needs are learnt from; `named`, customers of the subsets that were named; `troubles`, what came of
troubles; `exposure`, disruption before losses; `memory`, what the search has learnt, for workers that begin;
`progress` ends every flush. `status-parts` holds what operations say alike.
"""

import zlib
from typing import Any

import msgspec
import numpy as np

from streams.health.columns import Attributes, Kind
from streams.health.live.tally import Ints
from streams.health.parts import ScopeName
from streams.health.status import Feed
from streams.health.subsets import Choice

WINDOWS, MINUTE_PART, HOUR_PART, PROGRESS_PART = "windows", "minute", "hour", "progress"
TROUBLES_PART, EXPOSURE_PART, NAMED_PART = "troubles", "exposure", "named"
STATUS_PART = "status"
MEMORY_PART = "memory"

Record = tuple[bytes, bytes | None]


class HealthKey(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Key of a record: partition, what it holds, and of what: service and stage, or a minute or an hour."""

    partition: int
    what: str
    of: str = ""
    stage: str = ""
    number: int = 0


LatencyColumns = tuple[bytes, bytes, bytes]
"""Place of the scope, bin, and interactions of each row: ten bytes, or more where interactions are very many."""


class WindowsPart(msgspec.Struct, gc=False, array_like=True):
    """A service and stage over the windows.

    Attributes:
        scopes: (segment, region) of each row; (None, None) for the whole.
        rows: by window, the rows of `running.window_matrix` as bytes.
        latencies: by window, `LatencyColumns`.
    """

    scopes: list[tuple[str | None, str | None]]
    rows: dict[str, bytes]
    latencies: dict[str, LatencyColumns]


class MinutePart(msgspec.Struct, gc=False, array_like=True):
    """A minute that is over.

    Attributes:
        groups: combinations of attributes that occur, or whose distinct counts changed.
        units: rows of cells seen and disrupted in the minute.
        spans: rows of distinct customers seen and disrupted over each span of `naming.RECENT`.
        scopes, scope_units: scopes that occur, wholes too, with rows of customers seen and disrupted.
    """

    groups: list[tuple[Kind, Attributes]]
    units: bytes
    spans: bytes
    scopes: list[ScopeName]
    scope_units: bytes


class HourPart(msgspec.Struct, gc=False, array_like=True):
    """An hour of the services that no need is stated for: [service, stage, bad, all, {bin: interactions}]."""

    kinds: list[tuple[str, str, int, int, dict[int, int]]]


class TroubleFound(msgspec.Struct, gc=False, array_like=True):
    """A trouble, and what a partition knows came of it: instants in microseconds, None for nothing.

    Attributes:
        start, end: minutes since 1970, [start, end).
        by_customer: when a customer of the partition who was disrupted in it first complained.
        by_topic: when anybody was first unhappy about its topics.
        loss: when the first of the partition's customers disrupted in it left.
    """

    scope: ScopeName
    start: int
    end: int
    by_customer: int | None = None
    by_topic: int | None = None
    loss: int | None = None


class TroublesPart(msgspec.Struct, gc=False, array_like=True):
    """The troubles that a partition follows."""

    found: list[TroubleFound]


class NamedSubset(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A subset of a service and stage, and when its trouble was first named, microseconds: it may have another."""

    kind: Kind
    named_at: int
    choices: tuple[Choice, ...]


class NamedSpan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A subset over the minutes [start, end) of its trouble, since 1970."""

    subset: NamedSubset
    start: int
    end: int


class NamedCount(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Customers of a partition seen and disrupted in a subset.

    Attributes:
        is_whole: no minute of the span had been let go.
    """

    of: NamedSpan
    customers: int
    disrupted: int
    is_whole: bool


class NamedPart(msgspec.Struct, gc=False, array_like=True):
    """What a partition counted of the subsets that the company named."""

    counts: list[NamedCount]


class ExposurePart(msgspec.Struct, gc=False, array_like=True):
    """Customers who left in the minutes up to `end`, and those who stayed (`streams.health.exposure`).

    Attributes:
        end: the last minute.
        since: the first minute in which any customer was seen.
        reasons: of those who left: (reason, customers, of these disrupted before).
        stayed: customers.
        steps: by minute, `steps_of_hurt` of those who stayed; packed.
        losses: by minute, customers who left; packed.
    """

    end: int
    since: int
    reasons: list[tuple[str, int, int]]
    stayed: int
    steps: bytes
    losses: bytes


class StatusPart(msgspec.Struct, gc=False, array_like=True):
    """What operations said of a service, stage and region: (minute, level) in order."""

    feed: Feed
    steps: list[tuple[int, int]]


class HealthProgress(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """How far a partition has come; microseconds.

    Attributes:
        done: minutes (since 1970) before it are over and told.
        in_trouble: customers disrupted now.
        end: up to which offset it was read when it became idle; None: it is not, or an earlier version told it.
    """

    next_offset: int
    watermark: int | None
    idle: bool
    fresh: bool
    done: int
    definitions: tuple[str, str]
    accounting: dict[str, Any]
    in_trouble: int = 0
    end: int | None = None


class _Envelope(msgspec.Struct, gc=False, array_like=True):
    """Around every value: laid out as a part of the ledger's tables is, so that late owners are told alike."""

    stamp: int
    upto: int
    payload: msgspec.Raw
    epoch: int


_encode_key = msgspec.json.Encoder().encode
_decode_key = msgspec.json.Decoder(HealthKey).decode
_encode = msgspec.msgpack.Encoder().encode
_decode_envelope = msgspec.msgpack.Decoder(_Envelope).decode


def key_of_part(key: HealthKey) -> bytes:
    """The key's bytes."""
    return _encode_key(key)


def read_part_key(key: bytes) -> HealthKey:
    """Raises msgspec.DecodeError for a key that no worker wrote."""
    return _decode_key(key)


def is_progress_key(key: bytes) -> bool:
    """Whether this is the key of a progress record; False for what cannot be read."""
    try:
        return _decode_key(key).what == PROGRESS_PART
    except msgspec.MsgspecError:
        return False


def pack_part(stamp: int, payload: msgspec.Struct, epoch: int, *, is_progress: bool = False) -> bytes:
    """A value: what it holds, and whose it is. One more field tells progress from a part by its last bytes."""
    fields: list[Any] = [stamp, 0, payload, epoch]
    return _encode([*fields, ""] if is_progress else fields)


def unpack_part(value: bytes) -> tuple[int, msgspec.Raw]:
    """Epoch and payload. Raises msgspec.DecodeError for what no worker wrote."""
    found = _decode_envelope(value)
    return found.epoch, found.payload


def packed(matrix: Ints) -> bytes:
    """Rows of whole numbers, 8 bytes each."""
    return np.ascontiguousarray(matrix, dtype="<i8").tobytes()


def pack_by_minute(numbers: Ints) -> bytes:
    """A number for each of many minutes, most of them 0."""
    return zlib.compress(numbers.astype("<i4").tobytes(), 1)


def unpack_by_minute(data: bytes) -> Ints:
    """Numbers that were packed. Raises ValueError for what is none."""
    try:
        return np.frombuffer(zlib.decompress(data), dtype="<i4").astype(np.int64)
    except zlib.error as error:
        raise ValueError(f"no numbers by the minute: {error}") from None


def pack_latencies(places: Ints, bins: Ints, interactions: Ints) -> LatencyColumns:
    """Columns of a part; places are below 65,536."""
    width = 4 if not len(interactions) or int(interactions.max()) < 1 << 32 else 8
    return places.astype("<u2").tobytes(), bins.astype("<i4").tobytes(), interactions.astype(f"<u{width}").tobytes()


def unpack_latencies(columns: LatencyColumns) -> tuple[Ints, Ints, Ints]:
    """Columns that were packed."""
    places, bins = np.frombuffer(columns[0], dtype="<u2"), np.frombuffer(columns[1], dtype="<i4")
    width = len(columns[2]) // max(1, len(places)) or 4
    interactions = np.frombuffer(columns[2], dtype=f"<u{width}")
    return places.astype(np.int64), bins.astype(np.int64), interactions.astype(np.int64)


def unpacked(data: bytes, columns: int) -> Ints:
    """Rows that were packed. Raises ValueError for what is none."""
    return np.frombuffer(data, dtype="<i8").reshape(-1, columns)
