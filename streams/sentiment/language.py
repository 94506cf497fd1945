"""Which language a text is in, as far as that matters: English, or another one that must not be scored as English.

By the letters' script, then by the small words that every sentence of a language has. Mentions are short, so one
word of another language is enough where no English one stands; a text of three words and more in which nothing is
known is of no language that is read (`und`).
"""

import re
from collections.abc import Container
from importlib.resources import files
from typing import Final

ENGLISH: Final = "en"
UNDETERMINED: Final = "und"

_OTHER_SCRIPTS: Final = (
    ("ja", re.compile("[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f]")),
    ("ko", re.compile("[\u1100-\u11ff\uac00-\ud7af]")),
    ("zh", re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")),
    ("ru", re.compile("[\u0400-\u052f]")),
    ("ar", re.compile("[\u0600-\u06ff\u0750-\u077f]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("el", re.compile("[\u0370-\u03ff\u1f00-\u1fff]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("und", re.compile("[\u0530-\u058f\u0980-\u0dff\u0e80-\u10ff\u1200-\u137f]")),
)
_ANY_OTHER: Final = re.compile("[\u0370-\u1cff\u1f00-\u1fff\u3040-\u9fff\uac00-\ud7af\uff66-\uff9f]")
_LATIN: Final = re.compile("[A-Za-z\u00c0-\u024f]")
# A syllable of these scripts is worth some letters of a Latin word.
_DENSE: Final = frozenset({"ja", "ko", "zh"})


def _by_word() -> dict[str, tuple[str, ...]]:
    """Small word to the languages that have it."""
    found: dict[str, tuple[str, ...]] = {}
    text = (files("streams.sentiment") / "lexicon" / "small_words.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            language, _, words = line.partition(": ")
            for word in words.split():
                found[word] = (*found.get(word, ()), language)
    return found


_ONLY_ENGLISH: Final = (ENGLISH,)
_LANGUAGES_OF: Final = {
    word: _ONLY_ENGLISH if languages == _ONLY_ENGLISH else languages for word, languages in _by_word().items()
}
ENGLISH_WORDS: Final = frozenset(word for word, languages in _LANGUAGES_OF.items() if ENGLISH in languages)


def language_of(text: str, tokens: list[str], known: Container[str]) -> str:
    """ISO 639-1 of a text's language, or `und`.

    Args:
        text: as it was written.
        tokens: those of the text.
        known: English words beside the small ones.
    """
    if not text.isascii() and _ANY_OTHER.search(text):
        script = _script_of(text)
        if script is not None:
            return script
    small = [languages for languages in map(_LANGUAGES_OF.get, tokens) if languages is not None]
    of_others = [languages for languages in small if languages is not _ONLY_ENGLISH]
    english = len(small) - len(of_others)
    others: dict[str, int] = {}
    for languages in of_others:
        for language in languages:
            if language == ENGLISH:
                english += 1
            else:
                others[language] = others.get(language, 0) + 1
    if others:
        best = max(others, key=others.__getitem__)
        most = others[best]
        if most > english:
            english += sum(token in known and token not in _LANGUAGES_OF for token in tokens)
            if most > english:
                return best
    if english:
        return ENGLISH
    return _of_unknown_words(text, tokens, known)


def _of_unknown_words(text: str, tokens: list[str], known: Container[str]) -> str:
    if any(token in known for token in tokens):
        return ENGLISH
    if not text.strip():
        return UNDETERMINED
    words = [token for token in tokens if token.isalpha() and len(token) > 1]
    return UNDETERMINED if len(words) >= 3 or (words and not text.isascii()) else ENGLISH


def _script_of(text: str) -> str | None:
    """The language that a text's script tells, if most of its letters are of it."""
    latin = len(_LATIN.findall(text))
    best, most = None, 0
    for language, letters in _OTHER_SCRIPTS:
        count = len(letters.findall(text)) * (3 if language in _DENSE else 1)
        # Japanese mixes its own letters with Chinese ones: it is named first, and a third of its own is enough.
        if count > most or (language == "zh" and best == "ja" and count > 2 * most):
            if language == "zh" and best == "ja":
                most += count
                continue
            best, most = language, count
    return best if 2 * most > latin else None
