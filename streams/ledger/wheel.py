"""A wheel of minutes: whose pending loss or lapse may fall due when.

One entry a customer, looked at when it comes up: a due date that moved on costs nothing until then.
"""

from heapq import heappop, heappush

from streams.ledger.rules import MINUTE


class Wheel:
    """Customers by the minute in which something may fall due."""

    def __init__(self) -> None:
        self._minutes: dict[int, list[str]] = {}
        self._heap: list[int] = []

    def add(self, due_at: int, customer_id: str) -> int:
        """Enter a customer; returns the minute (number since 1970) under which it stands."""
        minute = due_at // MINUTE
        entries = self._minutes.get(minute)
        if entries is None:
            self._minutes[minute] = [customer_id]
            heappush(self._heap, minute)
        else:
            entries.append(customer_id)
        return minute

    def due(self, at: int) -> list[str]:
        """Take out everybody whose minute has begun at `at` (microseconds)."""
        latest = at // MINUTE
        customers: list[str] = []
        while self._heap and self._heap[0] <= latest:
            customers.extend(self._minutes.pop(heappop(self._heap)))
        return customers
