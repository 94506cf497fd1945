"""Counts summed up by series."""

from collections.abc import Iterable

from streams.surges.counting import Count
from streams.surges.series import Series


def summed(counted: Iterable[Count]) -> dict[Series, float]:
    """Counts by series; corrections never make one negative."""
    found: dict[Series, float] = {}
    for count in counted:
        add_to(found, count)
    return not_negative(found)


def add_to(counts: dict[Series, float], count: Count) -> None:
    """Add a count to each of its series."""
    for key in count.keys:
        counts[key] = counts.get(key, 0.0) + count.amount


def not_negative(counts: dict[Series, float]) -> dict[Series, float]:
    """The same where corrections came before what they correct."""
    return {key: max(0.0, amount) for key, amount in counts.items()}
