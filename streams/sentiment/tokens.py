"""Texts of mentions as tokens: words in lower case without apostrophes, hashtags, emoji, emoticons and marks."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

LONGEST: Final = 5_000
"""Characters of a text that are read; what follows says little more of how its author feels."""

MARK_START: Final = "!?.,;:\n"
EMOJI: Final = "\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"  # symbols, dingbats, pictographs
EMOTICON: Final = r"(?<!\w)[<>]?[:;=][\-o*']?[)\](\[dDpP/\\|3](?![\w/])|<3|</3|\^_\^|-_-"

_TOKEN = re.compile(rf"https?://\S+|www\.\S+|<\w+>|{EMOTICON}|[@#]\w+|[^\W_]+|[!?]+|[.,;:\n]+|[{EMOJI}]")
_APOSTROPHES = re.compile(r"(?<=\w)['\u2019\u02bc`](?=\w)")
_HELD = re.compile(r"(.)\1{2,}")
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_CAPITALS = re.compile(r"(?<![@#\w])[A-Z]{4,}\b")


def tokens_of(text: str, split: Callable[[str], list[str]] | None = None) -> list[str]:
    """Tokens in their order. A hashtag in camel case gives its words, any other what `split` makes of it.

    Args:
        text: of which no more than `LONGEST` characters are read.
        split: of words run together; None: they stay one word.
    """
    text = text[:LONGEST]
    if "'" in text or "\u2019" in text or "`" in text or "\u02bc" in text:
        text = _APOSTROPHES.sub("", text)
    if "&" in text:
        text = text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
    if "#" not in text:
        return _TOKEN.findall(text.lower())
    found: list[str] = []
    for token in _TOKEN.findall(text):
        if token[0] != "#":
            found.append(token.lower())
        elif token.islower():
            found.extend([token[1:]] if split is None else split(token[1:]))
        else:
            found.extend(part.lower() for part in _CAMEL.findall(token))
    return found


def shouted_of(text: str) -> set[str]:
    """Words in capitals of four letters or more, in lower case; shorter ones are mostly codes and abbreviations."""
    return {word.lower() for word in _CAPITALS.findall(text[:LONGEST])}


@lru_cache(maxsize=20_000)
def unheld(word: str) -> tuple[str, str] | None:
    """A word with held letters (`sooooo`) with two of them and with one; None where no letter stands three times."""
    if _HELD.search(word) is None:
        return None
    return _HELD.sub(r"\1\1", word), _HELD.sub(r"\1", word)


class Splitter:
    """Takes words apart that were run together, as in hashtags: the fewest known words that make it up."""

    _LONGEST: Final = 40
    _KEPT: Final = 20_000

    def __init__(self, known: frozenset[str]) -> None:
        self._known = known
        self._seen: dict[str, list[str]] = {}

    def __call__(self, word: str) -> list[str]:
        """Its words; itself alone where they do not make it up."""
        found = self._seen.get(word)
        if found is None:
            if len(self._seen) >= self._KEPT:
                self._seen.clear()
            found = self._seen[word] = self._split(word)
        return found

    def _split(self, word: str) -> list[str]:
        known, length = self._known, len(word)
        if word in known or length > self._LONGEST:
            return [word]
        best: list[list[str] | None] = [[]] + [None] * length
        for end in range(1, length + 1):
            for start in range(max(0, end - 16), end):
                before = best[start]
                if before is not None and word[start:end] in known:
                    current = best[end]
                    if current is None or len(before) + 1 < len(current):
                        best[end] = [*before, word[start:end]]
        return best[length] or [word]
