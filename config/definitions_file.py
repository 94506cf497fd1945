"""Definitions files: YAML in which every key and value keeps its line and column."""

from pathlib import Path, PurePath

import yaml

from streams.facts.definitions.model import Definitions
from streams.facts.definitions.read import read_definitions
from streams.facts.definitions.tree import DefinitionsError, Entry, Fault, Listing, Scalar, Table, Tree

__all__ = ["Definitions", "DefinitionsError", "Fault", "UnreadableDefinitions", "load", "parse"]

_DEEPEST = 40
SHIPPED = Path(__file__).resolve().parent / "definitions"
"""The folder of the definitions that come with the package."""


class UnreadableDefinitions(Exception):
    """The file cannot be read at all: it is not there, or no text."""


def load(path: str | Path) -> Definitions:
    """The definitions in a file.

    Where there is no such file, `NAME`, `NAME.yaml` and `config/definitions/NAME.yaml` are the shipped one of that
    name, so that it can be named from any folder.

    Raises:
        DefinitionsError: with every fault of the file.
        UnreadableDefinitions: there is no such file, or it is no text.
    """
    try:
        text = (_shipped(path) or Path(path)).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        names = ", ".join(sorted(file.stem for file in SHIPPED.glob("*.yaml")))
        raise UnreadableDefinitions(
            f"{path}: {error.strerror}; give the path of a definitions file, or a shipped one: {names}"
        ) from None
    except OSError as error:
        raise UnreadableDefinitions(f"{path}: {error.strerror}; give the path of a definitions file") from None
    except UnicodeDecodeError as error:
        raise UnreadableDefinitions(f"{path}: no UTF-8 text at byte {error.start}; save it as UTF-8") from None
    return parse(text)


def _shipped(path: str | Path) -> Path | None:
    """The shipped file that this means, if it is no file here."""
    named = PurePath(path)
    if named.parent.parts not in ((), ("config", "definitions")) or Path(path).exists():
        return None
    # A bare name may lack the ending; a path is that of a file.
    shipped = SHIPPED / (named.name if named.suffix or named.parent.parts else f"{named.name}.yaml")
    return shipped if shipped.suffix == ".yaml" and shipped.is_file() else None


def parse(text: str) -> Definitions:
    """The definitions in a text.

    Raises: DefinitionsError: with every fault.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
        problem = error.problem or error.context or "no YAML"
        mend = "check the indentation, colons and quotation marks here and on the line before"
        raise DefinitionsError((Fault(line, column, "", problem, mend),)) from None
    except yaml.reader.ReaderError as error:
        fault = Fault(1, 1, "", f"no YAML: {error.reason}", "take out the control characters")
        raise DefinitionsError((fault,)) from None
    except RecursionError:
        raise DefinitionsError((Fault(1, 1, "", "the file is nested too deeply", "make it flatter"),)) from None
    if root is None:
        fault = Fault(1, 1, "", "the file is empty", "start from config/definitions/native.yaml")
        raise DefinitionsError((fault,))
    grower = _Grower()
    tree = grower.grow(root, "", 0)
    return read_definitions(tree, tuple(grower.faults))


class _Grower:
    """Turns YAML nodes into the tree, and notes what a mapping of Python would have swallowed."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._seen: dict[int, Tree] = {}

    def grow(self, node: yaml.Node, path: str, depth: int) -> Tree:
        # An alias gives the same node again; its tree is made once.
        found = self._seen.get(id(node))
        if found is None:
            found = self._seen[id(node)] = self._grow(node, path, depth)
        return found

    def _grow(self, node: yaml.Node, path: str, depth: int) -> Tree:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        if isinstance(node, yaml.ScalarNode):
            return Scalar(line, column, node.value, node.style is None)
        if depth > _DEEPEST:
            self.faults.append(Fault(line, column, path, "nested too deeply", "an alias may not hold itself"))
            return Scalar(line, column, "")
        if isinstance(node, yaml.SequenceNode):
            items = [self.grow(item, f"{path}[{place}]", depth + 1) for place, item in enumerate(node.value)]
            return Listing(line, column, tuple(items))
        assert isinstance(node, yaml.MappingNode)
        entries: dict[str, Entry] = {}
        for key_node, value_node in node.value:
            key = self.grow(key_node, path, depth + 1)
            if not isinstance(key, Scalar):
                self.faults.append(Fault(key.line, key.column, path, "a key must be a text", "write a plain name"))
                continue
            at = f"{path}.{key.text}" if path else key.text
            first = entries.get(key.text)
            if first is not None:
                message = f"`{key.text}` stands twice, first on line {first.key.line}"
                self.faults.append(Fault(key.line, key.column, at, message, "keep one of them"))
                continue
            entries[key.text] = Entry(key, self.grow(value_node, at, depth + 1))
        return Table(line, column, tuple(entries.values()))
