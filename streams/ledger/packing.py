"""Customers and counts as bytes, for the changelog.

A customer is written in one of two forms: the quick one with every flush that has facts of it, the compact one
(`compact`) when it is put to rest. The first byte tells them apart: msgpack's array, or its bytes.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from streams.compiled import piece
from streams.facts.models import Fact
from streams.ledger import compact
from streams.ledger.changelog import Value
from streams.ledger.counts import FactCounts
from streams.ledger.customer import CustomerState, JoinedWhileActive, Order, PendingLoss, ReportedLoss
from streams.ledger.movements import Recommendation, Scope
from streams.ledger.remembered import Customer, next_due
from streams.ledger.rules import MINUTE

CUSTOMER = b"c"
MORE = b"m"
"""First byte of the keys of a customer, and of the facts that it was given since it was saved whole."""

MANY_FACTS = 8
"""Remembered facts from which on only the new ones are written: a busy customer would be written whole each time."""

VERSION = 3
"""Of the quick form; another one needs the state to be counted anew."""


class _Packed(msgspec.Struct, array_like=True, gc=False):
    version: int
    due: int | None
    newest: Order
    base: CustomerState | None
    facts: list[Fact]
    folded_to: int
    tangled: bool


class _Quiet(_Packed, array_like=True, gc=False):
    state: CustomerState
    by_clock_at: int
    wheel_minute: int


class _Head(msgspec.Struct, array_like=True, gc=False):
    version: int
    due: int | None
    newest: Order


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Packed).decode
_decode_quiet = msgspec.msgpack.Decoder(_Quiet).decode
_decode_head = msgspec.msgpack.Decoder(_Head).decode
_decode_bytes = msgspec.msgpack.Decoder(bytes).decode

_NO_BASE = CustomerState()
_BYTES = frozenset({0xC4, 0xC5, 0xC6})
"""First bytes of msgpack's binary types."""

compiled = piece("streams.ledger._packing")
"""Packs the usual customer (`_packing.c`), prepared for the ledger's types; None where it is not built."""
if compiled is not None:
    try:
        compiled.prepare(
            Customer, CustomerState, Fact, PendingLoss, Value,
            (Fact, CustomerState, Scope, PendingLoss, JoinedWhileActive, ReportedLoss, Recommendation),
            VERSION, MANY_FACTS,
        )  # fmt: skip
    except TypeError:  # another msgspec that lays its fields out otherwise
        compiled = None


def pack_customer(customer: Customer) -> bytes:
    """What cannot be derived: the base and the remembered facts. The state follows from them and the clock."""
    base = None if customer.base == _NO_BASE else customer.base
    packed = _Packed(
        VERSION, _due_minute(customer), customer.newest, base, customer.facts, customer.folded_to, customer.tangled
    )
    return _encode(packed)


def unpack_customer(data: bytes) -> Customer:
    """A customer whose `state` is yet to be derived (`PartitionLedger.restore`).

    Raises: msgspec.ValidationError, msgspec.DecodeError, ValueError for another version.
    """
    packed = _decode(data)
    _check(packed.version)
    return Customer(
        packed.base or CustomerState(), packed.facts, CustomerState(), packed.newest, packed.folded_to,
        tangled=packed.tangled, saved=True,
    )  # fmt: skip


def pack_quiet(customer: Customer) -> bytes:
    """The same and what is derived from it, so that nothing is to be derived again: for memory alone."""
    if compiled is not None and (quickly := compiled.pack_quiet(customer)) is not None:
        return bytes(quickly)
    base = None if customer.base == _NO_BASE else customer.base
    packed = _Quiet(
        VERSION, None, customer.newest, base, customer.facts, customer.folded_to, customer.tangled, customer.state,
        customer.by_clock_at, customer.wheel_minute,
    )  # fmt: skip
    return _encode(packed)


