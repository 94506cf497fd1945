"""Customers and counts as bytes, for the changelog."""

from collections import Counter
from typing import Any

import msgspec

from streams.facts.models import Fact
from streams.ledger.customer import CustomerState, Order
from streams.ledger.partition import Customer, FactCounts

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


def unpack_customer(data: bytes) -> Customer:
    """A customer whose `state` is yet to be derived (`PartitionLedger.restore`).

    Raises: msgspec.ValidationError, msgspec.DecodeError, ValueError for another version.
    """
    packed = _decode(data)
    if packed.version != VERSION:
        raise ValueError(f"a customer was saved in form {packed.version}, this program reads {VERSION}")
    return Customer(
        packed.base,
        packed.facts,
        CustomerState(),
        packed.newest,
        packed.folded_to,
        tangled=packed.tangled,
        saved=True,
    )


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
