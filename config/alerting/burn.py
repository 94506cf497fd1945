"""How fast a budget of errors may burn before somebody is told (SRE Workbook, chapter 5)."""

from typing import Final

BUDGET_H: Final = 30 * 24
"""Hours that a budget is for."""


def burn_rate(spent: float, window_h: float) -> float:
    """How many times faster than evenly a budget burns of which a share (0 to 1) is spent in a window, in hours."""
    return round(spent * BUDGET_H / window_h, 6)
