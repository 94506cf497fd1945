"""Reading silos: how a source system tells its records apart, and the rules that turn them into facts."""

from zoneinfo import ZoneInfo

from streams.facts.definitions.model import (
    Comparison,
    Constant,
    FactTemplate,
    Hash,
    InstantPlus,
    Linked,
    Lookup,
    OwnCount,
    Rule,
    Silo,
    Source,
    Time,
)
from streams.facts.definitions.reader import (
    Faults,
    Section,
    as_section,
    entries_of,
    items_of,
    read_choice,
    read_flag,
    read_span,
    read_text,
)
from streams.facts.definitions.sources import read_own_topics, read_source, read_when
from streams.facts.definitions.tree import Entry, Listing, Scalar, Table, Tree
from streams.facts.definitions.values import read_lapse
from streams.facts.refusal import Refused
from streams.facts.times import instant_of

_ALL = ("at", "sequence")
_CUSTOMER = (*_ALL, "segment", "region", "product", "value")
_BROUGHT = (*_CUSTOMER, "activity", "by_recommendation")

FIELDS: dict[str, tuple[str, ...]] = {
    "opening": (*_BROUGHT, "since", "last_fact_at"),
    "joined": _BROUGHT,
    "purchased": _BROUGHT,
    "left": (*_CUSTOMER, "reason", "kind"),
    "leaving": (*_CUSTOMER, "reason", "kind", "effective_at"),
    "staying": _CUSTOMER,
    "value_changed": _CUSTOMER,
    "profile_changed": _CUSTOMER,
    "recommended": (*_CUSTOMER, "count"),
    "retracted": (*_ALL, "retracts"),
    "heartbeat": ("at",),
    "same_customer": ("at", "of_silo", "silo_id", "to_silo", "customer_id"),
}
"""The fields that each kind of fact may have."""

_NO_HASH = ("sequence", "count", "by_recommendation", "kind")
_TIMES = ("at", "effective_at", "since", "last_fact_at")
_NEEDED = {"retracted": ("at", "retracts"), "same_customer": ("at", "customer_id")}
_IDS = ("customer_id", "silo_id")


def read_zone(tree: Tree, path: str, faults: Faults) -> ZoneInfo | None:
    """A time zone by its name in the IANA database."""
    text = read_text(tree, path, faults)
    if text is None:
        return None
    try:
        return ZoneInfo(text)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        faults.add(tree, path, f"`{text}` is no time zone", "write a name such as Europe/London or UTC")
        return None


def read_silo(name: str, tree: Tree, path: str, faults: Faults) -> Silo | None:
    """One source system."""
    section = as_section(tree, path, faults, "a silo")
    if section is None:
        return None
    when = section.read("when", read_when, ())
    zone = section.optional("zone", read_zone)
    if zone is None and section.has("zone"):
        zone = ZoneInfo("UTC")  # one fault is enough: local times are read as if the zone were right
    customer = section.need("customer_id", "name the field that holds the customer's id")
    customer_id = None if customer is None else _read_customer(name, customer, section.at("customer_id"), faults)
    event = section.take("event_id")
    event_id = None if event is None else read_field("event_id", event, section.at("event_id"), faults)
    if event is None:
        faults.warn(
            section.table,
            section.at("event_id"),
            "the silo has no event ids: a record that is sent again will be counted again",
            "name the field of the id, or the fields to hash: `event_id: {hash: [...]}`",
        )
    shared = section.take("every_fact")
    defaults = {} if shared is None else _read_shared(shared, section.at("every_fact"), faults, zone)
    rules_tree = section.need("rules", "list what its records mean")
    rules = () if rules_tree is None else _read_rules(rules_tree, section.at("rules"), faults, zone, defaults)
    own_tree = section.take("own_count")
    own = OwnCount()
    if own_tree is not None:
        own = _read_own_count(own_tree, section.at("own_count"), faults, zone, defaults)
    own_topics = section.read("own_topics", read_own_topics, ())
    section.close()
    if not name.strip():
        faults.add(tree, path, "a silo needs a name", "write its name before the colon")
    if customer_id is None:
        return None
    return Silo(name, when, customer_id, event_id, zone, rules, own, own_topics)


def _read_own_count(
    tree: Tree, path: str, faults: Faults, zone: ZoneInfo | None, shared: dict[str, tuple[Tree, str]]
) -> OwnCount:
    """How the silo counts by itself."""
    section = as_section(tree, path, faults, "own_count")
    if section is None:
        return OwnCount()
    rules_tree = section.take("rules")
    own = OwnCount(
        rules=None if rules_tree is None else _read_rules(rules_tree, section.at("rules"), faults, zone, shared),
        leaving_at_once=section.read("leaving", read_choice("at_once", "when_due"), "at_once") == "at_once",
        lapse=section.optional("lapse", read_lapse),
        grouping_us=section.read("grouping_window", read_span, 0),
    )
    section.close()
    return own


def _read_rules(
    tree: Tree, path: str, faults: Faults, zone: ZoneInfo | None, shared: dict[str, tuple[Tree, str]]
) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    for item, at in items_of(tree, path, faults, "rules"):
        rule = _read_rule(item, at, faults, zone, shared)
        if rule is not None:
            if any(other.name == rule.name for other in rules):
                faults.add(item, at, f"two rules are named `{rule.name}`", "give each its own name")
            rules.append(rule)
    return tuple(rules)


