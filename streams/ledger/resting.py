"""Customers whom no fact touches, as bytes: of most of a base that is all there is in memory.

There are three forms, all of them exact: base, facts and what else cannot be derived. *Settled* customers are in the
smallest form (`compact`), many to one object (`packed_map`). *Quiet* ones, with facts inside the horizon, are packed
whole. *Saved* ones are as a changelog had them, unread since a restart, many to one object, too. The state of the
settled and saved is derived anew by whoever wakes them.

Before the bytes of a settled customer stands the minute under which the wheel holds it, five bytes: it is no part of
what is saved. The wheel holds a saved one under the minute in which something falls due to it.
"""

from collections.abc import Iterator, MutableMapping

from streams.ledger.compact import Words
from streams.ledger.packed_map import LONGEST_KEY, LONGEST_VALUE, PackedMap
from streams.ledger.packing import (
    CUSTOMER,
    compact_payload,
    due_of,
    is_compact_payload,
    newest_of,
    of_compact_payload,
    pack_compact,
    pack_customer,
    pack_quiet,
    unpack_compact,
    unpack_customer,
    unpack_quiet,
)
from streams.ledger.remembered import NEVER, Customer

_MINUTE = 5


class RestingCustomers:
    """Customers by id, out of the ledger's way; a customer is either here or among the ledger's.

    Attributes:
        quiet_from: event time of the oldest newest fact among the quiet put to rest since the caller last set it.
    """

    def __init__(self) -> None:
        self._settled = PackedMap()
        self._words = Words()
        self._quiet: dict[str, bytes] = {}
        self._saved = PackedMap()
        self._large: dict[str, bytes] = {}  # of the saved, those that are too large for that
        self.quiet_from = NEVER

    def __len__(self) -> int:
        return len(self._settled) + self.quiet

    @property
    def quiet(self) -> int:
        """How many are yet to be settled: the quiet and the saved."""
        return len(self._quiet) + len(self._saved) + len(self._large)

    def quiet_ones(self) -> list[str]:
        """These, the first to be put to rest at the end."""
        return [*self._saved_ids(), *reversed(self._quiet)]

    def newest_of_quiet(self, customer_id: str) -> int | None:
        """Event time of the newest fact of one of these, microseconds; None for anybody else."""
        data = self._quiet.get(customer_id) or self._saved_of(customer_id)
        return None if data is None else newest_of(data)

    def keep_quiet(self, customer_id: str, customer: Customer) -> None:
        """Take in a customer of whom the changelog holds all, in one value."""
        self._quiet[customer_id] = pack_quiet(customer)
        self.quiet_from = min(self.quiet_from, customer.newest[0])

    def keep_settled(self, customer_id: str, customer: Customer) -> bool:
        """Take in a customer that will be written by the next flush; False for one that is too large to rest."""
        name = customer_id.encode()
        data = customer.wheel_minute.to_bytes(_MINUTE, "little") + pack_compact(customer_id, customer, self._words)
        if len(name) > LONGEST_KEY or len(data) > LONGEST_VALUE:
            return False
        self._settled.put(name, data)
        return True

    def payload(self, customer_id: str) -> bytes:
        """The changelog's value. Raises: KeyError for a customer that is not here."""
        saved = self._saved_of(customer_id)
        if saved is not None:
            return saved
        if customer_id in self._quiet:
            return pack_customer(unpack_quiet(self._quiet[customer_id]))
        data = self._settled.get(customer_id.encode())
        if data is None:
            raise KeyError(customer_id)
        return compact_payload(customer_id, data[_MINUTE:], self._words)

    def ids(self) -> list[str]:
        """All of them."""
        return [*self._saved_ids(), *self._quiet, *(name.decode() for name in self._settled)]

    def take(self, customer_id: str) -> tuple[Customer, bool] | None:
        """Take a customer out, and tell whether its state is there too; None for one that is not here."""
        data = self._quiet.pop(customer_id, None)
        if data is not None:
            return unpack_quiet(data), True
        name = customer_id.encode()
        data = self._saved.take(name)
        if data is None and self._large:
            data = self._large.pop(customer_id, None)
        if data is not None:
            customer = unpack_customer(data)
            customer.wheel_minute = due_of(data) or 0
            return customer, False
        data = self._settled.take(name)
        if data is None:
            return None
        customer = unpack_compact(customer_id, data[_MINUTE:], self._words)
        customer.wheel_minute = int.from_bytes(data[:_MINUTE], "little")
        return customer, False

    def look(self, customer_id: str) -> tuple[Customer, bool] | None:
        """As `take`, but the customer stays: what is given is a copy, without the minute of the wheel."""
        data = self._quiet.get(customer_id)
        if data is not None:
            return unpack_quiet(data), True
        data = self._saved_of(customer_id)
        if data is not None:
            return unpack_customer(data), False
        data = self._settled.get(customer_id.encode())
        return None if data is None else (unpack_compact(customer_id, data[_MINUTE:], self._words), False)

    def load(self, values: MutableMapping[bytes, bytes]) -> Iterator[tuple[str, int]]:
        """Take the customers out of a changelog's values; gives id and minute of those to whom something falls due.

        The wheel is to hold each of them under that minute. For an empty store only.

        Raises: ValueError for what another version saved, msgspec.MsgspecError for what cannot be read.
        """
        keys = [key for key in values if key[:1] == CUSTOMER]
        settled = sum(is_compact_payload(values[key]) for key in keys)
        self._settled.reserve(settled)
        self._saved.reserve(len(keys) - settled)
        for key in keys:
            payload = values.pop(key)
            due = due_of(payload)
            body = of_compact_payload(payload)
            if body is None:
                self._save(key[1:], payload)
            else:
                self._settled.put(key[1:], (due or 0).to_bytes(_MINUTE, "little") + body)
            if due is not None:
                yield key[1:].decode(), due

    def _save(self, name: bytes, payload: bytes) -> None:
        if len(name) > LONGEST_KEY or len(payload) > LONGEST_VALUE:
            self._large[name.decode()] = payload
        else:
            self._saved.put(name, payload)

    def _saved_of(self, customer_id: str) -> bytes | None:
        payload = self._saved.get(customer_id.encode()) if self._saved else None
        return self._large.get(customer_id) if payload is None else payload

    def _saved_ids(self) -> Iterator[str]:
        yield from (name.decode() for name in self._saved)
        yield from self._large
