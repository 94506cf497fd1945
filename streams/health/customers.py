"""What the ledger knows of customers at an instant: segment, region and expected value."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from streams.facts.models import UNKNOWN
from streams.health.exposure import Loss
from streams.ledger.movements import Movement, MovementKind


class Profile(NamedTuple):
    """Where a customer counts."""

    segment: str
    region: str


class Customers(Protocol):
    """The ledger as perceived health asks it."""

    @property
    def known(self) -> bool:
        """Whether there is a ledger at all."""

    def profile(self, customer_id: str, at: int) -> Profile | None:
        """Where the customer counted at an instant; None: the ledger did not know it then."""

    def value(self, customer_id: str, start: int, end: int) -> int | None:
        """Expected value, minor units, held at `end`; 0 if lost before `start`; None: the ledger does not know it."""


class NoLedger:
    """There are no facts: every customer is unknown."""

    known = False

    def profile(self, customer_id: str, at: int) -> Profile | None:
        """Nobody is known."""
        return None

    def value(self, customer_id: str, start: int, end: int) -> int | None:
        """Nobody is known."""
        return None


class _History:
    """One customer: changes of value and scope in order, and when it was gained and lost."""

    __slots__ = ("lost", "profiles", "steps")

    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []  # (at, by how much the value held changes)
        self.profiles: list[tuple[int, Profile]] = []
        self.lost: list[tuple[int, int]] = []  # (at, +1 lost or -1 back)


_GAINS = (MovementKind.NEW.value, MovementKind.RETURNED.value, MovementKind.OPENING.value)


class Histories:
    """The past of every customer, out of the ledger's movements; each may be withdrawn again."""

    known = True

    def __init__(self) -> None:
        self._movements: dict[str, dict[Movement, int]] = {}
        self._histories: dict[str, _History] = {}

    def add(self, customer_id: str, movement: Movement, sign: int) -> None:
        """A movement came (+1) or was withdrawn (-1)."""
        movements = self._movements.setdefault(customer_id, {})
        left = movements.get(movement, 0) + sign
        if left:
            movements[movement] = left
        else:
            del movements[movement]
        self._histories.pop(customer_id, None)

    def profile(self, customer_id: str, at: int) -> Profile | None:
        """Where the customer counted at an instant."""
        history = self._history(customer_id)
        if history is None:
            return None
        place = bisect_right(history.profiles, at, key=_at)
        return history.profiles[place - 1][1] if place else None

    def value(self, customer_id: str, start: int, end: int) -> int | None:
        """The value held at an instant; a lost customer's as it was when it was lost."""
        history = self._history(customer_id)
        if history is None or not history.profiles or history.profiles[0][0] > end:
            return None
        place = bisect_right(history.lost, end, key=_at)
        if place and history.lost[place - 1][1] > 0 and history.lost[place - 1][0] < start:
            return 0
        value = 0
        for at, held in history.steps:
            if at > end:
                break
            value = held
        return value

    def losses(self, start: int, end: int) -> Iterator[Loss]:
        """The last loss in [start, end] of each customer that is not back at its end."""
        for customer_id, movements in self._movements.items():
            lost: Movement | None = None
            for movement in sorted(movements, key=_order):
                if movement.at > end:
                    break
                if movement.kind == MovementKind.LOST:
                    lost = movement
                elif movement.kind in _GAINS:
                    lost = None
            if lost is not None and lost.at >= start:
                yield Loss(customer_id, lost.at, lost.reason or UNKNOWN)

    def stayed(self, end: int) -> Iterator[str]:
        """Customers that are active at an instant."""
        for customer_id in self._movements:
            history = self._history(customer_id)
            assert history is not None
            place = bisect_right(history.lost, end, key=_at)
            if place and history.lost[place - 1][1] < 0:
                yield customer_id

    def _history(self, customer_id: str) -> _History | None:
        found = self._histories.get(customer_id)
        if found is None:
            movements = self._movements.get(customer_id)
            if movements is None:
                return None
            found = self._histories[customer_id] = _history_of(movements)
        return found


def _at(step: tuple[int, object]) -> int:
    return step[0]


_ORDER = {**dict.fromkeys(_GAINS, 0), MovementKind.TRANSFER.value: 2, MovementKind.LOST.value: 3}
"""What comes first at one instant; changes of value stand between a gain and a transfer."""


def _order(movement: Movement) -> tuple[int, int]:
    return movement.at, _ORDER.get(movement.kind, 1)


def _history_of(movements: dict[Movement, int]) -> _History:
    history = _History()
    value = 0
    for movement in sorted(movements, key=_order):
        kind, at = movement.kind, movement.at
        if movements[movement] <= 0:
            continue
        if kind in _GAINS:
            value = movement.value
            history.lost.append((at, -1))
            history.profiles.append((at, Profile(movement.scope.segment, movement.scope.region)))
        elif kind == MovementKind.EXPANSION:
            value += movement.value
        elif kind == MovementKind.CONTRACTION:
            value -= movement.value
        elif kind == MovementKind.LOST:
            history.lost.append((at, 1))
        elif kind == MovementKind.TRANSFER and movement.to is not None:
            history.profiles.append((at, Profile(movement.to.segment, movement.to.region)))
        history.steps.append((at, value))
    return history
