"""Open lists stay bounded in a running worker: beyond so many words of a label, new ones count as `unlisted`.

Where the definitions leave a list open, every word counts as it is stated, so that a faulty source could fill the
tables with one word a record. The words known are part of a partition's state: a record that is read again gets the
same answer.
"""

from collections.abc import Sequence

import msgspec

from streams.facts.models import Fact
from streams.facts.quick import count_with_known_words

UNLISTED = "unlisted"
MOST_WORDS = 1000
"""Words of one label in one partition."""

LABELS = ("reason", "activity", "segment", "region", "product")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, list[str]]).decode


class OpenWords:
    """The words that one partition has seen of each label, in the order of its records.

    Attributes:
        changed: words came since the caller last cleared it.
    """

    def __init__(self, most: int = MOST_WORDS) -> None:
        self.changed = False
        self._most = most
        self._known: dict[str, set[str]] = {label: set() for label in LABELS}

    def fold(self, facts: Sequence[Fact]) -> None:
        """Put `unlisted` in place of words beyond the limit, in the facts themselves."""
        known = self._known
        reasons, activities, segments = known["reason"], known["activity"], known["segment"]
        regions, products = known["region"], known["product"]
        told = 0 if count_with_known_words is None else count_with_known_words(facts, *known.values())
        for fact in facts[told:]:
            if fact.reason is not None and fact.reason not in reasons:
                fact.reason = self._admit(reasons, fact.reason)
            if fact.activity is not None and fact.activity not in activities:
                fact.activity = self._admit(activities, fact.activity)
            if fact.segment is not None and fact.segment not in segments:
                fact.segment = self._admit(segments, fact.segment)
            if fact.region is not None and fact.region not in regions:
                fact.region = self._admit(regions, fact.region)
            if fact.product is not None and fact.product not in products:
                fact.product = self._admit(products, fact.product)

    def pack(self) -> bytes:
        """For the changelog."""
        return _encode({label: sorted(words) for label, words in self._known.items()})

    def restore(self, data: bytes) -> None:
        """Take over what `pack` gave. Raises: msgspec.MsgspecError."""
        for label, words in _decode(data).items():
            self._known[label].update(words)

    def _admit(self, words: set[str], word: str) -> str:
        if len(words) >= self._most:
            return UNLISTED
        words.add(word)
        self.changed = True
        return word
