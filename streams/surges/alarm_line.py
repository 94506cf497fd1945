"""How large a deviation is worth an alarm, for a budget of false alarms."""

from statistics import NormalDist

from streams.surges.grid import DAY_S, Grid

BUDGET_DAYS = 30.0
"""One false alarm in so many days and series."""
CALIBRATED_SLOTS = 8_640
CALIBRATED_LINE = 4.65
"""Measured once: at this line calm series of five-minute counts raise an alarm in 30 days (8,640 slots) or fewer."""


def alarm_line(grid: Grid, budget_days: float = BUDGET_DAYS) -> float:
    """The deviate that a series without any surge reaches about once in so many days.

    It grows with the number of looks, as the quantile of a normal variable does; what is estimated from ten days is
    less certain than that, and makes it so much larger as was measured.

    Raises: ValueError when the budget is not positive.
    """
    if not budget_days > 0.0:
        raise ValueError(f"need budget_days > 0, got {budget_days!r}")
    looks = max(20.0, budget_days * DAY_S / (grid.interval_s * grid.per_cell))
    normal = NormalDist()
    return CALIBRATED_LINE * normal.inv_cdf(1.0 - 1.0 / looks) / normal.inv_cdf(1.0 - 1.0 / CALIBRATED_SLOTS)


def score_of(deviate: float, line: float) -> float:
    """From 0 to 1, one half at the line; it never reaches 1, so that the larger of two surges stays the larger."""
    return deviate / (deviate + line) if deviate > 0.0 else 0.0
