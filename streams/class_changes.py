"""Who changes class under new definitions: each customer's movements under the old ones and under the new.

A customer changes class when the list of (movement, month, reason, scope) differs. Expansions and contractions are
money alone, so they are in the value of the differences and never make anyone change class.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

from streams.ledger.movements import Change, MovementKind, Scope
from streams.tables.calendar import Calendar

PENDING = MovementKind.PENDING.value
MONEY_ALONE = frozenset({MovementKind.EXPANSION.value, MovementKind.CONTRACTION.value})

TOGETHER = "together"
"""Cause of a difference that no section makes alone."""

Line = tuple[str, str, str, str]
"""(movement, month, reason, scope); a scope is written segment/region/product."""

Lines = dict[Line, list[int]]
"""A customer's lines: how many movements, and their value."""

NO_LINES: Lines = {}


class MovementLists:
    """Every customer's list of movements under one definitions file.

    Attributes:
        customers: customer id to the lines; of `only` alone, if that is given.
        totals: movement to [customers, value], over all customers.
    """

    def __init__(self, calendar: Calendar, only: Container[str] | None = None) -> None:
        self.customers: dict[str, Lines] = {}
        self.totals: dict[str, list[int]] = {}
        self._calendar = calendar
        self._only = only
        self._shared: dict[Line, Line] = {}

    def note(self, change: Change) -> None:
        """Take in a movement that came or was withdrawn."""
        movement, sign = change.movement, change.sign
        if movement.kind == PENDING:
            return
        total = self.totals.setdefault(movement.kind, [0, 0])
        total[0] += sign * movement.customers
        total[1] += sign * movement.value
        if self._only is not None and change.customer_id not in self._only:
            return
        scope = _name(movement.scope)
        if movement.to is not None:
            scope = f"{scope} to {_name(movement.to)}"
        line = (movement.kind, self._calendar.month_name(movement.at), movement.reason, scope)
        line = self._shared.setdefault(line, line)
        lines = self.customers.setdefault(change.customer_id, {})
        held = lines.setdefault(line, [0, 0])
        held[0] += sign
        held[1] += sign * movement.value
        if held == [0, 0]:
            del lines[line]


@dataclass(frozen=True, slots=True)
class Difference:
    """One customer under two definitions; values are minor units, sums over the lines that have more or less."""

    changes_class: bool
    value_added: int
    value_removed: int

    @property
    def value(self) -> int:
        """The larger of both: a movement that only changed its month or reason counts once."""
        return max(self.value_added, self.value_removed)


def compare(old: Lines, new: Lines) -> Difference | None:
    """How one customer's lines differ; None when they do not."""
    if old == new:
        return None
    changes_class, added, removed = False, 0, 0
    for line in old.keys() | new.keys():
        count_before, value_before = old.get(line, (0, 0))
        count_after, value_after = new.get(line, (0, 0))
        if count_before != count_after and line[0] not in MONEY_ALONE:
            changes_class = True
        added += max(0, value_after - value_before)
        removed += max(0, value_before - value_after)
    return Difference(changes_class, added, removed) if changes_class or added or removed else None


@dataclass(slots=True)
class CauseSum:
    """What one cause changes: customers who change class, customers only worth something else, and value."""

    customers: int = 0
    revalued: int = 0
    value: int = 0
    value_added: int = 0
    value_removed: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, difference: Difference) -> None:
        """Add one customer."""
        self.customers += difference.changes_class
        self.revalued += not difference.changes_class
        self.value += difference.value
        self.value_added += difference.value_added
        self.value_removed += difference.value_removed


def all_differences(old: MovementLists, new: MovementLists) -> dict[str, Difference]:
    """Every customer whose lines differ."""
    found = {}
    for customer_id in old.customers.keys() | new.customers.keys():
        difference = compare(old.customers.get(customer_id, NO_LINES), new.customers.get(customer_id, NO_LINES))
        if difference is not None:
            found[customer_id] = difference
    return found


def by_cause(
    differences: Mapping[str, Difference], old: MovementLists, alone: Mapping[str, MovementLists],
    sections: Iterable[str],
) -> dict[str, CauseSum]:
    """The differences by cause, each customer under exactly one.

    The cause is the section that alone, put into the old definitions, changes this customer's class (or, if the class
    stays, value); several such are named together, joined by ` + `; if there is none, it is `together`.

    Args:
        alone: section to the lists under the old definitions with that section of the new ones. May be empty if only
            one section differs.
        sections: the sections that differ.
    """
    names = list(sections)
    found: dict[str, CauseSum] = {}
    for customer_id in sorted(differences):
        difference = differences[customer_id]
        before = old.customers.get(customer_id, NO_LINES)
        if len(names) == 1:
            cause = names[0]
        else:
            causes = []
            for name in names:
                tried = compare(before, alone[name].customers.get(customer_id, NO_LINES))
                if tried is not None and (tried.changes_class or not difference.changes_class):
                    causes.append(name)
            cause = " + ".join(causes) or TOGETHER
        of_cause = found.setdefault(cause, CauseSum())
        of_cause.add(difference)
        of_cause.examples.append(customer_id)
    return found


def _name(scope: Scope) -> str:
    return f"{scope.segment}/{scope.region}/{scope.product}"


def changed_lines(old: Lines, new: Lines) -> list[tuple[Line, list[int], list[int]]]:
    """The lines that differ, with movements and value under the old definitions and under the new."""
    zero = [0, 0]
    return [
        (line, old.get(line, zero), new.get(line, zero))
        for line in sorted(old.keys() | new.keys())
        if old.get(line, zero) != new.get(line, zero)
    ]
