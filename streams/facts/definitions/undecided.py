"""Decisions that a draft left open: every `unmapped` in a definitions file is a fault, wherever it stands."""

from collections.abc import Iterator

from streams.facts.definitions.tree import Fault, Scalar, Table, Tree

UNMAPPED = "unmapped"


def undecided(tree: Tree, path: str = "") -> Iterator[Fault]:
    """A fault for each key or value that is the plain word `unmapped`; in quotation marks it is a word like any."""
    if isinstance(tree, Scalar):
        if tree.plain and tree.text == UNMAPPED:
            yield Fault(tree.line, tree.column, path, "a decision that is yet to be made", "put yours in its place")
    elif isinstance(tree, Table):
        for entry in tree.entries:
            at = f"{path}.{entry.key.text}" if path else entry.key.text
            yield from undecided(entry.key, at)
            yield from undecided(entry.value, at)
    else:
        for place, item in enumerate(tree.items):
            yield from undecided(item, f"{path}[{place}]")
