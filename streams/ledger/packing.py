"""Customers and counts as bytes, for the changelog."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from streams.facts.models import Fact
from streams.ledger.counts import FactCounts
from streams.ledger.customer import CustomerState, Order, order_of
from streams.ledger.remembered import Customer

CUSTOMER = b"c"
MORE = b"m"
"""First byte of the keys of a customer, and of the facts that it was given since it was saved whole."""

MANY_FACTS = 32
"""Remembered facts from which on only the new ones are written: a busy customer would be written whole each time."""

VERSION = 1
"""Of the packed form; another one needs the state to be counted anew."""


class _Packed(msgspec.Struct, array_like=True, gc=False):
    version: int
    base: CustomerState
    facts: list[Fact]
    newest: Order
    folded_to: int
    tangled: bool


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Packed).decode


def pack_customer(customer: Customer) -> bytes:
    """What cannot be derived: the base and the remembered facts. The state follows from them and the clock."""
    packed = _Packed(VERSION, customer.base, customer.facts, customer.newest, customer.folded_to, customer.tangled)
    return _encode(packed)


class _More(msgspec.Struct, array_like=True, gc=False):
    facts: list[Fact]
    newest: Order
    folded_to: int


_decode_more = msgspec.msgpack.Decoder(_More).decode


def pack_more(customer: Customer) -> bytes:
    """The facts that came since the customer was last written."""
    return _encode(_More(customer.unsaved, customer.newest, customer.folded_to))


def more_key(number: int, name: bytes) -> bytes:
    """Key of the facts that came with a later flush; `number` counts them from the last whole saving."""
    return MORE + b"%d/" % number + name


def customer_of(key: bytes) -> str:
    """Whose facts lie under a key of `more_key`."""
    return key[1:].split(b"/", 1)[1].decode()


def unpack_customer(data: bytes) -> Customer:
    """A customer whose `state` is yet to be derived (`PartitionLedger.restore`).

    Raises: msgspec.ValidationError, msgspec.DecodeError, ValueError for another version.
    """
    packed = _decode(data)
    if packed.version != VERSION:
        raise ValueError(f"a customer was saved in form {packed.version}, this program reads {VERSION}")
    return Customer(
        packed.base, packed.facts, CustomerState(), packed.newest, packed.folded_to,
        tangled=packed.tangled, saved=True,
    )  # fmt: skip


def unpack_customers(values: Mapping[bytes, bytes]) -> dict[str, Customer]:
    """All customers of a changelog's values; raises as `unpack_customer`."""
    customers = {key[1:].decode(): unpack_customer(value) for key, value in values.items() if key[:1] == CUSTOMER}
    for key, value in values.items():
        if key[:1] == MORE:
            customer, more = customers[customer_of(key)], _decode_more(value)
            customer.facts.extend(more.facts)
            customer.newest = max(customer.newest, more.newest)
            customer.folded_to = max(customer.folded_to, more.folded_to)
            customer.appended += 1
    for customer in customers.values():
        if customer.appended:
            customer.facts.sort(key=order_of)
    return customers


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
