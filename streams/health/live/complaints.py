"""What customers who are not happy said lately, of the whole company: what troubles are set against."""

from bisect import bisect_left, insort
from collections.abc import Iterable

from streams.health.detection import AFTERWARDS_US, AHEAD_US
from streams.ledger.rules import HOUR, MINUTE
from streams.voice.mentions import HAPPY, UNHAPPY, Digest

KEPT_US = AHEAD_US + AFTERWARDS_US + 12 * HOUR
"""How long before the newest mention complaints are kept: as long as they may be of a trouble that has just ended."""

MOST_OF_CUSTOMERS = 300_000
"""Complaints of known customers that are kept, some 150 bytes each; beyond it the oldest go."""


class Complaints:
    """Complaints by customer, and the first of each topic and minute.

    Attributes:
        changes: how often anything came.
    """

    def __init__(self) -> None:
        self.changes = 0
        self._newest = 0
        self._log: list[tuple[int, int]] = []  # key of the customer, at; as they came
        self._gone = 0  # of the log
        self._of_customer: dict[int, list[int]] = {}
        self._minutes: dict[str, list[int]] = {}  # of a topic, in order
        self._first: dict[tuple[str, int], int] = {}  # by topic and minute

    def hear(self, digests: Iterable[Digest]) -> None:
        """The next mentions; whoever is happy does not complain."""
        for one in digests:
            if one.mood == HAPPY:
                continue
            self._newest = max(self._newest, one.at)
            if one.at < self._newest - KEPT_US:
                continue
            if one.customer:
                self._log.append((one.customer, one.at))
                insort(self._of_customer.setdefault(one.customer, []), one.at)
                self.changes += 1
            if one.mood == UNHAPPY:
                for topic in one.topics:
                    self._note(topic, one.at)
        if len(self._log) > MOST_OF_CUSTOMERS:
            self._shorten(len(self._log) - MOST_OF_CUSTOMERS // 2)

    def _note(self, topic: str, at: int) -> None:
        key = topic, at // MINUTE
        first = self._first.get(key)
        if first is None:
            insort(self._minutes.setdefault(topic, []), key[1])
        elif first <= at:
            return
        self._first[key] = at
        self.changes += 1

    def of_customer(self, key: int) -> list[int]:
        """When a customer complained, in order; `key`: of its id (`streams.voice.mentions.key_of`)."""
        return self._of_customer.get(key, [])

    def after(self, place: int) -> tuple[list[tuple[int, int]], int]:
        """Key of the customer and instant of those that came after a place in the log, and the place now."""
        return self._log[max(0, place - self._gone) :], self._gone + len(self._log)

    def first_of(self, topics: Iterable[str], begin: int, end: int) -> int | None:
        """The first unhappy mention of any of these topics in [begin, end), whole minutes in microseconds."""
        found = []
        for topic in topics:
            minutes = self._minutes.get(topic, [])
            place = bisect_left(minutes, begin // MINUTE)
            if place < len(minutes) and minutes[place] < end // MINUTE:
                found.append(self._first[topic, minutes[place]])
        return min(found, default=None)

    def forget(self) -> None:
        """Let go of what is older than any trouble that is still asked about."""
        before = self._newest - KEPT_US
        for topic, minutes in list(self._minutes.items()):
            place = bisect_left(minutes, before // MINUTE)
            for minute in minutes[:place]:
                del self._first[topic, minute]
            del minutes[:place]
            if not minutes:
                del self._minutes[topic]
        old = next((place for place, (_, at) in enumerate(self._log) if at >= before), len(self._log))
        self._shorten(old)

    def _shorten(self, count: int) -> None:
        """The first so many of the log go."""
        for key, at in self._log[:count]:
            instants = self._of_customer[key]
            instants.remove(at)
            if not instants:
                del self._of_customer[key]
        del self._log[:count]
        self._gone += count
