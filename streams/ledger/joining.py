"""Taking facts out of a customer's history, and putting an older history under another one's name.

Facts inside the horizon move as facts: they are taken out here and applied there, and both customers are folded anew.
What is older has been folded into the base, which moves as a whole; two such bases cannot be folded as one.
"""

from bisect import bisect_left
from collections.abc import Callable
from copy import copy

import msgspec

from streams.facts.models import Fact
from streams.ledger.customer import CustomerState, Order, Status
from streams.ledger.fold import Fold
from streams.ledger.losses import end_pending
from streams.ledger.movements import Movement, MovementKind
from streams.ledger.partition import BLANK_ORDER, PartitionLedger
from streams.ledger.remembered import JOINED, LEFT, Customer, at_of, fold_away

MERGED = "merged"
"""Reason of the negative opening by which a customer leaves that was counted under two ids."""


class OlderHistory(msgspec.Struct, gc=False, array_like=True):
    """What was folded of a customer's facts that are older than the horizon, and the order of the newest of them."""

    base: CustomerState
    newest: Order


def take_out(
    ledger: PartitionLedger, customer_id: str, moves: Callable[[Fact], bool], *, with_base: bool
) -> tuple[list[Fact], OlderHistory | None]:
    """Take out of a customer the facts inside the horizon that `moves` holds for; the rest is folded anew.

    With `with_base` the history older than the horizon goes with them, unless facts stay behind, whose it then is.
    """
    customer = _awake(ledger, customer_id)
    if customer is None:
        return [], None
    _settle_at_horizon(ledger, customer)
    moved = [fact for fact in customer.facts if moves(fact)]
    kept = [fact for fact in customer.facts if not moves(fact)]
    older = None
    base = customer.base
    if with_base and not kept and base.status != Status.UNKNOWN:
        first = moved[0] if moved else None
        newest = customer.newest if first is None else (first.at, "", -(1 << 63), "", 0)
        older = OlderHistory(base, newest)
        base = CustomerState()
    if moved or older is not None:
        ledger.counts.facts -= len(moved)
        ledger.refold(customer_id, customer, base, kept)
        if not kept and base.status == Status.UNKNOWN:
            customer.newest = BLANK_ORDER
    return moved, older


def take_in(ledger: PartitionLedger, customer_id: str, older: OlderHistory, linked_at: int) -> None:
    """Put an older history under this customer's name.

    Where the customer has one of its own, the link's instant decides: of two that are active then the younger leaves
    the base as a negative opening; else the active one's state is the customer's. A link dated before what the two
    are known by holds from their last change on: nobody leaves before coming.
    """
    customer = _awake(ledger, customer_id)
    if customer is None:
        customer = ledger.add_blank(customer_id)
    _settle_at_horizon(ledger, customer)
    own, given = customer.base, older.base
    left, then = None, linked_at
    survivor = given
    if own.status != Status.UNKNOWN:
        then = max(linked_at, _last_change(own), _last_change(given))
        own_then, given_then = _at(ledger, own, then), _at(ledger, given, then)
        both = own_then.state.status == given_then.state.status == Status.ACTIVE
        given_holds = given_then.state.status == Status.ACTIVE and (not both or given.gained_at < own.gained_at)
        survivor, other = (given, own_then) if given_holds else (own, given_then)
        left = other.state if both else None
        for movement in other.movements:  # what fell due by then is no longer derived from the survivor
            ledger.emit(customer_id, movement, 1)
    ledger.refold(customer_id, customer, survivor, customer.facts)
    customer.newest = max(customer.newest, older.newest)
    if left is not None:
        _leave(ledger, customer_id, left, then)


def _leave(ledger: PartitionLedger, customer_id: str, state: CustomerState, at: int) -> None:
    """One who was counted under two ids leaves the base, neither lost nor net."""
    fold = Fold(ledger.rules, state, ())
    end_pending(fold, at)
    for movement in fold.movements:
        ledger.emit(customer_id, movement, 1)
    opening = Movement(
        MovementKind.OPENING.value, at, state.scope, 1, state.value, None, activity=state.activity, reason=MERGED,
        cohort_at=state.cohort_at,
    )  # fmt: skip
    ledger.emit(customer_id, opening, -1)


def _last_change(state: CustomerState) -> int:
    """The newest instant at which anything was counted of a membership that lasts."""
    steps = state.steps[-1][0] if state.steps else state.gained_at
    return max(state.gained_at, state.segment_from, state.region_from, state.product_from, steps)


def _at(ledger: PartitionLedger, base: CustomerState, at: int) -> Fold:
    fold = Fold(ledger.rules, copy(base), ())
    fold.strike(at)
    return fold


def _awake(ledger: PartitionLedger, customer_id: str) -> Customer | None:
    return ledger.customers.get(customer_id) or ledger.wake(customer_id)


def _settle_at_horizon(ledger: PartitionLedger, customer: Customer) -> None:
    """Fold into the base what is older than the horizon, but what may yet be half of one change, or get a reason."""
    facts, edge = customer.facts, ledger.watermark - ledger.rules.horizon_us
    count = bisect_left(facts, edge, key=at_of)
    near = edge - ledger.rules.grouping_us
    for index in range(count - 1, -1, -1):
        if facts[index].at < near:
            break
        if facts[index].kind in (LEFT, JOINED):
            count = index
    reported = customer.state.reported
    if reported is not None and near <= reported.at:
        count = min(count, bisect_left(facts, reported.at, key=at_of))
    while count > 0 and not fold_away(ledger.rules, customer, count):
        count -= 1
