"""Verdicts: what many posts of one text or of one author are, also after the posts themselves have grown old."""

from collections import Counter
from collections.abc import Collection
from typing import Final

import msgspec

from streams.voice.mentions import Digest

PEOPLE: Final = "people"
COPIES: Final = "copies"
SWARM_OF_ACCOUNTS: Final = "swarm"
ONE_AUTHOR: Final = "one_author"

MOST_KEPT: Final = 1_000
"""Verdicts kept of posts that have grown old."""


class Verdict(msgspec.Struct, frozen=True):
    """What many posts of one text or one author are.

    Attributes:
        kind: `people`, `copies`, `swarm` or `one_author`.
        brands: most mentions first.
        mentions, authors: seen (authors: most at a time); counted: of these mentions, how many stand in the tables.
        first_at, last_at: microseconds.
        example: key of the mention that stands for all.
    """

    kind: str
    brands: tuple[str, ...]
    mentions: int
    authors: int
    counted: int
    first_at: int
    last_at: int
    example: int


def verdict_of(kind: str, posts: Collection[Digest], example: int, authors: int, counted: int) -> Verdict:
    """The verdict on posts, of which so many stand in the tables."""
    brands = Counter(post.brand for post in posts)
    return Verdict(
        kind=kind,
        brands=tuple(sorted(brands, key=lambda brand: (-brands[brand], brand))),
        mentions=len(posts),
        authors=authors,
        counted=counted,
        first_at=min(post.at for post in posts),
        last_at=max(post.at for post in posts),
        example=example,
    )


def summed(earlier: Verdict, later: Verdict) -> Verdict:
    """The verdict on the posts of both; the later kind holds."""
    return Verdict(
        kind=later.kind,
        brands=tuple(dict.fromkeys((*earlier.brands, *later.brands))),
        mentions=earlier.mentions + later.mentions,
        authors=max(earlier.authors, later.authors),
        counted=earlier.counted + later.counted,
        first_at=min(earlier.first_at, later.first_at),
        last_at=max(earlier.last_at, later.last_at),
        example=earlier.example,
    )


def by_size(verdict: Verdict) -> tuple[int, str, int, int]:
    """Orders verdicts: most mentions first."""
    return -verdict.mentions, verdict.kind, verdict.first_at, verdict.example
