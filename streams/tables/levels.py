"""Levels: the active customers, their value and the pending losses of a scope at one instant."""

from collections.abc import Mapping
from typing import NamedTuple

from streams.tables.cells import (
    CONTRACTION,
    EXPANSION,
    LOST,
    NEW,
    OPENING,
    OUT,
    PENDING,
    RETURNED,
    TRANSFER,
    Measure,
)

NO_MEASURES: Mapping[Measure, list[int]] = {}


class Level(NamedTuple):
    """Active customers, their value and pending losses at one instant; or a difference of two of these."""

    customers: int = 0
    value: int = 0
    pending_customers: int = 0
    pending_value: int = 0

    def plus(self, other: "Level") -> "Level":
        """The sum, place by place."""
        return Level(self[0] + other[0], self[1] + other[1], self[2] + other[2], self[3] + other[3])

    def minus(self, other: "Level") -> "Level":
        """The difference, place by place."""
        return Level(self[0] - other[0], self[1] - other[1], self[2] - other[2], self[3] - other[3])


def change(measures: Mapping[Measure, list[int]]) -> Level:
    """By how much the measures of a window move the level."""
    customers = value = pending_customers = pending_value = 0
    for (code, _, _, number), (n, v) in measures.items():
        if code in (OPENING, NEW, RETURNED):
            customers += n
            value += v
        elif code == LOST:
            customers -= n
            value -= v
        elif code == EXPANSION:
            value += v
        elif code == CONTRACTION:
            value -= v
        elif code == TRANSFER:
            sign = -1 if number == OUT else 1
            customers += sign * n
            value += sign * v
        elif code == PENDING:
            pending_customers += n
            pending_value += v
    return Level(customers, value, pending_customers, pending_value)
