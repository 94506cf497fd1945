"""Reading a positioned tree: values or faults, and never a stop at the first fault.

Each function returns the value, or None after it has noted a fault.
"""

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from fractions import Fraction
from typing import TypeVar

from streams.facts.definitions.tree import Entry, Fault, Listing, Scalar, Table, Tree
from streams.facts.money import Exact, parse_exact
from streams.facts.times import UNIT_US

T = TypeVar("T")
D = TypeVar("D")

NEAR = 0.7
"""How alike a word must be to be suggested; at the library's 0.6 `gone` would suggest `joined`."""

_SPAN = re.compile(r"(\d{1,9})\s*(ms|s|m|h|d|w)", re.ASCII)


class Faults:
    """The faults and warnings of one file, as they are found."""

    def __init__(self) -> None:
        self.found: list[Fault] = []
        self.warnings: list[Fault] = []

    def add(self, tree: Tree, path: str, message: str, mend: str) -> None:
        """Note a fault at this place."""
        self.found.append(Fault(tree.line, tree.column, path, message, mend))

    def warn(self, tree: Tree, path: str, message: str, mend: str) -> None:
        """Note something that holds, but that people should look at."""
        self.warnings.append(Fault(tree.line, tree.column, path, message, mend))


class Section:
    """One mapping of the file, read key by key; a key that nobody asks for is a fault."""

    def __init__(self, table: Table, path: str, faults: Faults) -> None:
        self.table = table
        self.path = path
        self.faults = faults
        self._entries = {entry.key.text: entry for entry in table.entries}
        self._asked: list[str] = []

    def at(self, key: str) -> str:
        """Path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def has(self, key: str) -> bool:
        """Whether the key stands there with a value."""
        return self.take(key) is not None

    def take(self, key: str) -> Tree | None:
        """The value of a key; None where it is absent or nothing stands behind it."""
        self._asked.append(key)
        entry = self._entries.get(key)
        if entry is None or (isinstance(entry.value, Scalar) and entry.value.silent):
            return None
        return entry.value

    def need(self, key: str, mend: str) -> Tree | None:
        """The value of a key that must be there."""
        value = self.take(key)
        if value is None:
            entry = self._entries.get(key)
            place: Tree = self.table if entry is None else entry.key
            self.faults.add(place, self.at(key), f"`{key}` is missing", mend)
        return value

    def read(self, key: str, reader: Callable[[Tree, str, Faults], T | None], default: D) -> T | D:
        """What a key holds, or the default."""
        value = self.take(key)
        if value is None:
            return default
        found = reader(value, self.at(key), self.faults)
        return default if found is None else found

    def optional(self, key: str, reader: Callable[[Tree, str, Faults], T | None]) -> T | None:
        """What a key holds, or None."""
        value = self.take(key)
        return None if value is None else reader(value, self.at(key), self.faults)

    def text(self, key: str, mend: str) -> str:
        """A text that must be there; empty after a fault."""
        value = self.need(key, mend)
        return "" if value is None else (read_text(value, self.at(key), self.faults) or "")

    def close(self) -> None:
        """All keys have been asked for: what is left is a fault."""
        for name, entry in self._entries.items():
            if name not in self._asked:
                near = get_close_matches(name, self._asked, 1, NEAR)
                mend = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(sorted(set(self._asked)))}"
                self.faults.add(entry.key, self.at(name), f"`{name}` is not known here", mend)


def as_section(tree: Tree, path: str, faults: Faults, what: str) -> Section | None:
    """A mapping."""
    if isinstance(tree, Table):
        return Section(tree, path, faults)
    faults.add(tree, path, f"{what} needs keys and values", "write `key: value` lines, indented below it")
    return None


def entries_of(tree: Tree, path: str, faults: Faults, what: str) -> tuple[Entry, ...]:
    """Names and what stands behind them."""
    if isinstance(tree, Table):
        return tree.entries
    faults.add(tree, path, f"{what} needs names and values", "write `name: value` lines, indented below it")
    return ()


def items_of(tree: Tree, path: str, faults: Faults, what: str) -> Iterable[tuple[Tree, str]]:
    """The items of a list, each with its path."""
    if isinstance(tree, Listing):
        return [(item, f"{path}[{place}]") for place, item in enumerate(tree.items)]
    faults.add(tree, path, f"{what} is a list", "write each item on a line that begins with `- `")
    return []


def read_text(tree: Tree, path: str, faults: Faults) -> str | None:
    """A text that is not empty, at most 256 characters, without control characters."""
    if not isinstance(tree, Scalar):
        faults.add(tree, path, "a text is needed here", "write one value on the same line")
        return None
    if tree.silent or not tree.text.strip():
        faults.add(tree, path, "nothing stands here", "write a text")
        return None
    if len(tree.text) > 256 or any(ord(character) < 32 or 127 <= ord(character) < 160 for character in tree.text):
        faults.add(tree, path, "the text is over 256 characters long or holds control characters", "shorten it")
        return None
    return tree.text


def read_texts(tree: Tree, path: str, faults: Faults) -> tuple[str, ...]:
    """A list of texts."""
    found = (read_text(item, at, faults) for item, at in items_of(tree, path, faults, "this"))
    return tuple(text for text in found if text is not None)


def read_flag(tree: Tree, path: str, faults: Faults) -> bool | None:
    """true or false."""
    if isinstance(tree, Scalar) and tree.plain and tree.text in ("true", "false"):
        return tree.text == "true"
    faults.add(tree, path, "true or false is needed here", "write true or false, without quotation marks")
    return None


def read_choice(*choices: str) -> Callable[[Tree, str, Faults], str | None]:
    """One of these words."""

    def read(tree: Tree, path: str, faults: Faults) -> str | None:
        if isinstance(tree, Scalar) and tree.text in choices:
            return tree.text
        shown = f"`{tree.text}`" if isinstance(tree, Scalar) else "this"
        near = get_close_matches(tree.text, choices, 1, NEAR) if isinstance(tree, Scalar) else []
        mend = f"did you mean `{near[0]}`?" if near else f"write one of: {', '.join(choices)}"
        faults.add(tree, path, f"{shown} is not known here", mend)
        return None

    return read


def read_span(tree: Tree, path: str, faults: Faults) -> int | None:
    """A span of time such as 36h, in microseconds, above zero."""
    match = _SPAN.fullmatch(tree.text) if isinstance(tree, Scalar) else None
    if match is None or not (found := int(match[1]) * UNIT_US[match[2]]):
        faults.add(tree, path, "a span of time above zero is needed here", "write for example 30m, 36h or 180d")
        return None
    if found > 36_525 * UNIT_US["d"]:
        faults.add(tree, path, "the span is longer than a hundred years", "write a shorter one")
        return None
    return found


def read_whole(tree: Tree, path: str, faults: Faults) -> int | None:
    """A whole number above zero."""
    if isinstance(tree, Scalar) and re.fullmatch(r"[1-9][0-9]{0,14}", tree.text):
        return int(tree.text)
    faults.add(tree, path, "a whole number above zero is needed here", "write for example 100")
    return None


def read_exact(tree: Tree, path: str, faults: Faults) -> Exact | None:
    """A decimal number."""
    found = parse_exact(tree.text) if isinstance(tree, Scalar) else None
    if found is None:
        faults.add(tree, path, "a decimal number is needed here", 'write for example "0.9183"')
    return found


def read_share(tree: Tree, path: str, faults: Faults) -> float | None:
    """A share above 0, at most 1."""
    exact = read_exact(tree, path, faults)
    if exact is None:
        return None
    share = Fraction(exact[0], 10 ** exact[1])
    if not 0 < share <= 1:
        faults.add(tree, path, "a share lies above 0 and not above 1", "write for example 0.05")
        return None
    return float(share)


def read_currency(tree: Tree, path: str, faults: Faults) -> str | None:
    """A currency's code of three letters (ISO 4217)."""
    if isinstance(tree, Scalar) and re.fullmatch(r"[A-Z]{3}", tree.text):
        return tree.text
    faults.add(tree, path, "a currency's code is needed here", "write three capital letters, for example EUR")
    return None
