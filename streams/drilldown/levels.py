"""The customers behind a level: who is here, who has stayed, who is about to leave, at the end of a window.

A partition may have counted beyond the clock of the tables. What it counted after the window is taken back, movement
by movement, so that who is listed is who the tables count.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from streams.drilldown.numbers import Number
from streams.ledger.customer import CustomerState, Status
from streams.ledger.movements import Movement, MovementKind, Scope, Stay
from streams.ledger.partition import PartitionLedger


@dataclass(frozen=True, slots=True)
class Standing:
    """How a customer stands at an instant.

    Attributes:
        value: held now, minor units.
        since: when the membership began: gain or opening; the three others when the stay in that dimension did.
        opened_at: of the opening with which it began, None: it began with a gain.
        pending: announced departures in force, 0 or 1.
        leaves_at: when it is to fall due.
    """

    customer_id: str
    active: bool
    scope: Scope
    value: int
    since: int
    segment_from: int
    region_from: int
    product_from: int
    opened_at: int | None
    activity: str
    pending: int
    leaves_at: int | None
    pending_silo: str

    def stay_from(self, dimension: str) -> int:
        """When the unbroken time in the scope of a dimension began."""
        match dimension:
            case "segment":
                return self.segment_from
            case "region":
                return self.region_from
            case "product":
                return self.product_from
            case "segment_region":
                return max(self.segment_from, self.region_from)
        return self.since


def standing(customer_id: str, state: CustomerState, later: Sequence[Movement] = ()) -> Standing:
    """How a customer stands once `later`, its newest movements in their order, are taken back."""
    pending = state.pending
    found = Standing(
        customer_id, state.status == Status.ACTIVE, state.scope, state.value, state.gained_at, state.segment_from,
        state.region_from, state.product_from, state.opened_at, state.activity, int(pending is not None),
        None if pending is None else pending.effective_at, "" if pending is None else pending.silo,
    )  # fmt: skip
    for movement in reversed(later):
        found = _before(found, movement)
    return found


def _before(after: Standing, movement: Movement) -> Standing:
    match movement.kind:
        case MovementKind.NEW | MovementKind.RETURNED | MovementKind.OPENING:
            return replace(after, active=False)
        case MovementKind.LOST:
            before = replace(after, active=True, scope=movement.scope, value=movement.value)
            return before if movement.stay is None else _in_stay(before, movement.stay)
        case MovementKind.TRANSFER:
            before = replace(after, scope=movement.scope)
            return before if movement.stay is None else _in_stay(before, movement.stay)
        case MovementKind.EXPANSION:
            return replace(after, value=after.value - movement.value)
        case MovementKind.CONTRACTION:
            return replace(after, value=after.value + movement.value)
        case MovementKind.PENDING:
            return replace(after, pending=after.pending - movement.customers)
    return after


def _in_stay(before: Standing, stay: Stay) -> Standing:
    return replace(
        before, since=stay.total_from, segment_from=stay.segment_from, region_from=stay.region_from,
        product_from=stay.product_from, opened_at=stay.opened_at,
    )  # fmt: skip


def is_behind(number: Number, of: Standing) -> bool:
    """Whether the customer is one of those whom a level counts at the end of its window."""
    if not number.holds_scope(of.scope):
        return False
    match number.measure:
        case "closing":
            return of.active
        case "pending_loss":
            return of.pending > 0
    began = of.stay_from(number.scope[0])
    return of.active and (began < number.span.start or began == of.opened_at)


def standings(ledger: PartitionLedger, customer_ids: Iterable[str], end: int) -> list[Standing]:
    """How these customers of a partition stand just before `end` (microseconds); none is changed or woken."""
    found = []
    for customer_id in customer_ids:
        looked_at = ledger.look_at(customer_id, end)
        if looked_at is not None:
            state, movements = looked_at
            found.append(standing(customer_id, state, [one for one in movements if one.at >= end]))
    return found
