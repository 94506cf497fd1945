"""Running tables of mentions: per brand and period, whole mentions and distinct authors.

A post can be taken out again: what was counted before a swarm was recognised is corrected. Everything here is a sum
or a multiset, so that the order of posts never matters.
"""

from collections.abc import Callable, Iterator
from typing import Final

from streams.ledger.rules import MINUTE
from streams.voice.mentions import HAPPY, UNHAPPY, UNREAD, Digest

MINUTES: Final = "minute"
ALL: Final = "all"

Start = Callable[[int], int]


class Cell:
    """Counts of one brand in one period.

    Attributes:
        mentions, happy, unhappy, unread: whole mentions.
        authors: author to the weights of its posts here; its reach is the largest. 0: a folded copy.
        topics: topic to mentions, happy and unhappy ones.
        untold, untold_unhappy: mentions without a topic.
    """

    __slots__ = ("authors", "happy", "mentions", "topics", "unhappy", "unread", "untold", "untold_unhappy")

    def __init__(self) -> None:
        self.mentions = self.happy = self.unhappy = self.unread = self.untold = self.untold_unhappy = 0
        self.authors: dict[int, list[int]] = {}
        self.topics: dict[str, list[int]] = {}

    def book(self, post: Digest, weight: int, sign: int) -> None:
        """Count a post, or with sign -1 take it out again."""
        self.mentions += sign
        mood = post.mood
        happy, unhappy = mood == HAPPY, mood == UNHAPPY
        if happy:
            self.happy += sign
        elif unhappy:
            self.unhappy += sign
        elif mood == UNREAD:
            self.unread += sign
        if sign > 0:
            self.authors.setdefault(post.author, []).append(weight)
        else:
            weights = self.authors[post.author]
            weights.remove(weight)
            if not weights:
                del self.authors[post.author]
        if not post.topics:
            self.untold += sign
            self.untold_unhappy += sign * unhappy
        for topic in post.topics:
            counts = self.topics.setdefault(topic, [0, 0, 0])
            counts[0] += sign
            counts[1] += sign * happy
            counts[2] += sign * unhappy
            if counts == [0, 0, 0]:
                del self.topics[topic]

    def add(self, other: "Cell") -> None:
        """Take in another cell of the same period."""
        for name in ("mentions", "happy", "unhappy", "unread", "untold", "untold_unhappy"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for author, weights in other.authors.items():
            self.authors.setdefault(author, []).extend(weights)
        for topic, counts in other.topics.items():
            own = self.topics.setdefault(topic, [0, 0, 0])
            self.topics[topic] = [one + more for one, more in zip(own, counts, strict=True)]

    @property
    def net_sentiment(self) -> float | None:
        """(happy - unhappy) / (happy + unhappy); None where there is neither."""
        told = self.happy + self.unhappy
        return (self.happy - self.unhappy) / told if told else None

    @property
    def reach(self) -> int:
        """Sum over authors, each at most at the cap; copies of a text add nothing."""
        return sum(max(weights) for weights in self.authors.values())


class VoiceTables:
    """Cells by period and brand.

    Args: levels: name of a level to the function that gives the start of the period which holds an instant.
    """

    def __init__(self, levels: dict[str, Start]) -> None:
        self._levels: list[tuple[Start, dict[tuple[int, str], Cell]]] = [(start, {}) for start in levels.values()]
        self._places = {name: place for place, name in enumerate(levels)}

    def book(self, post: Digest, weight: int, sign: int) -> None:
        """Count a post at every level, or with sign -1 take it out again."""
        for start, cells in self._levels:
            key = start(post.at), post.brand
            cell = cells.get(key)
            if cell is None:
                cell = cells[key] = Cell()
            cell.book(post, weight, sign)
            if cell.mentions == 0:
                del cells[key]

    def set_apart(self, post: Digest, state: int, sign: int) -> None:
        """A post was set apart, or with sign -1 is no longer; `state` as `streams.voice.merged` names it."""

    def cells(self, level: str) -> Iterator[tuple[int, str, Cell]]:
        """Start, brand and cell, by start, then brand."""
        cells = self._levels[self._places[level]][1]
        for start, brand in sorted(cells):
            yield start, brand, cells[start, brand]

    def cell(self, level: str, at: int, brand: str) -> Cell | None:
        """The cell that holds an instant; None: nobody said anything."""
        start, cells = self._levels[self._places[level]]
        return cells.get((start(at), brand))

    def forget(self, level: str, before: int) -> None:
        """Let go of the periods of a level that begin before an instant."""
        cells = self._levels[self._places[level]][1]
        for key in [key for key in cells if key[0] < before]:
            del cells[key]


def whole(at: int) -> int:
    """The one period of all time."""
    return 0


def minute(at: int) -> int:
    """Start of the minute."""
    return at - at % MINUTE
