"""Net growth of one scope over time: period after period, as bars are drawn and as it is told in words."""

from collections.abc import Callable
from typing import NamedTuple

from streams.ledger.rules import MINUTE
from streams.report.instants import CannotAnswer, check_kept
from streams.report.sentence import short_money
from streams.report.wording import plural
from streams.tables.calendar import minute_start
from streams.tables.levels import NO_MEASURES, Level
from streams.tables.rows import Row, top_reasons
from streams.tables.rows import row as row_of
from streams.tables.scopes import DIMENSION_OF, ScopeKey
from streams.tables.tables import Tables
from streams.tables.windows import Span

STEPS = {
    "5m": ("minute", 30), "1h": ("minute", 60), "24h": ("hour", 48), "today": ("hour", 48), "yesterday": ("hour", 48),
    "7d": ("day", 28), "this_week": ("day", 28), "last_week": ("day", 28), "30d": ("day", 60),
    "this_month": ("day", 62), "last_month": ("day", 62), "this_quarter": ("week", 26), "last_quarter": ("week", 26),
    "all": ("month", 36),
}  # fmt: skip
"""Of each window: by which period it is drawn, and how many of them."""

LATEST = 16
"""Periods looked back over for what happened lately."""


class GrowthStep(NamedTuple):
    """One period: who came and went, in whole customers; value as net, in minor units."""

    span: Span
    joined: int
    lost: int
    value: int
    reason: str
    """Of most of the lost; empty without any."""


class GrowthLine:
    """Steps of one scope. Those that ended before the newest period are summed once, until `forget`."""

    def __init__(self, tables: Tables, scope: ScopeKey) -> None:
        self._tables = tables
        self._scope = scope
        self._known: dict[Span, GrowthStep] = {}

    def forget(self) -> None:
        """Sum all of them anew when they are next asked for: late facts may have changed them."""
        self._known.clear()

    def steps(self, by: str, count: int, at: int, clock: int) -> list[GrowthStep]:
        """The newest periods up to the one that holds `at`, oldest first; those that can no longer be told left out.

        Args:
            by: `minute`, `hour`, `day`, `week` or `month`.
            clock: of the tables, microseconds.
        """
        first, start_of = self._tables.first_at, self._start_of(by)
        if first is None:
            return []
        end = minute_start(at) + MINUTE
        found: list[GrowthStep] = []
        for _ in range(count):
            start = start_of(end - 1)
            span = Span(start, end)
            try:
                check_kept(self._tables, span, clock)
            except CannotAnswer:
                break
            found.append(self._step(span, newest=not found))
            if start <= first:
                break
            end = start
        return found[::-1]

    def _step(self, span: Span, *, newest: bool) -> GrowthStep:
        known = None if newest else self._known.get(span)
        if known is None:
            measures = self._tables.sums(span, DIMENSION_OF[self._scope[0]]).by_scope.get(self._scope, NO_MEASURES)
            row = row_of(measures, Level(), self._tables.rules.rows)  # no level of it is told
            reasons = top_reasons(row, most=1)
            known = GrowthStep(
                span, _joined(row), row["lost"]["customers"], row["net"]["value"],
                reasons[0]["reason"] if reasons else "",
            )  # fmt: skip
            if not newest:
                self._known[span] = known
        return known

    def _start_of(self, by: str) -> Callable[[int], int]:
        if by == "minute":
            return minute_start
        calendar = self._tables.calendar
        return lambda at: calendar.period_start(by, at)


def in_words(step: GrowthStep, currency: str) -> str:
    """`12 joined, 30 left, most of them for price: 18 fewer, 40,200 EUR less`."""
    net = step.joined - step.lost
    parts = []
    if step.joined:
        parts.append(f"{step.joined:,} joined")
    if step.lost:
        of_all = "" if not step.reason or step.reason == "unknown" else f", the foremost reason {step.reason}"
        parts.append(f"{step.lost:,} left{of_all}")
    change = f"{abs(net):,} {'more' if net > 0 else 'fewer'}" if net else "as many as before"
    value = f", {short_money(abs(step.value), currency)} {'more' if step.value > 0 else 'less'}" if step.value else ""
    return f"{', '.join(parts) or plural(0, 'customer')}: {change}{value}"


def _joined(row: Row) -> int:
    joined: int = row["new"]["customers"] + row["returned"]["customers"]
    return joined
