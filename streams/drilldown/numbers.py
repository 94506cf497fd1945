"""A number of the tables that can be opened: which customers are behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streams.facts.models import UNKNOWN
from streams.ledger.movements import Scope
from streams.tables.scopes import DIMENSION_OF, THE_TOTAL, ScopeKey, scope_key
from streams.tables.windows import Span

FLOWS = (
    "gained", "new", "returned", "earned", "lost", "early_loss", "transferred_in", "transferred_out", "recommenders",
    "brought",
)  # fmt: skip
"""What happened in a window: told by its movements."""

LEVELS = ("closing", "stayed", "pending_loss")
"""Who is here: told by the customers as they are now."""

MEASURES = (*FLOWS, *LEVELS)

IN_TROUBLE = "in_trouble"
"""Who is disrupted now: no number of the tables, told by the signals."""

FILTERS = {"kind": ("lost",), "reason": ("lost",), "activity": ("brought",)}
"""What narrows a measure down, and which measures each goes with."""


class CannotOpen(Exception):
    """A number that cannot be opened; the text says why, and what can be."""


@dataclass(frozen=True, slots=True)
class Number:
    """One number.

    Attributes:
        measure: of `MEASURES`.
        kind, reason: of `lost`, those of this kind or reason alone; reason `unknown` is none that is usable.
        activity: of `brought`, those whom it brought: gains, and openings that lie in the window.
    """

    measure: str
    scope: ScopeKey
    span: Span
    kind: str | None = None
    reason: str | None = None
    activity: str | None = None

    def check(self) -> None:
        """Raises: CannotOpen for a measure that there is not, or that is not narrowed down like this."""
        if self.measure not in MEASURES:
            raise CannotOpen(f"no measure {self.measure!r}; there are {', '.join(MEASURES)}")
        for name, measures in FILTERS.items():
            if getattr(self, name) is not None and self.measure not in measures:
                raise CannotOpen(f"{name} goes with {', '.join(measures)}, not with {self.measure}")

    def holds(self, segment: str, region: str, product: str) -> bool:
        """Whether what is counted under these belongs to the scope."""
        if self.scope == THE_TOTAL:
            return True
        return scope_key(DIMENSION_OF[self.scope[0]], segment, region, product) == self.scope

    def holds_scope(self, scope: Scope | None) -> bool:
        """The same of a scope; nothing belongs to none."""
        return scope is not None and self.holds(scope.segment, scope.region, scope.product)


def customers_in(row: Mapping[str, Any], number: Number) -> int | None:
    """How many customers the tables' row of that scope and window counts; None where it has no such number."""
    match number.measure:
        case "gained":
            return int(row["new"]["customers"] + row["returned"]["customers"])
        case "recommenders":
            return int(row["recommenders"])
        case "brought":
            return _of_lines(row["activities"], "activity", number.activity)
        case "lost" if number.kind is not None and number.reason is not None:
            return None
        case "lost" if number.reason is not None:
            return _of_lines(row["reasons"], "reason", number.reason)
        case "lost" if number.kind is not None:
            return int(row["lost_by_kind"].get(number.kind, {"customers": 0})["customers"])
    return int(row[number.measure]["customers"])


def _of_lines(lines: list[dict[str, Any]], name: str, value: str | None) -> int:
    return sum(line["customers"] for line in lines if value is None or line[name] == value)


def known(word: str) -> str:
    """A reason or activity as the tables count it."""
    return word or UNKNOWN
