"""Conditions of the definitions as functions of a record."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from streams.facts.definitions.model import Comparison, Path
from streams.facts.money import Exact, add, exact_of, negate
from streams.facts.refusal import Refused

Document = dict[str, Any]
Condition = Callable[[Document], bool]
Getter = Callable[[Document], Any]


def getter(path: Path) -> Getter:
    """Reads a field; None where it or an object around it is absent or null."""
    if len(path.keys) == 1:
        (only,) = path.keys
        return lambda document: document.get(only)
    first, *rest = path.keys

    def get(document: Document) -> Any:
        node = document.get(first)
        for key in rest:
            if not isinstance(node, dict):
                return None
            node = node.get(key)
        return node

    return get


def compile_when(when: tuple[Comparison, ...]) -> Condition:
    """Whether all comparisons hold; none: every record."""
    conditions = [_compile(comparison) for comparison in when]
    if not conditions:
        return lambda document: True
    if len(conditions) == 1:
        return conditions[0]
    return lambda document: all(condition(document) for condition in conditions)


def _compile(comparison: Comparison) -> Condition:
    get, constants = getter(comparison.path), comparison.constants
    if comparison.operator == "empty":
        wanted = constants[0] is True
        return lambda document: (get(document) in (None, "")) is wanted
    if comparison.operator in ("is", "in"):
        texts = frozenset(constant for constant in constants if isinstance(constant, str))
        numbers = [constant for constant in constants if isinstance(constant, tuple)]
        flags = [constant for constant in constants if isinstance(constant, bool)]
        return lambda document: _equals(get(document), texts, numbers, flags)
    (bound,) = constants
    assert isinstance(bound, tuple)
    sign = 1 if comparison.operator == "above" else -1
    return lambda document: _difference(get(document), bound) * sign > 0


def _equals(value: Any, texts: frozenset[str], numbers: list[Exact], flags: list[bool]) -> bool:
    if isinstance(value, bool):
        return value in flags
    if isinstance(value, str | int | Decimal):
        if (value if isinstance(value, str) else str(value)) in texts:
            return True
        return any(_same_number(value, number) for number in numbers)
    return False


def _same_number(value: Any, number: Exact) -> bool:
    exact = _number(value)
    return exact is not None and add(exact, negate(number))[0] == 0


def _difference(value: Any, bound: Exact) -> int:
    """Sign of value minus bound; 0, which satisfies neither < nor >, for what is no number."""
    exact = _number(value)
    return 0 if exact is None else add(exact, negate(bound))[0]


def _number(value: Any) -> Exact | None:
    try:
        return exact_of(value, "")
    except Refused:
        return None
