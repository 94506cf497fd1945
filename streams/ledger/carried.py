"""A customer's state carried over into a count that begins at an instant, by other rules than it was counted by."""

from copy import copy

from streams.ledger.customer import CustomerState, Status
from streams.ledger.movements import Movement, MovementKind
from streams.ledger.partition import PartitionLedger
from streams.ledger.rules import LedgerRules


def carried_state(state: CustomerState, at: int, old: LedgerRules, new: LedgerRules) -> CustomerState:
    """The state with which a customer begins at `at` (microseconds) under the new rules.

    An active one begins as an opening: stays and values held are known from then on. What is known of it, the month
    of joining, who spoke, what it spent, goes with it; half of what two facts would mean together does not.
    """
    begun = copy(state)
    begun.joined = begun.implied = None
    begun.half = begun.changing = False
    if new.trailing is None:
        begun.purchases = ()
    begun.lapse_due = None
    if state.status != Status.ACTIVE:
        return begun
    begun.gained_at = begun.segment_from = begun.region_from = begun.product_from = begun.opened_at = at
    begun.gained_scope, begun.opened_value, begun.steps = state.scope, state.value, ((at, state.value),)
    if new.lapse is not None:
        last = at
        if old.lapse is not None and state.lapse_due is not None:
            last = state.lapse_due - old.lapse.after_us
        begun.lapse_due = max(last + new.lapse.after_us, at)
    return begun


def begin_with(ledger: PartitionLedger, customer_id: str, state: CustomerState, at: int) -> None:
    """Let a customer, of whom the ledger knows nothing yet, begin with a state, as an opening at `at` if active."""
    ledger.begin(customer_id, state, at)
    if state.status == Status.ACTIVE:
        opening = Movement(
            MovementKind.OPENING.value, at, state.scope, 1, state.value, None, activity=state.activity,
            cohort_at=state.cohort_at,
        )
        ledger.emit(customer_id, opening, 1)
        if state.pending is not None:
            pending = Movement(MovementKind.PENDING.value, at, state.scope, 1, state.value, None)
            ledger.emit(customer_id, pending, 1)
            # Its announcement is among the facts, which it is counted of.
            ledger.counts.facts += 1
            ledger.counts.applied += 1
            ledger.counts.pending += 1
