"""Which values of a label are shown under their own name; the surplus is shown as `other`.

The choice depends on the tables alone, not on what was shown before: several workers export parts of one company,
and must fold the same values, or a scope would be shown twice or not at all.
"""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streams.facts.models import UNKNOWN
from streams.tables.rows import Row
from streams.tables.scopes import THE_TOTAL, ScopeKey

OTHER = "other"
"""What the surplus is folded into; a value of that very name is folded with it."""

LABELS = ("segment", "region", "product", "reason", "activity")
"""Labels whose values come from records."""


@dataclass(frozen=True, slots=True)
class LabelCut:
    """What is shown of one label.

    Attributes:
        shown: values under their own name, `unknown` always among them where it occurs.
        values: different values that there are.
        share: of the customers, those whose value is folded into `other`, 0 to 1.
    """

    shown: frozenset[str]
    values: int
    share: float

    @property
    def folds(self) -> bool:
        """Whether there is a line `other`."""
        return self.values > len(self.shown)

    def name(self, value: str) -> str:
        """The name under which a value is shown."""
        return value if value in self.shown else OTHER


def label_cut(customers: Mapping[str, int], limit: int) -> LabelCut:
    """The values to show, at most `limit` beside `unknown`.

    The more customers a value has had, the sooner it is shown, but only as powers of 2: within one, names decide.
    So a value that is shown gives way only to one of the next power, and since the customers that a value has *had*
    do not become fewer, each passes each power once and never swings.

    Args:
        customers: value to customers it has had since the beginning.
        limit: values beside `unknown` and `other`.
    """
    named = [(-n.bit_length(), value) for value, n in customers.items() if value not in (UNKNOWN, OTHER)]
    if len(named) > limit:
        named = heapq.nsmallest(limit, named)
    shown = frozenset(value for _, value in named) | (customers.keys() & {UNKNOWN})
    everyone = sum(customers.values())
    kept = sum(customers[value] for value in shown)
    return LabelCut(shown, len(customers), (everyone - kept) / everyone if everyone > 0 else 0.0)


def customers_had(rows: Mapping[ScopeKey, Row]) -> dict[str, dict[str, int]]:
    """Of each label, every value with the customers it has had since the beginning.

    Args:
        rows: of the window `all`.
    """
    had: dict[str, dict[str, int]] = {label: {} for label in LABELS}
    for (dimension, name, _), row in rows.items():
        if dimension in had:
            had[dimension][name] = (
                row["opening"]["customers"]
                + row["new"]["customers"]
                + row["returned"]["customers"]
                + row["transferred_in"]["customers"]
            )
    total = rows.get(THE_TOTAL)
    if total is not None:
        had["reason"] = {line["reason"]: line["customers"] for line in total["reasons"]}
        had["reason"].setdefault(UNKNOWN, 0)
        had["activity"] = {line["activity"]: line["customers"] for line in total["activities"]}
    return had


def shown_scope(scope: ScopeKey, cuts: Mapping[str, LabelCut]) -> ScopeKey:
    """The scope under which a scope is shown."""
    dimension, first, second = scope
    if dimension == "segment_region":
        return (dimension, cuts["segment"].name(first), cuts["region"].name(second))
    if dimension in cuts:
        return (dimension, cuts[dimension].name(first), second)
    return scope


def members(scopes: Iterable[ScopeKey], cuts: Mapping[str, LabelCut]) -> dict[ScopeKey, list[ScopeKey]]:
    """Shown scopes in order, each with those that it consists of."""
    found: dict[ScopeKey, list[ScopeKey]] = {}
    for scope in scopes:
        found.setdefault(shown_scope(scope, cuts), []).append(scope)
    return dict(sorted(found.items()))
