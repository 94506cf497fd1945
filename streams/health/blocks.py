"""Blocks of time that are counted at once: the company's hours, or five minutes where the horizon is below an hour.

Signals are held until their block is counted, so that short blocks bound the memory at high rates; long ones cost
less where signals are few, and of two signals under one id within a block the first is told.
"""

from streams.ledger.rules import HOUR, MINUTE
from streams.tables.calendar import Calendar

SHORT_US = 5 * MINUTE
"""Hours begin at full local minutes that are multiples of five in every time zone of today."""


class Blocks:
    """Where blocks begin and end."""

    def __init__(self, calendar: Calendar, horizon_us: int) -> None:
        self._calendar = calendar
        self._by_hour = horizon_us >= HOUR

    def start(self, at: int) -> int:
        """Start of the block that holds an instant."""
        return self._calendar.hour_start(at) if self._by_hour else at - at % SHORT_US

    def end(self, start: int) -> int:
        """End of the block that begins at `start`."""
        return self._calendar.next_hour(start) if self._by_hour else start + SHORT_US