def unpack_quiet(data: bytes) -> Customer:
    """The customer whole, but for what is kept only to be quick."""
    packed = _decode_quiet(data)
    return Customer(
        packed.base or CustomerState(), packed.facts, packed.state, packed.newest, packed.folded_to,
        packed.by_clock_at, packed.tangled, packed.wheel_minute, saved=True,
    )  # fmt: skip


def pack_compact(customer_id: str, customer: Customer, words: compact.Words) -> bytes:
    """The same in the smallest form; without the head that makes it a value of the changelog."""
    return compact.pack(
        customer_id, customer.base, customer.facts, customer.newest, customer.folded_to, customer.tangled,
        _due_minute(customer), words,
    )  # fmt: skip


def unpack_compact(customer_id: str, data: bytes, words: compact.Words) -> Customer:
    """As `unpack_customer`, of the compact form without its head."""
    base, facts, newest, folded_to, tangled = compact.unpack(customer_id, data, words)
    return Customer(base, facts, CustomerState(), newest, folded_to, tangled=tangled, saved=True)


def compact_payload(customer_id: str, data: bytes, words: compact.Words) -> bytes:
    """The compact form as a value of the changelog: without words that are known to this process alone."""
    return _encode(compact.pack(customer_id, *compact.unpack(customer_id, data, words), compact.due_of(data)))


def is_compact_payload(payload: bytes) -> bool:
    """Whether a value of the changelog is in the compact form, not in the quick one."""
    return payload[0] in _BYTES


def of_compact_payload(payload: bytes) -> bytes | None:
    """The compact form in a value of the changelog; None for one in the quick form."""
    return _decode_bytes(payload) if is_compact_payload(payload) else None


def due_of(payload: bytes) -> int | None:
    """The minute (since 1970) in which something falls due to the customer of this value, None for never.

    Raises: ValueError for another version, msgspec.MsgspecError.
    """
    if is_compact_payload(payload):
        return compact.due_of(_decode_bytes(payload))
    head = _decode_head(payload)
    _check(head.version)
    return head.due


def newest_of(data: bytes) -> int:
    """Event time of the newest fact of a customer in the quick form, microseconds."""
    return _decode_head(data).newest[0]


def _due_minute(customer: Customer) -> int | None:
    due = next_due(customer.state)
    return None if due is None else due // MINUTE


def _check(version: int) -> None:
    if version != VERSION:
        raise ValueError(f"a customer was saved in form {version}, this program reads {VERSION}")


class More(msgspec.Struct, array_like=True, gc=False):
    """The facts that came since a customer was last written."""

    facts: list[Fact]
    newest: Order
    folded_to: int


_decode_more = msgspec.msgpack.Decoder(More).decode


def pack_more(customer: Customer) -> bytes:
    """The facts that came since the customer was last written."""
    return _encode(More(customer.unsaved, customer.newest, customer.folded_to))


def unpack_more(values: Mapping[bytes, bytes]) -> dict[str, list[More]]:
    """What was written of customers since they were written whole. Raises: msgspec.MsgspecError."""
    found: dict[str, list[More]] = {}
    for key, value in values.items():
        if key[:1] == MORE:
            found.setdefault(customer_of(key), []).append(_decode_more(value))
    return found


def more_key(number: int, name: bytes) -> bytes:
    """Key of the facts that came with a later flush; `number` counts them from the last whole saving."""
    return MORE + b"%d/" % number + name


def customer_of(key: bytes) -> str:
    """Whose facts lie under a key of `more_key`."""
    return key[1:].split(b"/", 1)[1].decode()


def pack_counts(facts: FactCounts, records: dict[str, Any]) -> bytes:
    """The accounting of a partition."""
    return _encode({name: getattr(facts, name) for name in FactCounts.__slots__} | {"of_records": records})


def unpack_counts(data: bytes) -> tuple[FactCounts, dict[str, Any]]:
    """Raises: msgspec.DecodeError."""
    packed = msgspec.msgpack.decode(data)
    records = packed.pop("of_records")
    packed["ignored"] = Counter(packed["ignored"])
    packed["movements"] = Counter(packed["movements"])
    return FactCounts(**packed), records
