"""Rows as series: which numbers of the tables are exported, under which labels, within a budget of series."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streams.catalogue import LABEL_OF_PARTS, MAIN_SCOPES, ROWS, Metric
from streams.catalogue_units import CURRENCY
from streams.facts.models import LossKind
from streams.tables.labels import LABELS, LabelCut, customers_had, label_cut
from streams.tables.rows import Row
from streams.tables.scopes import ScopeKey
from streams.tables.windows import WINDOW_NAMES

SERIES_BUDGET = 20_000
"""Series of the tables that one worker may export; it may come to own every scope."""

Number = tuple[int, str, int | float]
"""(place of the metric in ROWS, label of the part or "", number); money in major units."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """What is shown of every label, and how many series that makes."""

    labels: dict[str, LabelCut]
    series: int


def series_count(values: Mapping[str, int]) -> int:
    """Series of one worker that owns every scope.

    Args:
        values: label to the values that it is shown with, `other` included.
    """
    scopes = {name: values[name] for name in ("segment", "region", "product")}
    scopes["total"] = 1
    scopes["segment_region"] = scopes["segment"] * scopes["region"]
    parts = {"": 1, "lost_by_kind": len(LossKind), "reasons": values["reason"], "activities": values["activity"]}
    return sum(n * scopes[dimension] * parts[key] for (dimension, key), n in _WIDTHS.items())


def _widths() -> Counter[tuple[str, str]]:
    """By dimension and key of the parts: series for each scope and part."""
    found: Counter[tuple[str, str]] = Counter()
    for metric in ROWS:
        for dimension in metric.scopes:
            found[dimension, metric.parts] += len(metric.windows_of(dimension)) or 1
    return found


_WIDTHS = _widths()


def cuts(rows: Mapping[ScopeKey, Row], label_limit: int, budget: int = SERIES_BUDGET) -> Cuts:
    """What to show of every label: at most `label_limit` values, fewer if the series would exceed the budget.

    The same limit holds for every label, so that one with many values does not crowd out those with few.

    Args:
        rows: of the window `all`, whole company.
    """
    had = customers_had(rows)
    lowest, highest = 1, label_limit
    while lowest < highest:
        middle = (lowest + highest + 1) // 2
        # `unknown` and `other` stand beside the limit.
        if series_count({label: min(len(had[label]), middle + 2) for label in LABELS}) <= budget:
            lowest = middle
        else:
            highest = middle - 1
    made = {label: label_cut(had[label], lowest) for label in LABELS}
    shown = {label: len(cut.shown) + cut.folds for label, cut in made.items()}
    return Cuts(made, series_count(shown))


def metrics_of(dimension: str, window: str | None) -> tuple[tuple[int, Metric], ...]:
    """Metrics that a scope of a dimension shows for a window, with their places in ROWS.

    None: those that have no window, taken from the row of `all`.
    """
    return _METRICS_OF[dimension, window]


_METRICS_OF: dict[tuple[str, str | None], tuple[tuple[int, Metric], ...]] = {
    (dimension, window): tuple(
        (place, metric)
        for place, metric in enumerate(ROWS)
        if dimension in metric.scopes
        and (window in metric.windows_of(dimension) if window else "window" not in metric.labels)
    )
    for dimension in (*MAIN_SCOPES, "segment_region")
    for window in (*WINDOW_NAMES, None)
}


def numbers_of(
    row: Row, dimension: str, window: str | None, cuts: Mapping[str, LabelCut], minor_digits: int
) -> Iterator[Number]:
    """The numbers of one row, as they are exported; what the row does not have is left out."""
    unit = 10**minor_digits
    parted: dict[str, dict[str, dict[str, Any]]] = {}
    for place, metric in _METRICS_OF[dimension, window]:
        path, money = metric.path, metric.unit == CURRENCY
        if metric.parts:
            lines = parted.get(metric.parts)
            if lines is None:
                lines = parted[metric.parts] = _parts(row, metric.parts, cuts)
            key = path[0]
            for name, line in lines.items():
                n = line[key]
                yield place, name, n / unit if money else n
            continue
        found = row.get(path[0])
        if found is None:
            continue
        if len(path) > 1:
            found = found[path[1]]
        yield place, "", found / unit if money else found


def _parts(row: Row, key: str, cuts: Mapping[str, LabelCut]) -> dict[str, dict[str, Any]]:
    """Entries of a row's list by the name they are shown under; those shown that do not occur are zero."""
    lines = row[key]
    if key == "lost_by_kind":
        return dict(lines)
    label = LABEL_OF_PARTS[key]
    cut = cuts[label]
    shown = cut.shown
    found: dict[str, dict[str, Any]] = {
        name: {"customers": 0, "value": 0, "still_here": 0} for name in sorted(shown)
    }
    found |= {line[label]: line for line in lines if line[label] in shown}
    if cut.folds:
        surplus = [line for line in lines if line[label] not in shown]
        found["other"] = {
            number: sum([line[number] for line in surplus])
            for number in ("customers", "value", "still_here")
            if not surplus or number in surplus[0]
        }
    return found
