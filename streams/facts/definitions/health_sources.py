"""Reading the sources of signals and of service status: rules that say what a record of theirs means."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from streams.facts.definitions.model import Hash, InstantPlus, Source, Time
from streams.facts.definitions.reader import (
    Faults,
    Section,
    as_section,
    entries_of,
    items_of,
    read_choice,
    read_flag,
    read_whole,
)
from streams.facts.definitions.silos import read_field, read_zone
from streams.facts.definitions.sources import read_path, read_when
from streams.facts.definitions.tree import Table, Tree
from streams.facts.times import UNIT_US
from streams.health.rules import HealthSource

SIGNAL_FIELDS = ("at", "event_id", "customer_id", "service", "stage", "ok", "latency", "customers", "synthetic")
STATUS_FIELDS = ("at", "service", "stage", "region", "status")
_NEEDED = {
    "signals": {
        "at": "name the field that says when it happened to the customer",
        "event_id": "name the field of the id, or the fields to hash: `event_id: {hash: [...]}`",
        "customer_id": "name the field that holds the customer's id",
        "service": "name the field, or write for example `service: {constant: shop}`",
        "stage": "name the field, or write for example `stage: {constant: checkout}`",
    },
    "status": {
        "at": "name the field that says since when it is so",
        "service": "name the field, or write for example `service: {constant: shop}`",
        "status": "map the source's words to up, degraded and down",
    },
}
_MAY_BE_HASHED = ("event_id", "customer_id")


def read_sources(
    section: Section, key: str, known: tuple[str, ...], stages: tuple[str, ...]
) -> tuple[HealthSource, ...]:
    """An ordered list of rules; the first whose conditions hold takes the record."""
    tree = section.take(key)
    if tree is None:
        return ()
    path = section.at(key)
    inner = as_section(tree, path, section.faults, key)
    if inner is None:
        return ()
    zone = inner.optional("zone", read_zone)
    if zone is None and inner.has("zone"):
        zone = ZoneInfo("UTC")  # one fault is enough: local times are read as if the zone were right
    shared_tree = inner.take("every_record")
    shared = None
    if shared_tree is not None:
        shared = as_section(shared_tree, inner.at("every_record"), section.faults, "every_record")
    defaults: dict[str, Source] = {}
    attributes: dict[str, Source] = {}
    units: dict[str, int] = {}
    if shared is not None:
        defaults, attributes, units = _read_fields(shared, known, stages, zone)
        shared.close()
    rules_tree = inner.need("rules", "list what its records mean")
    inner.close()
    found: list[HealthSource] = []
    for item, at in () if rules_tree is None else items_of(rules_tree, inner.at("rules"), section.faults, "rules"):
        rule = as_section(item, at, section.faults, "a rule")
        if rule is None:
            continue
        name = rule.text("name", "name it; records that it drops are counted under this name")
        when = rule.read("when", read_when, ())
        drop = rule.read("drop", read_flag, False)
        fields, own, own_units = _read_fields(rule, known, stages, zone)
        rule.close()
        if any(other.name == name for other in found):
            section.faults.add(item, at, f"two rules are named `{name}`", "give each its own name")
        together = {**defaults, **fields}
        if not drop:
            for needed, mend in _NEEDED[key].items():
                if needed not in together and not rule.has(needed) and not (shared and shared.has(needed)):
                    section.faults.add(item, f"{at}.{needed}", f"`{needed}` is missing", mend)
        numbers = {"latency": UNIT_US["ms"], "customers": 1, **units, **own_units}
        found.append(
            HealthSource(
                name, when, drop, together, {**attributes, **own}, numbers["latency"], numbers["customers"], zone
            )
        )
    return tuple(found)


def _read_fields(
    section: Section, known: tuple[str, ...], stages: tuple[str, ...], zone: ZoneInfo | None
) -> tuple[dict[str, Source], dict[str, Source], dict[str, int]]:
    """The fields of a record, its attributes, and its latency's unit (microseconds) and customers where not told."""
    fields: dict[str, Source] = {}
    attributes: dict[str, Source] = {}
    numbers: dict[str, int] = {}
    for name in known:
        tree = section.take(name)
        if tree is None:
            continue
        path = section.at(name)
        if name in ("latency", "customers") and isinstance(tree, Table) and _has_key(tree, "field"):
            inner = Section(tree, path, section.faults)
            source: Source | None = inner.optional("field", read_path)
            if name == "latency":
                numbers[name] = UNIT_US[inner.read("unit", read_choice(*UNIT_US), "ms")]
            else:
                numbers[name] = inner.read("otherwise", read_whole, 1)
            inner.close()
        else:
            source = _read_one(name, tree, path, section.faults, zone)
        if source is not None:
            fields[name] = source
            _check_words(name, source, tree, path, section.faults, stages)
    if "customer_id" in known:
        tree = section.take("attributes")
        for entry in () if tree is None else entries_of(tree, section.at("attributes"), section.faults, "attributes"):
            path = f"{section.at('attributes')}.{entry.key.text}"
            source = _read_one(entry.key.text, entry.value, path, section.faults, None)
            if source is not None:
                attributes[entry.key.text] = source
    return fields, attributes, numbers


def _has_key(table: Table, key: str) -> bool:
    return any(entry.key.text == key for entry in table.entries)


def _read_one(name: str, tree: Tree, path: str, faults: Faults, zone: ZoneInfo | None) -> Source | None:
    source = read_field("at" if name == "at" else "customer_id", tree, path, faults, zone)
    if isinstance(source, Hash) and name not in _MAY_BE_HASHED:
        faults.add(tree, path, f"no hash gives `{name}`", "name a field, or write another source")
        return None
    if isinstance(source, Time | InstantPlus) and name != "at":
        return None
    return source


def _check_words(
    name: str, source: Source, tree: Tree, path: str, faults: Faults, stages: tuple[str, ...]
) -> None:
    """Constants and tables give words of the closed lists."""
    closed: Mapping[str, tuple[str, ...]] = {
        "status": ("up", "degraded", "down"),
        "ok": ("true", "false"),
        "synthetic": ("true", "false"),
        "stage": stages,
    }
    words = closed.get(name, ())
    if not words:
        return
    table = getattr(source, "table", None)
    texts = [source.text] if hasattr(source, "text") else []
    if table is not None:
        otherwise = getattr(source, "otherwise", None)
        texts = [*table.values(), *(() if otherwise is None else (otherwise,))]
    for text in texts:
        if text not in words:
            faults.add(tree, path, f"`{text}` is not known here", f"write one of: {', '.join(words)}")
