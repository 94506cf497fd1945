"""The value model as functions of a record: expected value, and the amount that trailing spend adds up."""

from collections.abc import Callable

from streams.facts.comparisons import Document, getter
from streams.facts.definitions.model import (
    Definitions,
    Formula,
    FormulaValue,
    Money,
    Path,
    TableValue,
    TrailingValue,
)
from streams.facts.models import UNKNOWN, RejectReason
from streams.facts.money import Exact, Rates, add, check_amount, check_value, exact_of, multiply, negate
from streams.facts.refusal import Refused
from streams.facts.sources import text_of

Valuation = Callable[[Document, int, str | None], int | None]
"""Record, event time and segment to minor units of the reporting currency; None: the source is silent."""


def compile_value(definitions: Definitions, silo: str) -> Valuation:
    """The expected value by the model of this silo."""
    model = definitions.value_model.by_silo.get(silo, definitions.value_model.default)
    if isinstance(model, Money):
        money = _compile_money(model, definitions.rates)

        def read(document: Document, at: int, segment: str | None) -> int | None:
            value = money(document, at)
            return None if value is None else check_value(value)

        return read
    if isinstance(model, FormulaValue):
        return _compile_formula_value(model, definitions.rates)
    if isinstance(model, TableValue):
        table, otherwise = model.by_segment, model.otherwise
        return lambda document, at, segment: table.get(segment or UNKNOWN, otherwise)
    # Trailing spend: the ledger computes the value, from amounts.
    return lambda document, at, segment: None


def compile_amount(definitions: Definitions, kind: str) -> Callable[[Document, int], int | None] | None:
    """The amount of a fact of this kind; None when the value model adds up no amounts of it."""
    model = definitions.value_model.default
    if not isinstance(model, TrailingValue) or kind not in model.fact_kinds:
        return None
    money = _compile_money(model.amount, definitions.rates)

    def read(document: Document, at: int) -> int | None:
        amount = money(document, at)
        return None if amount is None else check_amount(amount)

    return read


def _compile_money(source: Money, rates: Rates) -> Callable[[Document, int], int | None]:
    get, name, currency = getter(source.number), source.number.name, _compile_currency(source.currency)
    in_minor = source.in_minor

    def read(document: Document, at: int) -> int | None:
        value = get(document)
        if value is None or value == "":
            return None
        number = exact_of(value, name)
        coin = currency(document)
        if in_minor:
            return rates.minor_to_reporting(number, coin, at)
        return rates.to_reporting(number, coin, at)

    return read


def _compile_currency(currency: str | Path) -> Callable[[Document], str]:
    if isinstance(currency, str):
        return lambda document: currency
    get, name = getter(currency), currency.name

    def read(document: Document) -> str:
        found = text_of(get(document), name)
        if found is None:
            raise Refused(RejectReason.MISSING_FIELD, f"{name} is missing: an amount without its currency")
        return found

    return read


def _compile_formula_value(model: FormulaValue, rates: Rates) -> Valuation:
    formula, currency = _compile_formula(model.formula), _compile_currency(model.currency)

    def read(document: Document, at: int, segment: str | None) -> int | None:
        number = formula(document)
        return None if number is None else check_value(rates.to_reporting(number, currency(document), at))

    return read


def _compile_formula(node: Formula | Path | Exact) -> Callable[[Document], Exact | None]:
    """A number; None when a field of it is silent: an unknown part makes an unknown whole."""
    if isinstance(node, Path):
        get, name = getter(node), node.name

        def read_field(document: Document) -> Exact | None:
            value = get(document)
            return None if value is None or value == "" else exact_of(value, name)

        return read_field
    if isinstance(node, tuple):
        constant = node
        return lambda document: constant
    operands = [_compile_formula(operand) for operand in node.operands]
    operator = node.operator

    def compute(document: Document) -> Exact | None:
        total: Exact | None = None
        for operand in operands:
            number = operand(document)
            if number is None:
                return None
            if total is None:
                total = number
            elif operator == "times":
                total = multiply(total, number)
            else:
                total = add(total, number if operator == "plus" else negate(number))
        return total

    return compute
