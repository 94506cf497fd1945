"""The whole ledger as one JSON document: the answer of `netgrowth ledger`, and what a recount compares."""

from collections.abc import Iterator, Mapping
from typing import Any

from streams.ledger.rules import MINUTE
from streams.tables.calendar import minute_start, utc_text
from streams.tables.cohorts import cohorts
from streams.tables.levels import NO_MEASURES, Level, change
from streams.tables.rows import Row, RowRules, row
from streams.tables.scopes import EVERY, THE_TOTAL, TOTAL, ScopeKey
from streams.tables.sums import ScopeSums
from streams.tables.tables import Tables
from streams.tables.windows import Span, Window, is_final, windows_at

PERIODS = ("hour", "day", "week", "month")


def ledger_json(
    tables: Tables,
    *,
    definitions_name: str,
    definitions_version: str,
    currency: str,
    until_us: int,
    accounting: Mapping[str, Any],
    by: str | None = None,
    first_us: int | None = None,
) -> dict[str, Any]:
    """The running tables at a clock, in the shape of the ledger's JSON.

    Args:
        until_us: the clock; what lies in its minute is counted.
        by: add the total of every `hour`, `day`, `week` or `month` from the first fact to the clock. The
            tables must have kept that level for as long (`Retention`).
        first_us: instant of the first fact; by default of the first movement.
    Running windows at this clock are used as they are; else every window is summed anew.
    Raises: ValueError for another `by`.
    """
    windows = windows_at(tables.calendar, until_us)
    rules, running = tables.rules, tables.running
    made: dict[Span, Row]
    if running is not None and running.windows == windows:
        everything, rows = running.total_sums(), running.rows("all")
        made = {
            span: _total(running.rows(name, before=bool(beside)), rules.rows)
            for name, window in windows.items()
            for beside, span in enumerate(window)
            if span is not None
        }
    else:
        everything = tables.sums(windows["all"].span, EVERY)
        rows = {scope: row(measures, Level(), rules.rows) for scope, measures in everything.by_scope.items()}
        made = _totals(tables, windows, everything)
    shown: dict[str, Row] = {}
    for name, (span, beside) in windows.items():
        final = is_final(span.end, until_us, rules.horizon_us, rules.grouping_us)
        shown[name] = {**rules.told(made[span], span.start), "final": final}
        if beside is not None:
            shown[name]["before"] = rules.told(made[beside], beside.start)
    begin = windows["all"].span.start
    rows = {scope: rules.told(one, begin) for scope, one in rows.items()}
    regions_of: dict[str, dict[str, Row]] = {}
    for dimension, segment, region in sorted(rows):
        if dimension == "segment_region":
            regions_of.setdefault(segment, {})[region] = rows[dimension, segment, region]
    found: dict[str, Any] = {
        "definitions": {"name": definitions_name, "version": definitions_version},
        "currency": currency,
        "until": utc_text(until_us),
        "accounting": dict(accounting),
        "total": rules.told(made[windows["all"].span], begin),
        "segments": _named(rows, "segment"),
        "regions": _named(rows, "region"),
        "products": _named(rows, "product"),
        "windows": shown,
        "segment_regions": regions_of,
        "cohorts": cohorts(everything.by_scope.get(THE_TOTAL, NO_MEASURES)),
    }
    if by is not None:
        found["periods"] = list(periods(tables, by, until_us, first_us))
    return found


def periods(tables: Tables, by: str, until_us: int, first_us: int | None = None) -> Iterator[dict[str, Any]]:
    """The total of every period without gaps, from the first fact's to the one that holds the clock."""
    if by not in PERIODS:
        raise ValueError(f"no such period: {by!r}; use one of {', '.join(PERIODS)}")
    first = tables.first_at if first_us is None else first_us
    if first is None:
        return
    calendar = tables.calendar
    start = calendar.period_start(by, first)
    before = tables.levels(start, TOTAL).get(THE_TOTAL, Level())
    last = minute_start(until_us) + MINUTE
    while start <= until_us:
        end = calendar.next_period(by, start)
        # What other partitions already know of the time after the clock is not shown yet.
        measures = tables.sums(Span(start, min(end, last)), TOTAL).by_scope.get(THE_TOTAL, NO_MEASURES)
        yield {
            "start": calendar.local_text(start),
            "end": calendar.local_text(end),
            "total": row(measures, before, tables.rules.rows),
        }
        before = before.plus(change(measures))
        start = end


def _totals(tables: Tables, windows: Mapping[str, Window], everything: ScopeSums) -> dict[Span, Row]:
    """The total's row of every span, summed anew."""
    rules, whole = tables.rules.rows, windows["all"].span
    measures = everything.by_scope.get(THE_TOTAL, NO_MEASURES)
    level_at = {whole.end: change(measures)}
    made: dict[Span, Row] = {whole: row(measures, Level(), rules)}
    spans = {span for window in windows.values() for span in window if span is not None}
    # Every span ends with the clock's minute or where another begins that does: levels follow from the last.
    for span in sorted(spans - made.keys(), key=lambda span: (-span.end, -span.start)):
        measures = tables.sums(span, TOTAL).by_scope.get(THE_TOTAL, NO_MEASURES)
        level_at[span.start] = before = level_at[span.end].minus(change(measures))
        made[span] = row(measures, before, rules)
    return made


def _total(rows: Mapping[ScopeKey, Row], rules: RowRules) -> Row:
    return rows.get(THE_TOTAL) or row(NO_MEASURES, Level(), rules)


def _named(rows: Mapping[ScopeKey, Row], dimension: str) -> dict[str, Row]:
    return {name: rows[kind, name, other] for kind, name, other in sorted(rows) if kind == dimension}
