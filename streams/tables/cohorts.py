"""Cohorts: customers by the month in which they joined, and what became of them."""

from collections.abc import Mapping
from typing import Any

from streams.tables.cells import (
    CAME_BACK,
    COHORT,
    JOINED,
    LOST_30,
    LOST_90,
    LOST_365,
    LOST_LATER,
    Measure,
)


def cohorts(measures: Mapping[Measure, list[int]]) -> list[dict[str, Any]]:
    """One line a month, oldest first, from the total's sums over all time.

    Lost within 30, 90, 365 days (of 24 h, the limit included) counts first losses, the longer spans hold the
    shorter; still here are those active now.
    """
    months: dict[str, dict[int, int]] = {}
    for (code, month, _, what), (customers, _) in measures.items():
        if code == COHORT:
            months.setdefault(month, {})[what] = customers
    lines = []
    for month in sorted(months):
        became = months[month]
        in_30, in_90, in_365 = (became.get(what, 0) for what in (LOST_30, LOST_90, LOST_365))
        gone = in_30 + in_90 + in_365 + became.get(LOST_LATER, 0)
        joined = became.get(JOINED, 0)
        lines.append(
            {
                "month": month,
                "joined": joined,
                "lost_30d": in_30,
                "lost_90d": in_30 + in_90,
                "lost_365d": in_30 + in_90 + in_365,
                "still_here": joined + became.get(CAME_BACK, 0) - gone,
            }
        )
    return lines
