"""Mentions: one thing said by one author on one channel, and the digest of one that the tables are made from.

Times are microseconds since 1970 (UTC); `None` means that the source was silent.
"""

from hashlib import blake2b
from typing import Final

import msgspec

NATIVE: Final = "native"
"""The source of mentions in the native format."""

PRIVATE_CHANNELS: Final = frozenset({"call", "chat", "phone", "email", "mail", "letter", "branch", "shop", "survey"})
"""Channels on which each author is one customer, often in the words of whoever took it down: nothing is a copy."""

UNHAPPY, NEUTRAL, HAPPY, UNREAD = 0, 1, 2, 3
"""Classes of a digest. Unread: no sentiment was stated, and there is no text in a language that is read."""


EXAMPLE_CHARACTERS = 280
"""Of a text that is shown as an example."""


class Mention(msgspec.Struct, gc=False, omit_defaults=True):
    """What was said, in the company's own terms.

    `brand` and `topics` are on the agreed lists, `unknown`, or as stated where a list is open.
    """

    mention_id: str
    at: int
    author_id: str
    source: str
    channel: str
    brand: str
    text: str | None = None
    language: str | None = None
    reach: int | None = None
    sentiment: float | None = None  # as stated, -1 to 1
    topics: tuple[str, ...] = ()
    customer_id: str | None = None
    copy_of: str | None = None


class Digest(msgspec.Struct, gc=False, array_like=True, frozen=True):
    """A mention without its text: what stage one hands to stage two. Ids and texts are keys of 64 bits.

    Attributes:
        at: microseconds.
        mention: key of source and mention id.
        author: key of the author.
        text: key of the text's words; 0: no text to compare.
        sketch: of its words and pairs of words, see `streams.voice.sketch`; empty: too short for near-copies.
        source, brand, channel, topics: labels.
        mood: UNHAPPY, NEUTRAL, HAPPY or UNREAD.
        weight: the author's reach, at least 1, capped.
        known: the author is a customer whom the source knows.
        private: from one of `PRIVATE_CHANNELS`; it has no text to compare.
        copy_of: key of the mention that it says it copies, 0: none.
        marked: it says so itself (`copy_of`, or a text that begins with RT).
        example: how the text begins, where the definitions allow that it is shown; else empty.
        customer: key of the customer's id, where the source knows it; else 0.
    """

    at: int
    mention: int
    author: int
    text: int
    sketch: bytes
    source: str
    brand: str
    channel: str
    topics: tuple[str, ...]
    mood: int
    weight: int
    known: bool
    private: bool
    copy_of: int
    marked: bool
    example: str = ""
    customer: int = 0


def key_of(*parts: str) -> int:
    """A key of 64 bits that is the same in every process; never 0."""
    data = "\x00".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little") or 1
