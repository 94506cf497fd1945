"""Shares of customers disrupted with their uncertainty, Apdex, and colours."""

from enum import StrEnum
from math import sqrt

from streams.health.rules import HealthRules

Z = 1.96
"""Standard normal quantile of a two-sided 95 % interval."""


class ColourName(StrEnum):
    """How a scope is."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


def share_interval(disrupted: int, seen: int, z: float = Z) -> tuple[float, float] | None:
    """Wilson score interval of the share of customers disrupted.

    Args:
        disrupted: customers disrupted in the window, 0 <= disrupted <= seen.
        seen: customers seen in the window.
        z: standard normal quantile.
    Returns: two ratios in [0, 1], or None when nobody was seen: no evidence is not health.
    Raises: ValueError when the two counts contradict each other.
    Source: Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    if not 0 <= disrupted <= seen:
        raise ValueError(f"need 0 <= disrupted <= seen, got {disrupted=} {seen=}")
    if seen == 0:
        return None
    share, spread = disrupted / seen, z * z / seen
    margin = z * sqrt(share * (1 - share) / seen + spread / (4 * seen))
    middle = share + spread / 2
    # Rounding must not leave [0, 1], nor put a bound on the wrong side of an extreme share.
    lower = 0.0 if disrupted == 0 else max(0.0, (middle - margin) / (1 + spread))
    upper = 1.0 if disrupted == seen else min(1.0, (middle + margin) / (1 + spread))
    return lower, upper


def colour(rules: HealthRules, disrupted: int, seen: int) -> ColourName:
    """By the lower bound of the share, from so many customers disrupted on, and by their number alone."""
    interval = share_interval(disrupted, seen)
    lower = 0.0 if interval is None or disrupted < rules.least else interval[0]
    for name, bounds in ((ColourName.RED, rules.red), (ColourName.YELLOW, rules.yellow)):
        if disrupted >= bounds.customers or lower >= bounds.share:
            return name
    return ColourName.GREEN


def apdex(satisfied: int, tolerating: int, frustrated: int) -> float | None:
    """(satisfied + tolerating / 2) / all; None without interactions.

    Source: Apdex Technical Specification 1.1.
    """
    total = satisfied + tolerating + frustrated
    return None if total == 0 else (satisfied + tolerating / 2) / total
