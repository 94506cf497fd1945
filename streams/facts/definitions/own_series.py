"""Reading the section `series`: counted series that the company names itself, to be watched for surges."""

from streams.facts.definitions.reader import Faults, Section, as_section, entries_of, items_of, read_choice, read_text
from streams.facts.definitions.tree import Scalar, Tree
from streams.surges.own_series import COUNTED, SPLIT_BY, OwnSeries
from streams.surges.series import FAMILIES


def read_own_series(section: Section) -> tuple[OwnSeries, ...]:
    """The series of a user's own; none where the definitions name none."""
    tree = section.take("series")
    found = []
    for entry in () if tree is None else entries_of(tree, "series", section.faults, "series"):
        name, path = entry.key.text, f"series.{entry.key.text}"
        if read_text(entry.key, path, section.faults) in FAMILIES:
            section.faults.add(entry.key, path, f"`{name}` is counted already", "choose a name of your own")
        one = _read_one(name, entry.value, path, section.faults)
        if one is not None:
            found.append(one)
    return tuple(found)


def _read_one(name: str, tree: Tree, path: str, faults: Faults) -> OwnSeries | None:
    section = as_section(tree, path, faults, "a series")
    if section is None:
        return None
    counts = section.read("counts", read_choice(*COUNTED), "")
    if not section.has("counts"):
        section.need("counts", f"say what it counts: {', '.join(COUNTED)}")
    labels = COUNTED.get(counts or "")
    where, by = section.take("where"), section.take("by")
    section.close()
    if counts is None or labels is None:
        return None
    chosen = () if where is None else read_where(where, section.at("where"), labels, faults)
    split = () if by is None else _read_by(by, section.at("by"), labels, faults)
    if not chosen and not split:
        faults.warn(
            section.table, path, f"the series is all of `{counts}`, under another name",
            "choose a part with `where:`, or split it with `by:`",
        )  # fmt: skip
    return OwnSeries(name, counts, chosen, split)


def read_where(
    tree: Tree, path: str, labels: tuple[str, ...], faults: Faults
) -> tuple[tuple[str, frozenset[str]], ...]:
    """Label to a value, or to a list of values of which one must be there."""
    found = []
    for entry in entries_of(tree, path, faults, "labels"):
        at = f"{path}.{entry.key.text}"
        label = read_choice(*labels)(entry.key, at, faults)
        if isinstance(entry.value, Scalar):
            values = [read_text(entry.value, at, faults)]
        else:
            values = [read_text(item, place, faults) for item, place in items_of(entry.value, at, faults, at)]
        wanted = frozenset(value for value in values if value is not None)
        if label is not None and wanted:
            found.append((label, wanted))
    return tuple(found)


def _read_by(tree: Tree, path: str, labels: tuple[str, ...], faults: Faults) -> tuple[str, ...]:
    choice = read_choice(*(label for label in labels if label in SPLIT_BY))
    items = [(tree, path)] if isinstance(tree, Scalar) else items_of(tree, path, faults, "by")
    found = (choice(item, at, faults) for item, at in items)
    return tuple(dict.fromkeys(label for label in found if label is not None))
