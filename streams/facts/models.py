"""Facts: what a record says of one customer, after the definitions.

Times are integers, microseconds since 1970 (UTC). Money is an integer in minor units of the
definitions' currency. `None` means that the source was silent: it is never a zero.
"""

from enum import StrEnum

import msgspec

UNKNOWN = "unknown"
"""Segment, region, product, reason or activity about which every source was silent."""


class FactKind(StrEnum):
    """What a fact says; the closed list of the customer math."""

    OPENING = "opening"
    JOINED = "joined"
    PURCHASED = "purchased"
    LEFT = "left"
    LEAVING = "leaving"
    STAYING = "staying"
    VALUE_CHANGED = "value_changed"
    PROFILE_CHANGED = "profile_changed"
    RECOMMENDED = "recommended"
    RETRACTED = "retracted"
    HEARTBEAT = "heartbeat"


class LossKind(StrEnum):
    """Why a customer counts as lost, in the four classes of the customer math."""

    VOLUNTARY = "voluntary"
    PAYMENT = "payment"
    LAPSED = "lapsed"
    BEYOND_US = "beyond_us"


class Fact(msgspec.Struct, gc=False, omit_defaults=True, array_like=True):
    """One fact about one customer, in the company's own terms.

    The mapping has already done everything that needs the definitions: value and amount are in the
    reporting currency, `reason` is on the agreed list or `unknown` (None: none was stated), `loss_kind`
    follows from the fact and the reason, `earned` from the fact and the activity. A `leaving` whose
    `effective_at` is absent or not after `at` has become a `left`.
    """

    kind: str
    at: int
    customer_id: str
    silo: str
    event_id: str
    sequence: int = 0
    place: int = 0  # position among the facts that one record gave
    value: int | None = None  # expected value
    amount: int | None = None  # what a trailing-spend model adds up; may be negative
    segment: str | None = None
    region: str | None = None
    product: str | None = None
    activity: str | None = None
    earned: bool = False
    reason: str | None = None
    loss_kind: str | None = None  # of left and leaving; None: nothing was stated, counts as voluntary
    effective_at: int | None = None  # of leaving
    since: int | None = None  # of opening
    last_fact_at: int | None = None  # of opening
    count: int = 1  # of recommended
    retracts: str | None = None  # event id, of retracted
    mark: str = ""  # the ledger's own note, see streams/ledger/standing.py; never part of what was said


class Link(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A fact about ids: the customer under the id `silo_id` in facts of this silo is the company's `customer_id`.

    Ids are the ledger's: one of a silo whose ids are linked has the silo's name before it (`crm:17`).
    """

    at: int
    event_id: str
    silo: str
    silo_id: str
    customer_id: str


class Position(msgspec.Struct, frozen=True, gc=False):
    """Where a record lies; enough to find it again."""

    topic: str
    partition: int
    offset: int


class RejectReason(StrEnum):
    """Why a record could not be admitted; a closed set, because it becomes a label."""

    EMPTY = "empty"  # no bytes
    TOMBSTONE = "tombstone"  # null value
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"  # truncated, NaN, Infinity, trailing bytes
    NOT_AN_OBJECT = "not_an_object"
    TOO_DEEP = "too_deep"
    DUPLICATE_KEY = "duplicate_key"  # one key twice in one object
    NULL_BYTE = "null_byte"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_FACT = "unknown_fact"
    BAD_VALUE = "bad_value"  # out of range, negative or absurd
    BAD_TIME = "bad_time"  # not a time, before 1970, naive without a zone
    FUTURE_TIME = "future_time"
    NO_RATE = "no_rate"  # currency without a rate at that time
    MISSING_KEY = "missing_key"
    KEY_MISMATCH = "key_mismatch"  # the record's key names another customer than its body
    WRONG_PARTITION = "wrong_partition"


class DeadLetter(msgspec.Struct, frozen=True):
    """A record that could not be admitted: a value, not an exception."""

    position: Position
    reason: RejectReason
    detail: str  # for people: names the field; never a label
    payload: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp_ms: int | None = None


class RawRecord(msgspec.Struct, gc=False):
    """A record as it was read, from Kafka or from a file."""

    value: bytes | None
    key: bytes | None = None
    topic: str = ""
    partition: int = 0
    offset: int = 0
    timestamp_ms: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
