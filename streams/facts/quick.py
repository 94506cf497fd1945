"""The compiled reader of native records (`_quick.c`), prepared for the types of facts and one definitions file.

A sound record of a frequent kind becomes a fact in C; every other record goes to `Admission.admit_slowly`, in its
place. The Python code of the admission defines what both do.
"""

from collections.abc import Callable
from typing import Any

from streams.compiled import piece
from streams.facts.definitions.model import Definitions
from streams.facts.labels import Labels
from streams.facts.models import Fact, RawRecord

_piece = piece("streams.facts._quick")
if _piece is not None:
    try:
        _piece.prepare(Fact, RawRecord)
    except TypeError:  # another msgspec that lays its fields out otherwise
        _piece = None

count_with_known_words: Callable[..., int] | None = None if _piece is None else _piece.count_with_known_words
"""Of a list of facts and five sets (reasons, activities, segments, regions, products): how many facts stand before
the first one with a word that is not in its set. None where there is no compiled piece."""


def quick_reader(definitions: Definitions, labels: Labels) -> Any:
    """The compiled reader for these definitions; None where there is none, or silos speak their own words there."""
    in_own_words = any(not silo.own_topics for silo in definitions.silos.values())
    is_native = definitions.native_silo is not None or bool(definitions.own_topics)
    if _piece is None or not is_native or in_own_words or definitions.trailing is not None:
        return None
    return _piece.Reader(labels, definitions.native_silo or "")
