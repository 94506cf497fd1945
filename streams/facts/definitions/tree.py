"""A definitions file as a tree in which every key and value knows its line and column, and what is wrong with it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a definitions file.

    Attributes:
        line, column: where, counted from 1.
        path: of the key, such as `silos.crm.rules[2].when`.
        message: what is wrong.
        mend: what to do about it.
    """

    line: int
    column: int
    path: str
    message: str
    mend: str


class DefinitionsError(Exception):
    """The file does not hold; all its faults at once, in the order of their lines."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.line, fault.column, fault.path)))
        lines = (f"{fault.line}:{fault.column}: {fault.path}: {fault.message}; {fault.mend}" for fault in self.faults)
        super().__init__("\n".join(lines))


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text, number, yes or no, as the file writes it; `plain`: without quotation marks."""

    line: int
    column: int
    text: str
    plain: bool = True

    @property
    def silent(self) -> bool:
        """Whether nothing stands there."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Listing:
    """A list."""

    line: int
    column: int
    items: "tuple[Tree, ...]"


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and its value."""

    key: Scalar
    value: "Tree"


@dataclass(frozen=True, slots=True)
class Table:
    """Keys and values; a key stands once."""

    line: int
    column: int
    entries: tuple[Entry, ...]


Tree = Scalar | Listing | Table
