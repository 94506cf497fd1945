"""Reading where a fact's fields come from, and the conditions of rules."""

import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

from streams.facts.definitions.model import (
    Comparison,
    Constant,
    Hash,
    InstantPlus,
    Linked,
    Lookup,
    Money,
    Path,
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
    read_currency,
    read_flag,
    read_text,
)
from streams.facts.definitions.tree import Listing, Scalar, Table, Tree
from streams.facts.money import Exact, parse_exact
from streams.facts.refusal import Refused
from streams.facts.times import UNIT_US, instant_of

OPERATORS = ("is", "in", "below", "above", "empty")
_SOURCES = ("constant", "map", "time", "instant", "hash", "linked")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


def read_path(tree: Tree, path: str, faults: Faults) -> Path | None:
    """A field: `name`, `outer.inner`, or a list of keys where a key has a dot in it."""
    if isinstance(tree, Listing):
        keys = tuple(read_text(item, f"{path}[{place}]", faults) for place, item in enumerate(tree.items))
        if keys and None not in keys:
            return Path(tuple(key for key in keys if key is not None))
        if not keys:
            faults.add(tree, path, "the list names no field", "write its keys from the outside in")
        return None
    text = read_text(tree, path, faults)
    if text is None:
        return None
    keys_of_text = tuple(text.split("."))
    if not all(keys_of_text):
        faults.add(tree, path, f"`{text}` is no field of a record", "write name, or outer.inner without empty parts")
        return None
    return Path(keys_of_text)


def read_source(tree: Tree, path: str, faults: Faults) -> Source | None:
    """A field, or one of constant, map, time, instant, hash and linked."""
    if not isinstance(tree, Table):
        return read_path(tree, path, faults)
    section = Section(tree, path, faults)
    kinds = [kind for kind in _SOURCES if section.has(kind)]
    if len(kinds) != 1:
        faults.add(tree, path, "one source is needed here", f"write a field's name, or one of: {', '.join(_SOURCES)}")
        return None
    source = _READERS[kinds[0]](section)
    for kind in _SOURCES:
        section.take(kind)
    section.close()
    return source


def _read_constant(section: Section) -> Source | None:
    text = section.optional("constant", read_text)
    return None if text is None else Constant(text)


def _read_lookup(section: Section) -> Source | None:
    path = section.optional("map", read_path)
    tree = section.need("table", "write what each word of the field stands for, `word: meaning`")
    otherwise = section.optional("otherwise", read_text)
    if tree is None:
        return None
    table = {}
    for entry in entries_of(tree, section.at("table"), section.faults, "a mapping table"):
        text = read_text(entry.value, f"{section.at('table')}.{entry.key.text}", section.faults)
        if text is not None:
            table[entry.key.text] = text
    return None if path is None else Lookup(path, table, otherwise)


def _read_time(section: Section) -> Source | None:
    path = section.optional("time", read_path)
    unit = section.optional("unit", read_choice(*UNIT_US))
    return None if path is None else Time(path, None if unit is None else UNIT_US[unit])


def _read_instant(section: Section) -> Source | None:
    start = section.optional("instant", instant_reader(None))
    path_tree = section.need("plus", "name the field that is added, or write `constant` instead of `instant`")
    unit_tree = section.need("unit", f"write one of: {', '.join(UNIT_US)}")
    path = None if path_tree is None else read_path(path_tree, section.at("plus"), section.faults)
    unit = None if unit_tree is None else read_choice(*UNIT_US)(unit_tree, section.at("unit"), section.faults)
    return None if start is None or path is None or unit is None else InstantPlus(start, path, UNIT_US[unit])


def _read_hash(section: Section) -> Source | None:
    tree = section.take("hash")
    assert tree is not None
    items = items_of(tree, section.at("hash"), section.faults, "hash")
    found = [read_path(item, at, section.faults) for item, at in items]
    paths = tuple(path for path in found if path is not None)
    if isinstance(tree, Listing) and not tree.items:
        section.faults.add(tree, section.at("hash"), "hash names no field", "list the fields that tell records apart")
    return Hash(paths) if paths else None


def _read_linked(section: Section) -> Source | None:
    path = section.optional("linked", read_path)
    silo = section.text("silo", "name the silo that the id is of")
    return None if path is None or not silo else Linked(silo, path)


_READERS: dict[str, Callable[[Section], Source | None]] = {
    "constant": _read_constant,
    "map": _read_lookup,
    "time": _read_time,
    "instant": _read_instant,
    "hash": _read_hash,
    "linked": _read_linked,
}


