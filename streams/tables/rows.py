"""Rows: what the tables say of one scope in one window, in the fixed JSON shape."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.facts.models import UNKNOWN, LossKind
from streams.tables.cells import (
    BY_LOSS,
    CONTRACTION,
    EXPANSION,
    FOLLOWED,
    GONE,
    LOST,
    NEW,
    OPENING,
    OUT,
    RECOMMENDED,
    RETURNED,
    STAY,
    TRANSFER,
    Measure,
)
from streams.tables.levels import Level, change

Row = dict[str, Any]
Amount = dict[str, int]
Measures = Mapping[Measure, list[int]]

LARGEST_BOWL = 60
"""Marbles that a bowl holds at most before each of them stands for more customers."""


@dataclass(frozen=True, slots=True)
class RowRules:
    """What the definitions fix for rows.

    `loss_kinds` are always shown, with zeros if there were none; others only where they occur.
    """

    customers_per_marble: int | None = None
    loss_kinds: tuple[str, ...] = (LossKind.VOLUNTARY, LossKind.PAYMENT, LossKind.BEYOND_US)


@dataclass(slots=True)
class _Sorted:
    """The measures of a row, sorted by what they are."""

    opening: list[int] = field(default_factory=lambda: [0, 0])
    new: list[int] = field(default_factory=lambda: [0, 0])
    earned: list[int] = field(default_factory=lambda: [0, 0])
    returned: list[int] = field(default_factory=lambda: [0, 0])
    lost: list[int] = field(default_factory=lambda: [0, 0])
    early: list[int] = field(default_factory=lambda: [0, 0])
    moved_in: list[int] = field(default_factory=lambda: [0, 0])
    moved_out: list[int] = field(default_factory=lambda: [0, 0])
    stays_lost: list[int] = field(default_factory=lambda: [0, 0])
    stays_moved: list[int] = field(default_factory=lambda: [0, 0])
    expansion: int = 0
    contraction: int = 0
    referrals: int = 0
    recommenders: int = 0
    kinds: dict[str, list[int]] = field(default_factory=dict)
    reasons: dict[str, list[int]] = field(default_factory=dict)
    activities: dict[str, list[int]] = field(default_factory=dict)

    def take(self, measure: Measure, n: int, v: int) -> None:
        code, a, b, number = measure
        match code:
            case _ if code == LOST:
                _into(self.lost, n, v)
                _into(self.reasons.setdefault(a, [0, 0]), n, v)
                _into(self.kinds.setdefault(b, [0, 0]), n, v)
                if number:
                    _into(self.early, n, v)
            case _ if code in (NEW, RETURNED, OPENING):
                gains = {NEW: self.new, RETURNED: self.returned, OPENING: self.opening}[code]
                _into(gains, n, v)
                brought = self.activities.setdefault(a, [0, 0, 0])
                _into(brought, n, v)
                brought[2] += n
                if code == NEW and number:
                    _into(self.earned, n, v)
            case _ if code == EXPANSION:
                self.expansion += v
            case _ if code == CONTRACTION:
                self.contraction += v
            case _ if code == TRANSFER:
                _into(self.moved_out if number == OUT else self.moved_in, n, v)
            case _ if code == STAY:
                _into(self.stays_lost if number == BY_LOSS else self.stays_moved, n, v)
            case _ if code == GONE:
                self.activities.setdefault(a, [0, 0, 0])[2] -= n
            case _ if code == RECOMMENDED:
                self.recommenders += n
                self.referrals += v
            case _ if code == FOLLOWED:
                self.recommenders -= n


def row(measures: Measures, before: Level, rules: RowRules) -> Row:
    """The row of one scope and window.

    Args:
        measures: the sums of the scope in the window.
        before: the level when the window began.
    """
    got = _Sorted()
    for measure, (n, v) in measures.items():
        got.take(measure, n, v)
    after = before.plus(change(measures))
    opening = [before.customers + got.opening[0], before.value + got.opening[1]]
    stayed_of = [opening[0] - got.stays_moved[0], opening[1] - got.stays_moved[1]]
    stayed = [stayed_of[0] - got.stays_lost[0], stayed_of[1] - got.stays_lost[1]]
    gained = got.new[0] + got.returned[0]
    kinds = {kind: [0, 0] for kind in rules.loss_kinds} | {kind: of for kind, of in got.kinds.items() if any(of)}
    made: Row = {
        "opening": _amount(opening),
        "stayed": _amount(stayed),
        "stayed_of": _amount(stayed_of),
        "new": _amount(got.new),
        "returned": _amount(got.returned),
        "lost": _amount(got.lost),
        "net": {
            "customers": gained - got.lost[0],
            "value": got.new[1] + got.returned[1] - got.lost[1],
        },
        "closing": {"customers": after.customers, "value": after.value},
        "expansion": got.expansion,
        "contraction": got.contraction,
        "transferred_in": _amount(got.moved_in),
        "transferred_out": _amount(got.moved_out),
        "lost_by_kind": {str(kind): _amount(kinds[kind]) for kind in sorted(kinds)},
        "early_loss": _amount(got.early),
        "pending_loss": {"customers": after.pending_customers, "value": after.pending_value},
        "reasons": _ordered(
            {"reason": name, "customers": n, "value": v} for name, (n, v) in got.reasons.items() if n or v
        ),
        "reasons_unusable": _amount(got.reasons.get(UNKNOWN, [0, 0])),
        "activities": _ordered(
            {"activity": name, "customers": n, "value": v, "still_here": here}
            for name, (n, v, here) in got.activities.items()
            if n or v
        ),
        "referrals": got.referrals,
        "recommenders": got.recommenders,
        "earned": _amount(got.earned),
        "marbles": marbles(gained, got.lost[0], rules.customers_per_marble),
    }
    if opening[1] > 0:
        held = opening[1]
        made["earned_growth"] = (got.expansion - got.contraction - got.lost[1] + got.earned[1]) / held
    if stayed_of[0] > 0:
        made["retention"] = stayed[0] / stayed_of[0]
    return made


def marbles(gained: int, lost: int, per_marble: int | None = None) -> dict[str, int]:
    """Two bowls of marbles, each marble so many customers, and the customers left over.

    Without an agreed number it is the smallest of 1, 2, 5 x 10^n for which neither bowl holds more than 60.
    """
    each = per_marble if per_marble is not None else _per_marble(max(gained, lost))
    return {
        "customers_per_marble": each,
        "gained": gained // each,
        "lost": lost // each,
        "remainder_gained": gained % each,
        "remainder_lost": lost % each,
    }


def top_reasons(of: Row, by: str = "customers", most: int = 5) -> list[Row]:
    """The foremost reasons of a row by `customers` (then value, then name) or by `value` (then customers)."""
    then = "value" if by == "customers" else "customers"
    lines: list[Row] = sorted(of["reasons"], key=lambda line: (-line[by], -line[then], line["reason"]))
    return lines[:most]


def _per_marble(most: int) -> int:
    ten = 1
    while True:
        for each in (ten, 2 * ten, 5 * ten):
            if most // each <= LARGEST_BOWL:
                return each
        ten *= 10


def _into(pair: list[int], n: int, v: int) -> None:
    pair[0] += n
    pair[1] += v


def _amount(pair: list[int]) -> Amount:
    return {"customers": pair[0], "value": pair[1]}


def _ordered(lines: Iterable[Row]) -> list[Row]:
    return sorted(lines, key=lambda line: (-line["customers"], -line["value"], next(iter(line.values()))))
