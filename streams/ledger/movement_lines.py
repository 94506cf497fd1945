"""Movements as others read them: lines of JSON, written as they come.

Written at once they need not be kept until the flush: of a batch's movements only these bytes stay.
"""

from collections.abc import Callable, Sequence

import msgspec

from streams.compiled import piece
from streams.ledger.movements import Change, Movement, MovementKind, Scope

AT_ONCE = 2000
"""Movements in one record; at some 250 bytes each it stays below Kafka's usual 1 MB."""


class MovementLine(msgspec.Struct, omit_defaults=True, gc=False):
    """One movement as others read it: instants in microseconds since 1970, values in minor units.

    `sign` is absent (1) for a movement that came, -1 for one that a correction withdrew. `cause` is silo, event id
    and place of the fact; without one it was the clock.
    """

    customer_id: str
    kind: str
    at_us: int
    segment: str
    region: str
    product: str
    customers: int
    value: int
    sign: int = 1
    cause: tuple[str, str, int] | None = None
    activity: str = ""
    reason: str = ""
    loss_kind: str = ""
    earned: bool = False
    implied: bool = False
    early: bool = False
    count: int = 0
    to: Scope | None = None

    def same(self) -> tuple[object, ...]:
        """What it shares with the movement that it withdraws: all but the sign."""
        return (
            self.customer_id, self.kind, self.at_us, self.segment, self.region, self.product, self.customers,
            self.value, self.cause, self.activity, self.reason, self.loss_kind, self.earned, self.implied, self.early,
            self.count, self.to,
        )  # fmt: skip


class MovementLines:
    """The movements of one flush; pending losses are none.

    Attributes:
        customers: whose they are.
    """

    def __init__(self, changes: Sequence[Change] = ()) -> None:
        self.customers: set[str] = set()
        self._whole: list[bytes] = []
        self._open: list[bytes] = []
        self._count = 0
        self.add(list(changes))

    def add(self, changes: list[Change]) -> None:
        """Write these behind the others."""
        start = 0
        while start < len(changes):
            lines, count, start = _write(changes, start, self.room, self.customers)
            if count:
                self.take(lines, count)

    @property
    def room(self) -> int:
        """How many lines can be taken at once."""
        return AT_ONCE - self._count

    def take(self, lines: bytes, count: int) -> int:
        """Put lines that are written behind the others, no more than there is room for; returns the room then."""
        self._open.append(lines)
        self._count += count
        if self._count >= AT_ONCE:
            self._whole.append(b",".join(self._open))
            self._open, self._count = [], 0
        return self.room

    def in_records(self) -> list[bytes]:
        """JSON objects with commas between them, `AT_ONCE` in each but the last."""
        return [*self._whole, b",".join(self._open)] if self._open else list(self._whole)


_encode = msgspec.json.Encoder().encode


def write_in_python(
    changes: Sequence[Change], start: int, most: int, customers: set[str]
) -> tuple[bytes, int, int]:
    """Write movements from one place on, at most so many; their lines, how many, and where to go on."""
    lines: list[bytes] = []
    place = start
    for place, change in enumerate(changes[start:], start):
        if len(lines) == most:
            return b",".join(lines), most, place
        if change.movement.kind != MovementKind.PENDING:
            customers.add(change.customer_id)
            lines.append(_line(change))
    return b",".join(lines), len(lines), place + 1


def _line(change: Change) -> bytes:
    movement: Movement = change.movement
    scope = movement.scope
    return _encode(MovementLine(
        change.customer_id, movement.kind, movement.at, scope.segment, scope.region, scope.product,
        movement.customers, movement.value, change.sign, movement.cause, movement.activity, movement.reason,
        movement.loss_kind, movement.earned, movement.implied, movement.early, movement.count, movement.to,
    ))  # fmt: skip


_write: Callable[[list[Change], int, int, set[str]], tuple[bytes, int, int]] = write_in_python
_piece = piece("streams.ledger._lines")
if _piece is not None:
    try:
        _piece.prepare(Movement, Change, Scope, _line)
        _write = _piece.write
    except TypeError:  # another msgspec that lays its fields out otherwise
        _piece = None
is_compiled = _piece is not None
"""Whether lines are written in C."""
