"""Reading the value model, the currency rates and the lapse."""

from zoneinfo import ZoneInfo

from streams.facts.definitions.model import (
    Formula,
    FormulaValue,
    Money,
    Path,
    TableValue,
    TrailingValue,
    ValueModel,
)
from streams.facts.definitions.reader import (
    Faults,
    Section,
    as_section,
    entries_of,
    items_of,
    read_choice,
    read_exact,
    read_span,
    read_text,
)
from streams.facts.definitions.sources import instant_reader, read_currency_or, read_money, read_path
from streams.facts.definitions.tree import Scalar, Table, Tree
from streams.facts.models import FactKind
from streams.facts.money import ABSURD, Exact, Rates, minor_digits, parse_exact, to_minor
from streams.ledger.rules import Lapse

_FORMS = ("field", "formula", "table", "trailing_spend", "by_silo")
_FORMS_OF_A_SILO = ("field", "formula", "table")
_OPERATORS = ("plus", "minus", "times")
AMOUNT_KINDS = tuple(kind.value for kind in FactKind if kind not in (FactKind.HEARTBEAT, FactKind.RETRACTED))

Model = Money | FormulaValue | TableValue | TrailingValue


def read_value_model(tree: Tree, path: str, faults: Faults, reporting: str) -> ValueModel | None:
    """What a customer is expected to be worth."""
    section = as_section(tree, path, faults, "the value model")
    if section is None:
        return None
    version = section.text("version", "name the model's version; it changes when the figures' meaning does")
    by_silo_tree = section.take("by_silo")
    model = _read_one(section, _FORMS, reporting)
    section.close()
    by_silo: dict[str, Money | FormulaValue | TableValue] = {}
    if by_silo_tree is not None:
        for entry in entries_of(by_silo_tree, section.at("by_silo"), faults, "by_silo"):
            at = f"{section.at('by_silo')}.{entry.key.text}"
            inner = as_section(entry.value, at, faults, "the value model of a silo")
            if inner is not None:
                found = _read_one(inner, _FORMS_OF_A_SILO, reporting)
                inner.close()
                if found is not None and not isinstance(found, TrailingValue):
                    by_silo[entry.key.text] = found
    return ValueModel(version, model, by_silo)


def _read_one(section: Section, forms: tuple[str, ...], reporting: str) -> Model | None:
    found = [form for form in forms if section.has(form)]
    if len(found) != 1:
        section.faults.add(
            section.table, section.path, "one value model is needed here", f"write one of: {', '.join(forms)}"
        )
        return None
    form = found[0]
    if form == "field":
        return section.optional("field", read_money(reporting))
    if form == "formula":
        return _read_formula_value(section, reporting)
    if form == "table":
        return _read_table(section, reporting)
    if form == "trailing_spend":
        return _read_trailing(section, reporting)
    return None


def _read_formula_value(section: Section, reporting: str) -> FormulaValue | None:
    tree = section.take("formula")
    assert tree is not None
    operand = _read_operand(tree, section.at("formula"), section.faults)
    currency = read_currency_or(section, reporting)
    if operand is None:
        return None
    formula = operand if isinstance(operand, Formula) else Formula("plus", (operand,))
    return FormulaValue(formula, currency)


def _read_operand(tree: Tree, path: str, faults: Faults) -> Path | Exact | Formula | None:
    """A number, a field, or numbers and fields joined by one operator."""
    if isinstance(tree, Scalar):
        number = parse_exact(tree.text) if tree.plain else None
        return read_path(tree, path, faults) if number is None else number
    if not isinstance(tree, Table) or len(tree.entries) != 1:
        faults.add(tree, path, "one operation is needed here", "write plus, minus or times with a list behind it")
        return None
    (entry,) = tree.entries
    operator = read_choice(*_OPERATORS)(entry.key, path, faults)
    at = f"{path}.{entry.key.text}"
    found = [_read_operand(item, place, faults) for item, place in items_of(entry.value, at, faults, "an operation")]
    operands = tuple(operand for operand in found if operand is not None)
    if len(found) < 2:
        faults.add(entry.value, at, "an operation joins two numbers or more", "list fields, numbers or operations")
        return None
    return None if operator is None or len(operands) < len(found) else Formula(operator, operands)


def _read_table(section: Section, reporting: str) -> TableValue | None:
    tree = section.take("table")
    assert tree is not None
    by_segment = {}
    for entry in entries_of(tree, section.at("table"), section.faults, "a table by segment"):
        value = _read_worth(entry.value, f"{section.at('table')}.{entry.key.text}", section.faults, reporting)
        if value is not None:
            by_segment[entry.key.text] = value
    otherwise_tree = section.take("otherwise")
    otherwise = None
    if otherwise_tree is not None:
        otherwise = _read_worth(otherwise_tree, section.at("otherwise"), section.faults, reporting)
    return TableValue(by_segment, otherwise)


