"""Texts as features of a linear model: words, pairs of words and pieces of words, hashed, and what the lexicon says.

Hashing (Weinberger et al. 2009) needs no vocabulary, so that the size of a model is fixed. All features of a token
are worked out once and kept, because words come again and again.
"""

from typing import Final, NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from streams.sentiment.scorer import LexiconScorer
from streams.sentiment.tokens import tokens_of

BITS: Final = 18
SIZE: Final = 1 << BITS
DENSE: Final = 5
"""Features beside the hashed ones: praise and trouble by the lexicon, a question, an exclamation, one for all."""

_PIECES: Final = (3, 4)
_MASK: Final = SIZE - 1
_MOST_TOKENS: Final = 1_000

Places = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Features(NamedTuple):
    """Features of one text: places of the hashed ones, with repetitions, and the dense ones."""

    places: list[int]
    dense: tuple[float, ...]


def places_of(token: str) -> list[int]:
    """Places of a token alone: the word and its pieces."""
    found = [crc32(token.encode("utf-8", "surrogatepass")) & _MASK]
    edged = f"<{token[:40]}>"
    for length in _PIECES:
        found += [
            crc32(f"{length}{edged[start : start + length]}".encode("utf-8", "surrogatepass")) & _MASK
            for start in range(len(edged) - length + 1)
        ]
    return found


def place_of_pair(one: str, other: str) -> int:
    """Place of two tokens that follow one another."""
    return crc32(f"{one} {other}".encode("utf-8", "surrogatepass")) & _MASK


def told_tokens(text: str) -> list[str]:
    """The tokens that features are made of: handles and addresses tell who is spoken to, not how."""
    return [
        "@" if token[0] == "@" and len(token) > 1 else "http" if token.startswith(("http", "www.")) else token
        for token in tokens_of(text)[:_MOST_TOKENS]
    ]


class FeatureReader:
    """Turns texts into features."""

    _KEPT: Final = 100_000

    def __init__(self, scorer: LexiconScorer) -> None:
        self._scorer = scorer
        self._places: dict[str, list[int]] = {}

    def features_of(self, text: str) -> Features:
        """The features of a text."""
        tokens = told_tokens(text)
        places: list[int] = []
        kept = self._places
        before = "^"
        for token in tokens:
            own = kept.get(token)
            if own is None:
                if len(kept) >= self._KEPT:
                    kept.clear()
                own = kept[token] = places_of(token)
            places += own
            places.append(place_of_pair(before, token))
            before = token
        return Features(places, self.dense_of(text))

    def dense_of(self, text: str) -> tuple[float, ...]:
        """What the lexicon says of a text, and its marks."""
        total = self._scorer.total(text)
        praise, trouble = min(2.0, max(0.0, total) / 4), min(2.0, max(0.0, -total) / 4)
        # A third of each: small beside the hashed ones, whose squares sum to one, they let descent take longer steps.
        return praise / 3, trouble / 3, float("?" in text) / 3, float("!" in text) / 3, 1.0 / 3
