"""Customers whom no fact touches, as bytes: of most of a base that is all there is in memory.

Those whom a fact touched inside the horizon are held as the changelog holds them (`packing.pack_customer`), the
others in the smallest form (`compact`), many to one object (`packed_map`). Both are exact: base, facts and what else
cannot be derived. The state is derived anew by whoever wakes them, as after a restart.

Before the bytes of a customer stands the minute under which the wheel holds it, five bytes: it is no part of what is
saved.
"""

from collections.abc import Iterator, MutableMapping

from streams.ledger.packed_map import LONGEST_KEY, LONGEST_VALUE, PackedMap
from streams.ledger.packing import (
    CUSTOMER,
    compact_payload,
    due_of,
    newest_of,
    of_compact_payload,
    pack_compact,
    pack_customer,
    unpack_compact,
    unpack_customer,
)
from streams.ledger.remembered import Customer

_MINUTE = 5


class RestingCustomers:
    """Customers by id, out of the ledger's way; a customer is either here or among the ledger's."""

    def __init__(self) -> None:
        self._recent: dict[str, bytes] = {}
        self._settled = PackedMap()

    def __len__(self) -> int:
        return len(self._recent) + len(self._settled)

    def recent(self) -> Iterator[tuple[str, int]]:
        """Id and newest event time (microseconds) of those that are yet to be settled."""
        for customer_id, data in self._recent.items():
            yield customer_id, newest_of(data[_MINUTE:])

    def keep_recent(self, customer_id: str, customer: Customer) -> None:
        """Take in a customer of whom the changelog holds all, in one value."""
        self._recent[customer_id] = customer.wheel_minute.to_bytes(_MINUTE, "little") + pack_customer(customer)

    def keep_settled(self, customer_id: str, customer: Customer) -> bool:
        """Take in a customer that will be written by the next flush; False for one that is too large to rest."""
        name = customer_id.encode()
        data = customer.wheel_minute.to_bytes(_MINUTE, "little") + pack_compact(customer_id, customer)
        if len(name) > LONGEST_KEY or len(data) > LONGEST_VALUE:
            return False
        self._settled.put(name, data)
        return True

    def payload(self, customer_id: str) -> bytes:
        """The changelog's value. Raises: KeyError for a customer that is not here."""
        data = self._recent.get(customer_id)
        if data is not None:
            return data[_MINUTE:]
        data = self._settled.get(customer_id.encode())
        if data is None:
            raise KeyError(customer_id)
        return compact_payload(data[_MINUTE:])

    def take(self, customer_id: str) -> Customer | None:
        """Take a customer out, its state yet to be derived; None for one that is not here."""
        data = self._recent.pop(customer_id, None)
        if data is not None:
            customer = unpack_customer(data[_MINUTE:])
        else:
            data = self._settled.take(customer_id.encode())
            if data is None:
                return None
            customer = unpack_compact(customer_id, data[_MINUTE:])
        customer.wheel_minute = int.from_bytes(data[:_MINUTE], "little")
        return customer

    def load(self, values: MutableMapping[bytes, bytes]) -> Iterator[tuple[str, int]]:
        """Take the customers out of a changelog's values; gives id and minute of those to whom something falls due.

        The wheel is to hold each of them under that minute. For an empty store only.

        Raises: ValueError for what another version saved, msgspec.MsgspecError for what cannot be read.
        """
        keys = [key for key in values if key[:1] == CUSTOMER]
        self._settled.reserve(len(keys))
        for key in keys:
            payload = values.pop(key)
            due = due_of(payload)
            minute = (due or 0).to_bytes(_MINUTE, "little")
            body = of_compact_payload(payload)
            if body is None:
                self._recent[key[1:].decode()] = minute + payload
            else:
                self._settled.put(key[1:], minute + body)
            if due is not None:
                yield key[1:].decode(), due