def _read_worth(tree: Tree, path: str, faults: Faults, reporting: str) -> int | None:
    exact = read_exact(tree, path, faults)
    if exact is None:
        return None
    value = to_minor(exact, minor_digits(reporting))
    if not 0 <= value <= ABSURD:
        faults.add(tree, path, "an expected value is zero or more, and not absurd", "write for example 120.00")
        return None
    return value


def _read_trailing(section: Section, reporting: str) -> TrailingValue | None:
    tree = section.take("trailing_spend")
    assert tree is not None
    inner = as_section(tree, section.at("trailing_spend"), section.faults, "trailing spend")
    if inner is None:
        return None
    amount_tree = inner.need("amount", "name the field that holds what was paid")
    amount = None if amount_tree is None else read_money(reporting)(amount_tree, inner.at("amount"), inner.faults)
    span_tree = inner.need("span", "write how far back amounts count, for example 365d")
    span = None if span_tree is None else read_span(span_tree, inner.at("span"), inner.faults)
    kinds = inner.read("facts", read_kinds, ("purchased",))
    inner.close()
    if amount is None or span is None:
        return None
    return TrailingValue(amount, span, frozenset(kinds))


def read_kinds(tree: Tree, path: str, faults: Faults) -> tuple[str, ...]:
    """A list of kinds of facts."""
    choice = read_choice(*AMOUNT_KINDS)
    found = [choice(item, at, faults) for item, at in items_of(tree, path, faults, "kinds of facts")]
    if not found and isinstance(tree, Scalar | Table):
        return ()
    if not found:
        faults.add(tree, path, "the list is empty", f"name one or several of: {', '.join(AMOUNT_KINDS)}")
    return tuple(kind for kind in found if kind is not None)


def read_lapse(tree: Tree, path: str, faults: Faults) -> Lapse | None:
    """After how long a silence a customer is lost."""
    section = as_section(tree, path, faults, "lapse")
    if section is None:
        return None
    after_tree = section.need("after", "write after how long a silence a customer is lost, for example 180d")
    after = None if after_tree is None else read_span(after_tree, section.at("after"), faults)
    kinds_tree = section.need("restarted_by", "list the facts that break the silence, for example [purchased]")
    kinds = () if kinds_tree is None else read_kinds(kinds_tree, section.at("restarted_by"), faults)
    section.close()
    return None if after is None else Lapse(after, frozenset(kinds))


def read_rates(tree: Tree | None, path: str, faults: Faults, reporting: str, zone: ZoneInfo) -> Rates:
    """Currency rates: per foreign currency a list of `from` and `rate`."""
    history: dict[str, tuple[tuple[int, ...], tuple[Exact, ...]]] = {}
    entries = () if tree is None else entries_of(tree, path, faults, "rates")
    for entry in entries:
        at = f"{path}.{entry.key.text}"
        if not (len(entry.key.text) == 3 and entry.key.text.isascii() and entry.key.text.isupper()):
            faults.add(entry.key, at, f"`{entry.key.text}` is no currency's code", "write for example USD")
        if entry.key.text == reporting:
            faults.add(entry.key, at, "the reporting currency needs no rate", "take the entry away")
        steps = [
            step
            for item, place in items_of(entry.value, at, faults, "the rates of a currency")
            if (step := _read_rate(item, place, faults, zone)) is not None
        ]
        starts = [start for start, _ in steps]
        if starts != sorted(set(starts)):
            faults.add(entry.value, at, "the rates do not go forward in time", "order them by `from`, each day once")
        history[entry.key.text] = tuple(starts), tuple(rate for _, rate in steps)
    return Rates(reporting, history)


def _read_rate(tree: Tree, path: str, faults: Faults, zone: ZoneInfo) -> tuple[int, Exact] | None:
    section = as_section(tree, path, faults, "a rate")
    if section is None:
        return None
    start_tree = section.need("from", "write from which day on the rate holds")
    rate_tree = section.need("rate", "write what one unit is worth in the reporting currency")
    section.close()
    start = None if start_tree is None else instant_reader(zone)(start_tree, section.at("from"), faults)
    rate = None if rate_tree is None else read_exact(rate_tree, section.at("rate"), faults)
    if rate is not None and rate_tree is not None and rate[0] <= 0:
        faults.add(rate_tree, section.at("rate"), "a rate is above zero", 'write for example "0.9183"')
        return None
    return None if start is None or rate is None else (start, rate)


def read_words(section: Section, name: str) -> tuple[str, ...]:
    """The silos' words for an agreed name; the name itself is always one."""
    tree = section.take("words")
    words = [name]
    if tree is not None:
        for item, at in items_of(tree, section.at("words"), section.faults, "words"):
            word = read_text(item, at, section.faults)
            if word is not None and word not in words:
                words.append(word)
    return tuple(words)
