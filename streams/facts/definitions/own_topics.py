"""What own topics and links must agree on across the sections of a definitions file."""

from collections.abc import Callable, Iterator

from streams.facts.definitions.model import Constant, Definitions, Linked, Source
from streams.facts.definitions.reader import Faults, Section, read_choice
from streams.facts.definitions.tree import Entry, Listing, Scalar, Table, Tree
from streams.intake.rules import FEEDS


def check_own_topics(section: Section, definitions: Definitions) -> None:
    """Note what does not fit together: a topic of two feeds, a topic of netgrowth's own, an id of no linked silo."""
    faults = section.faults
    feeds: dict[str, str] = {}
    for part, path, item in _named_topics(section.table):
        topic, feed = item.text, "silos" if part == "native" else part
        other = feeds.setdefault(topic, feed)
        if other != feed:
            message = f"`{topic}` stands below `{other}` and below `{feed}`"
            faults.add(item, path, message, "leave it with one of them: what a record says belongs to one feed")
        if topic in FEEDS:
            message = f"`{topic}` is read as it is: its records have their shape and key already"
            faults.add(item, path, message, "name your own topics here, and leave this one out")
    linked = {name for name, silo in definitions.silos.items() if isinstance(silo.customer_id, Linked)}
    for path, place in _linked_places(section.table, ""):
        if place.text not in linked:
            message = f"`{place.text}` is no silo whose `customer_id` is linked"
            faults.add(place, path, message, f"name one of: {', '.join(sorted(linked)) or 'there is none'}")
    known: Callable[[Tree, str, Faults], str | None] = read_choice(*definitions.silos)
    for silo in definitions.silos.values():
        for rule in silo.rules:
            for fact in rule.facts:
                for field in ("of_silo", "to_silo"):
                    source: Source | None = fact.fields.get(field)
                    if isinstance(source, Constant) and source.text not in definitions.silos:
                        path = f"silos.{silo.name}.rules"
                        tree = _place_of(section.table, ("silos", silo.name, "rules")) or section.table
                        known(Scalar(tree.line, tree.column, source.text), f"{path}.{field}", faults)


def _named_topics(table: Table) -> Iterator[tuple[str, str, Scalar]]:
    """Each topic that an `own_topics` names: the section it stands in, its path, and its name."""
    for entry in table.entries:
        for path, tree in _lists(entry.value, entry.key.text):
            for number, item in enumerate(tree.items):
                if isinstance(item, Scalar):
                    yield entry.key.text, f"{path}[{number}]", item


def _lists(tree: Tree, path: str) -> Iterator[tuple[str, Listing]]:
    for entry in _entries(tree):
        at = f"{path}.{entry.key.text}"
        if entry.key.text == "own_topics" and isinstance(entry.value, Listing):
            yield at, entry.value
        else:
            yield from _lists(entry.value, at)


def _linked_places(tree: Tree, path: str) -> Iterator[tuple[str, Scalar]]:
    """Where a `linked` id names its silo."""
    if isinstance(tree, Listing):
        for number, item in enumerate(tree.items):
            yield from _linked_places(item, f"{path}[{number}]")
    entries = _entries(tree)
    names = {entry.key.text: entry.value for entry in entries}
    silo = names.get("silo")
    if "linked" in names and isinstance(silo, Scalar):
        yield f"{path}.silo", silo
    for entry in entries:
        yield from _linked_places(entry.value, f"{path}.{entry.key.text}" if path else entry.key.text)


def _place_of(tree: Tree, keys: tuple[str, ...]) -> Tree | None:
    for key in keys:
        found = [entry.value for entry in _entries(tree) if entry.key.text == key]
        if not found:
            return None
        tree = found[0]
    return tree


def _entries(tree: Tree) -> tuple[Entry, ...]:
    return tree.entries if isinstance(tree, Table) else ()