def _read_customer(silo: str, tree: Tree, path: str, faults: Faults) -> Source | None:
    """The company's id, or `{linked: field}`: an id of this silo's own that link facts join to the company's."""
    if isinstance(tree, Table) and any(entry.key.text == "linked" for entry in tree.entries):
        named = Entry(Scalar(tree.line, tree.column, "silo"), Scalar(tree.line, tree.column, silo))
        tree = Table(tree.line, tree.column, (*tree.entries, named))
    return read_field("customer_id", tree, path, faults)


def _read_shared(tree: Tree, path: str, faults: Faults, zone: ZoneInfo | None) -> dict[str, tuple[Tree, str]]:
    """Fields that every fact of the silo has, where its kind may have them and it does not say otherwise."""
    known = sorted({field for fields in FIELDS.values() for field in fields if field != "value"})
    shared: dict[str, tuple[Tree, str]] = {}
    for entry in entries_of(tree, path, faults, "every_fact"):
        at = f"{path}.{entry.key.text}"
        if read_choice(*known)(entry.key, at, faults) is not None:
            shared[entry.key.text] = entry.value, at
            read_field(entry.key.text, entry.value, at, faults, zone)
    return shared


def _read_rule(
    tree: Tree, path: str, faults: Faults, zone: ZoneInfo | None, shared: dict[str, tuple[Tree, str]]
) -> Rule | None:
    section = as_section(tree, path, faults, "a rule")
    if section is None:
        return None
    name = section.text("name", "name it; records that it drops are counted under this name")
    when = section.read("when", read_when, ())
    drop = section.read("drop", read_flag, False)
    facts_tree = section.take("facts")
    section.close()
    facts: list[FactTemplate] = []
    if (facts_tree is not None) == drop:
        faults.add(tree, path, "a rule yields facts or drops the record", "write either `facts:` or `drop: true`")
    elif facts_tree is not None:
        for item, at in items_of(facts_tree, section.at("facts"), faults, "facts"):
            fact = _read_fact(item, at, faults, zone, shared)
            if fact is not None:
                facts.append(fact)
        if isinstance(facts_tree, Listing) and not facts_tree.items:
            faults.add(facts_tree, section.at("facts"), "the rule yields nothing", "list facts, or `drop: true`")
    return Rule(name, when, tuple(facts))


def _read_fact(
    tree: Tree, path: str, faults: Faults, zone: ZoneInfo | None, shared: dict[str, tuple[Tree, str]]
) -> FactTemplate | None:
    section = as_section(tree, path, faults, "a fact")
    if section is None:
        return None
    kind_tree = section.need("fact", f"write one of: {', '.join(FIELDS)}")
    kind = None if kind_tree is None else read_choice(*FIELDS)(kind_tree, section.at("fact"), faults)
    when: tuple[Comparison, ...] = section.read("when", read_when, ())
    if kind is None:
        return None
    valued = _read_valued(section) if "value" in FIELDS[kind] else False
    fields: dict[str, Source] = {}
    for name in FIELDS[kind]:
        if name == "value":
            continue
        place = section.take(name)
        if place is not None:
            source = read_field(name, place, section.at(name), faults, zone)
        elif name in shared:
            source = read_field(name, *shared[name], Faults(), zone)
        else:
            continue
        if source is not None:
            fields[name] = source
    section.close()
    for name in _NEEDED.get(kind, ("at",)):
        if name not in shared and not section.has(name):
            faults.add(tree, section.at(name), f"`{name}` is missing", f"say where a `{kind}` has its `{name}` from")
    return FactTemplate(kind, fields, valued, when) if "at" in fields else None


def _read_valued(section: Section) -> bool:
    tree = section.take("value")
    if tree is None:
        return False
    if isinstance(tree, Scalar) and tree.text == "model":
        return True
    section.faults.add(
        tree, section.at("value"), "a value comes from the value model alone",
        "write `value: model`, or nothing; if every silo has a field of its own for it, the value model is `by_silo`",
    )
    return False


def read_field(name: str, tree: Tree, path: str, faults: Faults, zone: ZoneInfo | None = None) -> Source | None:
    """The source of one field of a fact, checked for what the field holds."""
    source = read_source(tree, path, faults)
    if source is None:
        return None
    is_time = name in _TIMES
    if isinstance(source, Linked) and name not in _IDS:
        faults.add(tree, path, f"`{name}` is no id of a customer", "name a field, or write another source")
        return None
    if isinstance(source, Time | InstantPlus) and not is_time:
        faults.add(tree, path, f"`{name}` is no time", "name a field, or write constant, map or hash")
        return None
    if isinstance(source, Hash) and (is_time or name in _NO_HASH):
        faults.add(tree, path, f"no hash gives `{name}`", "name a field, or write another source")
        return None
    if is_time:
        _check_constant_times(source, tree, path, faults, zone)
    return source


def _check_constant_times(source: Source, tree: Tree, path: str, faults: Faults, zone: ZoneInfo | None) -> None:
    texts = [source.text] if isinstance(source, Constant) else []
    if isinstance(source, Lookup):
        texts = [*source.table.values(), *(() if source.otherwise is None else (source.otherwise,))]
    for text in texts:
        try:
            instant_of(text, zone)
        except Refused:
            zoned = "" if zone is not None else "; without an offset it needs `zone:` in the silo"
            faults.add(tree, path, f"`{text}` is no time{zoned}", "write for example 2024-07-01T00:00:00Z")
