"""Whether those who were disrupted leave more: disruption before a loss, against the same among those who stayed.

Each customer who left is looked at in the days before its loss; each who stayed, in the days before an instant taken
in turn from those of the losses, so that both look back from the same times. What comes of it is an association: it
says that those who were disrupted left more often, not why.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from math import exp, log, sqrt
from typing import Any, NamedTuple

from streams.health.shares import Z, share_interval
from streams.ledger.rules import MINUTE


class Loss(NamedTuple):
    """A customer who left."""

    customer_id: str
    at: int
    reason: str


class RiskRatio(NamedTuple):
    """How many times as often the disrupted left as the others, with a 95 % interval."""

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
    left = sorted(losses, key=lambda loss: (loss.at, loss.customer_id))
    if not left:
        return None

    def was_hurt(customer_id: str, at: int) -> bool:
        minutes = hurt.get(customer_id, [])
        place = bisect_left(minutes, at // MINUTE)
        return place > 0 and minutes[place - 1] * MINUTE >= at - before_us

    reasons: Counter[str] = Counter()
    of_reason: Counter[str] = Counter()
    for loss in left:
        reasons[loss.reason] += 1
        of_reason[loss.reason] += was_hurt(loss.customer_id, loss.at)
    others = sorted(stayed)
    stayed_hurt = sum(was_hurt(name, left[place % len(left)].at) for place, name in enumerate(others))
    left_hurt = of_reason.total()
    ratio = risk_ratio(
        left_hurt, left_hurt + stayed_hurt, len(left) - left_hurt, len(left) + len(others) - left_hurt - stayed_hurt
    )
    found: dict[str, Any] = {
        "left": _share(left_hurt, len(left)),
        "stayed": _share(stayed_hurt, len(others)),
        "by_reason": [
            {"reason": reason, "customers": count, "disrupted_before": of_reason[reason]}
            for reason, count in sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
        ],
        # Only an interval that leaves 1 out shows anything.
        "shown": ratio is not None and not ratio.lower <= 1 <= ratio.upper,
    }
    if ratio is not None:
        found["risk_ratio"] = ratio._asdict()
    return found


def _share(hurt: int, customers: int) -> dict[str, Any]:
    found: dict[str, Any] = {"customers": customers, "disrupted_before": hurt}
    interval = share_interval(hurt, customers)
    if interval is not None:
        found |= {"share": hurt / customers, "share_lower": interval[0], "share_upper": interval[1]}
    return found
