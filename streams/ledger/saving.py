"""What the next flush writes of customers: each one touched once, packed ahead of the flush or in it.

A busy partition has thousands of them, and packing all at once would hold up whatever else waits. Packed ahead, a
customer is as it is then; touched again it is packed again, and of each key the last value goes into the flush. So
what a flush holds is the state at its own offset, whenever it was packed.
"""

from collections.abc import Iterable, Iterator

from streams.ledger.changelog import Value
from streams.ledger.packing import (
    CUSTOMER,
    MANY_FACTS,
    MORE,
    compiled,
    customer_of,
    more_key,
    pack_customer,
    pack_more,
)
from streams.ledger.partition import PartitionLedger


class UnsavedCustomers:
    """The values that the next flush of a ledger writes of its customers."""

    def __init__(self, ledger: PartitionLedger) -> None:
        self._ledger = ledger
        self._values: dict[bytes, Value] = {}

    def __bool__(self) -> bool:
        return bool(self._values or self._ledger.dirty)

    def pack_ahead(self, at_once: int) -> Iterator[None]:
        """Pack those touched so far, so many at a time; facts may be applied between two steps."""
        dirty = self._ledger.dirty
        names = list(dirty)
        for start in range(0, len(names), at_once):
            self._pack([name for name in names[start : start + at_once] if name in dirty])
            yield

    def take(self) -> tuple[list[Value], list[bytes]]:
        """All values, with those of customers not packed yet, and the keys that they delete."""
        self._pack(list(self._ledger.dirty))
        values, self._values = list(self._values.values()), {}
        return values, [value.key for value in values if value.payload is None]

    def write_again(self, keys: Iterable[bytes]) -> None:
        """Have the customers of these keys of the changelog written whole; keys of anything else are passed over."""
        ledger = self._ledger
        for key in keys:
            if key[:1] in (CUSTOMER, MORE):
                customer_id = customer_in(key)
                ledger.dirty.add(customer_id)
                if customer_id in ledger.customers:
                    ledger.customers[customer_id].save_whole = True

    def _pack(self, names: list[str]) -> None:
        """Pack all of a customer, or of one with many facts those that came since."""
        ledger = self._ledger
        put, customers = self._put, ledger.customers
        left = names if compiled is None else compiled.pack(names, customers, self._values)
        for customer_id in left:
            customer, name = customers.get(customer_id), customer_id.encode()
            if customer is None:
                put(CUSTOMER + name, ledger.resting.payload(customer_id), had_one=True)
                continue
            if customer.saved and not customer.save_whole and len(customer.facts) >= MANY_FACTS:
                put(more_key(customer.appended, name), pack_more(customer), had_one=False)
                customer.appended += 1
            else:
                put(CUSTOMER + name, pack_customer(customer), had_one=customer.saved)
                for number in range(customer.appended):
                    put(more_key(number, name), None, had_one=True)
                customer.appended = 0
                customer.saved = True
            customer.save_whole = False
            customer.unsaved.clear()
        ledger.dirty.difference_update(names)

    def _put(self, key: bytes, payload: bytes | None, *, had_one: bool) -> None:
        """The value of a key in the next flush; `had_one` if nothing of the key was packed since the last."""
        before = self._values.pop(key, None)
        if before is not None:
            had_one = before.had_one
        if payload is not None or had_one:  # what no flush has written need not be deleted
            self._values[key] = Value(key, payload, had_one)


def customer_in(key: bytes) -> str:
    """Whose key of the changelog this is."""
    return key[1:].decode() if key[:1] == CUSTOMER else customer_of(key)
