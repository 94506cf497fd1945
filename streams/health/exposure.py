"""Whether those who were disrupted leave more: disruption before a loss, against the same among those who stayed.

Each customer who left is looked at in the days before its loss; those who stayed, in the days before each of the
losses, of which the mean is taken, so that both look back from the same times. What comes of it is an association: it
says that those who were disrupted left more often, not why.
"""

from collections.abc import Iterable, Mapping
from math import exp, log, sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from streams.health.shares import share_interval
from streams.ledger.rules import DAY, MINUTE
from streams.tables.calendar import utc_text

Ints = npt.NDArray[np.int64]

Z = 2.576
"""Standard normal quantile of a two-sided 99 % interval: it is read every day, and of intervals of 95 % one in twenty
would show what is not."""


class Loss(NamedTuple):
    """A customer who left."""

    customer_id: str
    at: int
    reason: str


class RiskRatio(NamedTuple):
    """How many times as often the disrupted left as the others, with a 99 % interval."""

    ratio: float
    lower: float
    upper: float


def risk_ratio(left_hurt: int, hurt: int, left_well: int, well: int) -> RiskRatio | None:
    """The ratio of two shares: of `hurt` customers `left_hurt` left, of `well` ones `left_well`.

    Half a customer is added to each count (Haldane), so that few losses give a wide interval rather than none.

    Returns: None when one of the groups is empty, or nobody left, or everybody.
    Source: Katz et al., Obtaining confidence intervals for the risk ratio in cohort studies, Biometrics 34 (1978).
    """
    left = left_hurt + left_well
    if not hurt or not well or not left or left == hurt + well:
        return None
    a, n, b, m = left_hurt + 0.5, hurt + 0.5, left_well + 0.5, well + 0.5
    ratio = (a / n) / (b / m)
    spread = Z * sqrt(max(0.0, 1 / a - 1 / n + 1 / b - 1 / m))
    return RiskRatio(ratio, exp(log(ratio) - spread), exp(log(ratio) + spread))


def spells_of(minutes: Iterable[int], before: int) -> list[tuple[int, int]]:
    """First and last of disrupted minutes, in order, of which the next was at most `before` minutes later.

    So one was disrupted in the `before` minutes ahead of minute a if first < a <= last + before.
    """
    found: list[tuple[int, int]] = []
    for minute in minutes:
        if found and minute <= found[-1][1] + before:
            found[-1] = found[-1][0], max(found[-1][1], minute)
        else:
            found.append((minute, minute))
    return found


def was_hurt(spells: Iterable[tuple[int, int]], at: int, before: int) -> bool:
    """Whether one with these spells was disrupted in the `before` minutes before minute `at`."""
    return any(first < at <= last + before for first, last in spells)


def steps_of_hurt(firsts: Ints, lasts: Ints, before: int, begin: int, size: int) -> Ints:
    """Of each minute from `begin` on by how many more are disrupted before it than before the minute ahead of it.

    Args:
        firsts, lasts: spells (`spells_of`).
        before: minutes that are looked back.
        size: minutes.
    """
    steps = np.zeros(size + 1, dtype=np.int64)
    np.add.at(steps, (firsts + 1 - begin).clip(0, size), 1)
    np.add.at(steps, (lasts + before + 1 - begin).clip(0, size), -1)
    return steps[:size]


def mean_hurt(hurt: Ints, losses: Ints) -> int:
    """Of those who stayed how many were disrupted before a loss, on average, rounded.

    Args:
        hurt: of those who stayed how many were disrupted before each minute.
        losses: customers who left in each of the same minutes; some did.
    """
    count = int(losses.sum())
    return (2 * int(hurt @ losses) + count) // (2 * count)


def exposure(
    losses: Iterable[Loss], stayed: Iterable[str], hurt: Mapping[str, list[int]], before_us: int
) -> dict[str, Any] | None:
    """The shares disrupted before leaving, and among those who stayed, as JSON; None when nobody left.

    Args:
        losses: customers seen who left, each once.
        stayed: customers seen who did not.
        hurt: customer to the minutes (since 1970) in which it was disrupted, in order.
        before_us: how far back is looked.
    """
    before = before_us // MINUTE
    reasons: dict[str, tuple[int, int]] = {}
    minutes = []
    for loss in losses:
        minute = loss.at // MINUTE
        minutes.append(minute)
        customers, of_them = reasons.get(loss.reason, (0, 0))
        is_hurt = was_hurt(spells_of(hurt.get(loss.customer_id, ()), before), minute, before)
        reasons[loss.reason] = customers + 1, of_them + is_hurt
    if not minutes:
        return None
    begin, others = min(minutes), list(stayed)
    of_minute = np.bincount(np.array(minutes) - begin)
    spells = np.array(
        [spell for name in others for spell in spells_of(hurt.get(name, ()), before)], dtype=np.int64
    ).reshape(-1, 2)
    steps = steps_of_hurt(spells[:, 0], spells[:, 1], before, begin, len(of_minute))
    return exposure_json(reasons, len(others), mean_hurt(np.cumsum(steps), of_minute))


def exposure_json(reasons: Mapping[str, tuple[int, int]], stayed: int, stayed_hurt: int) -> dict[str, Any] | None:
    """The same out of counts; None when nobody left.

    Args:
        reasons: reason to the customers who left for it, and those of them who had been disrupted before.
        stayed, stayed_hurt: customers who stayed, and those of them who had been disrupted (`mean_hurt`).
    """
    left = sum(customers for customers, _ in reasons.values())
    if not left:
        return None
    left_hurt = sum(of_them for _, of_them in reasons.values())
    ratio = risk_ratio(left_hurt, left_hurt + stayed_hurt, left - left_hurt, left + stayed - left_hurt - stayed_hurt)
    found: dict[str, Any] = {
        "left": _share(left_hurt, left),
        "stayed": _share(stayed_hurt, stayed),
        "by_reason": [
            {"reason": reason, "customers": customers, "disrupted_before": of_them}
            for reason, (customers, of_them) in sorted(reasons.items(), key=lambda one: (-one[1][0], one[0]))
        ],
        # Only an interval that leaves 1 out shows anything.
        "shown": ratio is not None and not ratio.lower <= 1 <= ratio.upper,
    }
    if ratio is not None:
        found["risk_ratio"] = ratio._asdict()
    return found


def exposure_span(start: int, end: int, before_us: int) -> dict[str, Any]:
    """The time in which customers left, [start, end), and how far back is looked, as JSON; microseconds."""
    return {"start": utc_text(start), "end": utc_text(end), "days_before": before_us / DAY}


def _share(hurt: int, customers: int) -> dict[str, Any]:
    found: dict[str, Any] = {"customers": customers, "disrupted_before": hurt}
    interval = share_interval(hurt, customers)
    if interval is not None:
        found |= {"share": hurt / customers, "share_lower": interval[0], "share_upper": interval[1]}
    return found
