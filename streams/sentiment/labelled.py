"""Labelled texts as people keep them: a text and a label a line, as JSON, tab-separated or comma-separated."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from streams.sentiment.scorer import HAPPY_AT, UNHAPPY_AT

UNHAPPY, NEUTRAL, HAPPY = range(3)

LABELS: Final = {
    **dict.fromkeys(("unhappy", "negative", "neg"), UNHAPPY),
    **dict.fromkeys(("neutral", "neu", "none", "mixed"), NEUTRAL),
    **dict.fromkeys(("happy", "positive", "pos"), HAPPY),
}

_LABEL_KEYS: Final = ("label", "sentiment", "class")


@dataclass(slots=True)
class Labelled:
    """Texts with their labels, in the order of the lines; `unreadable`: numbers of lines that gave none."""

    texts: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)


def read_labelled(lines: Iterable[bytes]) -> Labelled:
    """Labelled texts.

    A line is a JSON object with `text` and `label`, or text and label in either order with a tab or a comma between.
    A label is `unhappy`, `neutral` or `happy` (or negative, positive ...), or a number of -1 to 1.
    """
    found = Labelled()
    for number, line in enumerate(lines, 1):
        text = line.decode("utf-8-sig" if number == 1 else "utf-8", "replace").strip("\r\n")
        if not text.strip():
            continue
        pair = _of_json(text) if text.startswith("{") else _of_fields(text)
        if pair is None:
            found.unreadable.append(number)
        else:
            found.texts.append(pair[0])
            found.labels.append(pair[1])
    return found


def label_of(value: Any) -> int | None:
    """The class that a label means; None: it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, str):
        named = LABELS.get(value.strip().casefold())
        if named is not None:
            return named
        try:
            value = float(value)
        except ValueError:
            return None
    if not -1 <= value <= 1:
        return None
    return UNHAPPY if value <= UNHAPPY_AT else HAPPY if value >= HAPPY_AT else NEUTRAL


def _of_json(line: str) -> tuple[str, int] | None:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    text = document.get("text")
    labels = [label_of(document[key]) for key in _LABEL_KEYS if key in document]
    if not isinstance(text, str) or not labels or labels[0] is None:
        return None
    return text, labels[0]


def _of_fields(line: str) -> tuple[str, int] | None:
    fields = line.split("\t") if "\t" in line else next(csv.reader([line]), [])
    if len(fields) < 2:
        return None
    separator = "\t" if "\t" in line else ","
    last, first = label_of(fields[-1]), label_of(fields[0])
    if last is not None:
        return separator.join(fields[:-1]), last
    return None if first is None else (separator.join(fields[1:]), first)