def instant_reader(zone: ZoneInfo | None) -> Callable[[Tree, str, Faults], int | None]:
    """A date or time; without an offset it is local time of `zone`, or a fault where there is none."""

    def read(tree: Tree, path: str, faults: Faults) -> int | None:
        text = read_text(tree, path, faults)
        if text is None:
            return None
        try:
            return instant_of(text, zone)
        except Refused:
            ending = "2024-07-01T00:00:00Z" if zone is None else "2024-07-01 or 2024-07-01T00:00:00Z"
            faults.add(tree, path, f"`{text}` is no instant", f"write for example {ending}")
            return None

    return read


def read_money(reporting: str) -> Callable[[Tree, str, Faults], Money | None]:
    """An amount: the field of a decimal in the reporting currency, or `money` / `minor_units` with `currency`."""

    def read(tree: Tree, path: str, faults: Faults) -> Money | None:
        if not isinstance(tree, Table):
            number = read_path(tree, path, faults)
            return None if number is None else Money(number, reporting)
        section = Section(tree, path, faults)
        forms = [form for form in ("money", "minor_units") if section.has(form)]
        if len(forms) != 1:
            faults.add(tree, path, "one amount is needed here", "write `money: field` or `minor_units: field`")
            return None
        number = section.optional(forms[0], read_path)
        currency = read_currency_or(section, reporting)
        section.close()
        return None if number is None else Money(number, currency, forms[0] == "minor_units")

    return read


def read_currency_or(section: Section, reporting: str) -> str | Path:
    """What `currency` says, else the reporting currency."""
    tree = section.take("currency")
    found = None if tree is None else read_currency_of(tree, section.at("currency"), section.faults)
    return found or reporting


def read_currency_of(tree: Tree, path: str, faults: Faults) -> str | Path | None:
    """A currency's code, or `{field: ...}` that holds one."""
    if not isinstance(tree, Table):
        return read_currency(tree, path, faults)
    section = Section(tree, path, faults)
    field = section.need("field", "name the field that holds the currency's code")
    section.close()
    return None if field is None else read_path(field, section.at("field"), faults)


def read_when(tree: Tree, path: str, faults: Faults) -> tuple[Comparison, ...]:
    """A list of comparisons, which must all hold."""
    found = [_read_comparison(item, at, faults) for item, at in items_of(tree, path, faults, "when")]
    return tuple(comparison for comparison in found if comparison is not None)


def _read_comparison(tree: Tree, path: str, faults: Faults) -> Comparison | None:
    section = as_section(tree, path, faults, "a comparison")
    if section is None:
        return None
    field_tree = section.need("field", "name the field that is compared")
    field = None if field_tree is None else read_path(field_tree, section.at("field"), faults)
    operators = [operator for operator in OPERATORS if section.take(operator) is not None]
    section.close()
    if len(operators) != 1:
        faults.add(tree, path, "one comparison is needed", f"write one of: {', '.join(OPERATORS)}")
        return None
    operator = operators[0]
    value = section.take(operator)
    assert value is not None
    constants = _read_constants(operator, value, section.at(operator), faults)
    return None if field is None or not constants else Comparison(field, operator, constants)


def _read_constants(operator: str, tree: Tree, path: str, faults: Faults) -> tuple[str | Exact | bool, ...]:
    if operator == "empty":
        flag = read_flag(tree, path, faults)
        return () if flag is None else (flag,)
    if operator in ("below", "above"):
        number = parse_exact(tree.text) if isinstance(tree, Scalar) else None
        if number is None:
            faults.add(tree, path, f"`{operator}` compares numbers", "write a number, for example 0 or 12.50")
            return ()
        return (number,)
    if operator == "is":
        constant = _read_one(tree, path, faults)
        return () if constant is None else (constant,)
    found = [_read_one(item, at, faults) for item, at in items_of(tree, path, faults, "in")]
    if isinstance(tree, Listing) and not tree.items:
        faults.add(tree, path, "the list is empty, so nothing is in it", "list the values")
    return tuple(constant for constant in found if constant is not None)


def _read_one(tree: Tree, path: str, faults: Faults) -> str | Exact | bool | None:
    text = read_text(tree, path, faults)
    if text is None or not isinstance(tree, Scalar) or not tree.plain:
        return text
    if text in ("true", "false"):
        return text == "true"
    number = parse_exact(text)
    return text if number is None else number


def read_own_topics(tree: Tree, path: str, faults: Faults) -> tuple[str, ...]:
    """Names of the company's own topics, as the cluster has them."""
    found: list[str] = []
    for item, at in items_of(tree, path, faults, "own_topics"):
        name = read_text(item, at, faults)
        if name is None:
            continue
        if not _TOPIC.fullmatch(name):
            faults.add(item, at, f"`{name}` is no name of a topic", "write letters, digits, `.`, `_` and `-`")
        elif name in found:
            faults.add(item, at, f"`{name}` stands twice", "name each topic once")
        else:
            found.append(name)
    if isinstance(tree, Listing) and not tree.items:
        faults.add(tree, path, "the list is empty", "name the topics, or leave `own_topics` out")
    return tuple(found)
