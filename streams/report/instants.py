"""The report card of an instant that has passed, from tables that go on."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from streams.report.card import card
from streams.tables.calendar import utc_text
from streams.tables.levels import Level
from streams.tables.rows import Row, row
from streams.tables.scopes import DIMENSION_OF, SEGMENT, THE_TOTAL, ScopeKey
from streams.tables.tables import Tables
from streams.tables.windows import BEGINNING, Span, is_final, windows_at


class CannotAnswer(Exception):
    """The tables cannot tell of this instant; the text says what they can."""


def is_final_now(tables: Tables, window: str, at: int, known_until: int) -> bool:
    """Whether nothing inside the horizon can change a window at `at`, when the clock stands at `known_until`."""
    rules, end = tables.rules, windows_at(tables.calendar, at)[window].span.end
    return is_final(end, known_until, rules.horizon_us, rules.grouping_us)


class WindowView(NamedTuple):
    """What the tables say of one scope in one window."""

    span: Span
    row: Row
    before: Row | None
    """Of the window that stands beside it."""
    final: bool


def past_view(tables: Tables, scope: ScopeKey, window: str, at: int, clock: int) -> WindowView:
    """A window as it was at `at` (microseconds) by all that is known at `clock`, summed anew.

    Raises: CannotAnswer and KeyError, as `past_card`.
    """
    if at > clock:
        raise CannotAnswer(f"{utc_text(at)} has not come: the tables stand at {utc_text(clock)}; ask for that")
    windows = windows_at(tables.calendar, at)
    if window not in windows:
        raise KeyError(f"no window {window!r}; there are {', '.join(windows)}")
    span, beside = windows[window]
    for one in (span, beside):
        if one is not None:
            check_kept(tables, one, clock)
    told = tables.rules.told
    before = None if beside is None else told(row_in(tables, scope, beside), beside.start)
    row_of_span = told(row_in(tables, scope, span), span.start)
    return WindowView(span, row_of_span, before, is_final_now(tables, window, at, clock))


def row_in(tables: Tables, scope: ScopeKey, span: Span) -> Row:
    """The row of one scope in a span, summed anew."""
    return tables.rows(span, DIMENSION_OF[scope[0]]).get(scope) or row({}, Level(), tables.rules.rows)


def past_card(
    tables: Tables, at: int, clock: int, window: str = "all", *, definitions: Mapping[str, str], currency: str,
    accounting: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The report card at `at` (microseconds) by all that is known at `clock`.

    Args:
        definitions: name and version, as the ledger's JSON has them.
        accounting: of all records read until the clock.
    Raises:
        CannotAnswer: `at` lies after the clock, or the buckets that would tell are no longer kept.
        KeyError: no such window.
    """
    view = past_view(tables, THE_TOTAL, window, at, clock)
    whole = windows_at(tables.calendar, at)["all"].span
    check_kept(tables, whole, clock)
    found: Row = {**view.row, "final": view.final}
    if view.before is not None:
        found["before"] = view.before
    segments = tables.rows(whole, SEGMENT)
    ledger = {
        "definitions": definitions,
        "currency": currency,
        "until": utc_text(at),
        "windows": {window: found},
        "segments": {name: segments[key] for key in sorted(segments) if (name := key[1])},
        "accounting": accounting or {},
    }
    return card(ledger, window=window, known_until=utc_text(clock))


def check_kept(tables: Tables, span: Span, clock: int) -> None:
    """Raise CannotAnswer unless some bucket still kept begins at each end of the span."""
    calendar, retention = tables.calendar, tables.buckets.retention
    minutes_from = _cut(retention.minutes_us, clock, calendar.hour_start)
    hours_from = _cut(retention.hours_us, clock, calendar.day_start)
    days_from = _cut(retention.days_us, clock, calendar.day_start)
    for boundary in span:
        if boundary == BEGINNING or boundary >= minutes_from:
            continue
        if boundary >= hours_from and calendar.hour_start(boundary) == boundary:
            continue
        if boundary >= days_from and calendar.day_start(boundary) == boundary:
            continue
        raise CannotAnswer(
            f"this needs the tables as they stood at {utc_text(boundary)}; minutes are kept from "
            f"{utc_text(minutes_from)}, hours from {_from(hours_from)}, days from {_from(days_from)}; ask for the "
            "last minute of an hour or day in the company's time zone, or count a file: --definitions F --facts FILE"
        )


def _cut(kept: int | None, clock: int, start_of: Callable[[int], int]) -> int:
    return BEGINNING if kept is None else start_of(clock - kept)


def _from(instant: int) -> str:
    return "the beginning" if instant == BEGINNING else utc_text(instant)
