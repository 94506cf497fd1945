"""Sums of movements by measure, for the whole and for each customer: what two counts are compared by."""

from streams.ledger.losses import Cause
from streams.ledger.movements import Change, Movement, MovementKind

MEASURES = {
    MovementKind.OPENING.value: "opening",
    MovementKind.NEW.value: "gained",
    MovementKind.RETURNED.value: "gained",
    MovementKind.LOST.value: "lost",
    MovementKind.EXPANSION.value: "expansion",
    MovementKind.CONTRACTION.value: "contraction",
}
"""What a movement adds to; the others change no sum of the company."""

ADDED = {"opening": 1, "gained": 1, "lost": -1, "expansion": 1, "contraction": -1}
"""Measures, and with which sign each goes into the closing."""

MONEY_ALONE = ("expansion", "contraction")

Amount = tuple[int, int]
"""Customers and value."""

Sums = dict[str, Amount]
"""Measure to amount."""

Items = dict[tuple[str, Cause | None], Amount]
"""A customer's movements: (measure, the fact that caused them) to their amount; None is the clock."""


def plus(one: Amount, other: Amount, sign: int = 1) -> Amount:
    """One amount and the other, or with sign -1 without it."""
    return one[0] + sign * other[0], one[1] + sign * other[1]


def difference(one: Sums, other: Sums) -> Sums:
    """What one has more than the other, by measure."""
    return {measure: plus(one.get(measure, (0, 0)), other.get(measure, (0, 0)), -1) for measure in ADDED}


class Count:
    """One way of counting: its sums, and the movements of each customer if they are asked for."""

    def __init__(self, *, by_customer: bool = False) -> None:
        self.sums: Sums = {}
        self.customers: dict[str, Items] | None = {} if by_customer else None

    def note(self, change: Change) -> None:
        """Add a movement that came, or take out one that was withdrawn."""
        movement = change.movement
        measure = MEASURES.get(movement.kind)
        if measure is None:
            return
        amount = (movement.customers, movement.value)
        self.sums[measure] = plus(self.sums.get(measure, (0, 0)), amount, change.sign)
        if self.customers is not None:
            self._note_customer(change.customer_id, measure, movement, change.sign)

    def _note_customer(self, customer_id: str, measure: str, movement: Movement, sign: int) -> None:
        assert self.customers is not None
        items = self.customers.setdefault(customer_id, {})
        key = (measure, movement.cause)
        amount = plus(items.get(key, (0, 0)), (movement.customers, movement.value), sign)
        if amount == (0, 0):
            items.pop(key, None)
        else:
            items[key] = amount
