"""The movements behind a number: one for each customer that it counts.

Movements that a correction withdrew cancel out those that it names, in whatever order they are read.
"""

from collections.abc import Iterable
from typing import Protocol

from streams.drilldown.numbers import CannotOpen, Number, known
from streams.ledger.movements import MovementKind, Scope

NEW, RETURNED, LOST = MovementKind.NEW.value, MovementKind.RETURNED.value, MovementKind.LOST.value
OPENING, TRANSFER, RECOMMENDED = (
    MovementKind.OPENING.value, MovementKind.TRANSFER.value, MovementKind.RECOMMENDED.value,
)  # fmt: skip

KINDS = {
    "gained": {NEW, RETURNED}, "new": {NEW}, "returned": {RETURNED}, "earned": {NEW}, "lost": {LOST},
    "early_loss": {LOST}, "transferred_in": {TRANSFER}, "transferred_out": {TRANSFER}, "recommenders": {RECOMMENDED},
    "brought": {NEW, RETURNED, OPENING},
}  # fmt: skip

MOST = 200_000
"""Movements held for one list, some 100 MB; more cannot be opened at once."""


class ToldMovement(Protocol):
    """A movement as it is told to others; `sign` is -1 for one that was withdrawn."""

    customer_id: str
    kind: str
    at_us: int
    segment: str
    region: str
    product: str
    customers: int
    value: int
    sign: int
    activity: str
    reason: str
    loss_kind: str
    earned: bool
    early: bool
    to: Scope | None

    def same(self) -> tuple[object, ...]:
        """What two movements have in common of which one withdraws the other."""


class FlowList:
    """Collects the movements of one number; feed it all movements of the span, and then ask."""

    def __init__(self, number: Number) -> None:
        self.number = number
        self._kinds = KINDS[number.measure]
        self._found: dict[tuple[object, ...], ToldMovement] = {}
        self._net: dict[tuple[object, ...], int] = {}

    def take(self, movements: Iterable[ToldMovement]) -> None:
        """Look at movements. Raises: CannotOpen when they become too many."""
        start, end = self.number.span
        for movement in movements:
            if movement.kind in self._kinds and start <= movement.at_us < end and self._counts(movement):
                same = movement.same()
                net = self._net.get(same, 0) + movement.sign
                if net:
                    self._net[same] = net
                    self._found[same] = movement
                else:
                    del self._net[same]
                    del self._found[same]
        if len(self._net) > MOST:
            raise CannotOpen(f"more than {MOST:,} customers are behind it: choose a shorter window, or a scope")

    def found(self) -> list[ToldMovement]:
        """The movements that stand, by time and customer; one for each customer that the number counts."""
        standing = [self._found[same] for same, net in self._net.items() for _ in range(net)]
        if self.number.measure == "recommenders":
            standing = self._last_in_scope(standing)
        return sorted(standing, key=lambda movement: (movement.at_us, movement.customer_id))

    def _counts(self, movement: ToldMovement) -> bool:
        number = self.number
        match number.measure:
            case "transferred_out":
                return self._is_here(movement) and not number.holds_scope(movement.to)
            case "transferred_in":
                return number.holds_scope(movement.to) and not self._is_here(movement)
            case "recommenders":
                return True  # a later one elsewhere takes the customer there
            case "early_loss" if not movement.early:
                return False
            case "earned" if not movement.earned:
                return False
        if number.kind not in (None, movement.loss_kind) or number.reason not in (None, known(movement.reason)):
            return False
        return number.activity in (None, known(movement.activity)) and self._is_here(movement)

    def _is_here(self, movement: ToldMovement) -> bool:
        return self.number.holds(movement.segment, movement.region, movement.product)

    def _last_in_scope(self, movements: Iterable[ToldMovement]) -> list[ToldMovement]:
        """Of each customer the last one, where that lies in the scope: there it is counted."""
        last: dict[str, ToldMovement] = {}
        for movement in movements:
            before = last.get(movement.customer_id)
            if before is None or before.at_us <= movement.at_us:
                last[movement.customer_id] = movement
        return [movement for movement in last.values() if self._is_here(movement)]
