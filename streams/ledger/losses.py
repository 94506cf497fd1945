"""Losses, and what leads to them: pending losses and the silence that makes a lapse."""

from typing import TYPE_CHECKING

import msgspec

from streams.facts.models import UNKNOWN, Fact, LossKind
from streams.ledger.customer import CustomerState, Status
from streams.ledger.movements import Membership, Movement, MovementKind, Stay

if TYPE_CHECKING:
    from streams.ledger.fold import Fold

Cause = tuple[str, str, int]

LOST = MovementKind.LOST.value
PENDING = MovementKind.PENDING.value


def cause_of(fact: Fact) -> Cause:
    """How a movement names the fact that caused it."""
    return (fact.silo, fact.event_id, fact.place)


def lose(fold: "Fold", at: int, fact: Fact | None, reason: str | None, loss_kind: str | None) -> int:
    """The customer and the value held are lost; returns where the movement stands in the fold's list."""
    state = fold.state
    end_pending(fold, at)
    early = state.early_from is not None and at - state.early_from <= fold.rules.early_within_us
    fold.movements.append(
        Movement(
            LOST, at, state.scope, 1, state.value, None if fact is None else cause_of(fact),
            reason=UNKNOWN if reason is None else reason,
            loss_kind=LossKind.VOLUNTARY.value if loss_kind is None else loss_kind,
            early=early,
            membership=Membership(state.gained_at, state.gained_scope, state.activity),
            stay=stay_of(state), cohort_at=state.cohort_at, first_loss=not state.ever_lost,
        )
    )
    implied = state.implied
    if implied is not None:
        first = implied.first_loss if state.ever_lost else fold.movements[-1]
        state.implied = msgspec.structs.replace(implied, first_loss=first, returned=None)
    state.status = Status.LOST
    state.ever_lost = True
    state.lapsed = False
    state.lapse_due = None
    state.joined = None
    return len(fold.movements) - 1


def with_reason(loss: Movement, fact: Fact) -> Movement:
    """The loss with the reason and kind that a silo of higher precedence gives it."""
    if fact.reason is None:
        return msgspec.structs.replace(loss, loss_kind=fact.loss_kind or loss.loss_kind)
    return msgspec.structs.replace(
        loss, reason=fact.reason, loss_kind=fact.loss_kind or LossKind.VOLUNTARY.value
    )


def end_pending(fold: "Fold", at: int) -> None:
    """The pending loss, if any, is no longer in force."""
    state = fold.state
    if state.pending is not None:
        fold.movements.append(Movement(PENDING, at, state.scope, -1, -state.value, None))
        state.pending = None


def restart_lapse(fold: "Fold", at: int) -> None:
    """The silence that makes a lapse is counted from here."""
    if fold.rules.lapse is not None:
        fold.state.lapse_due = at + fold.rules.lapse.after_us


def restart_if_named(fold: "Fold", fact: Fact) -> None:
    """Facts of the named kinds break the silence, also those that change nothing."""
    lapse = fold.rules.lapse
    if lapse is not None and fact.kind in lapse.restarted_by:
        fold.state.lapse_due = fact.at + lapse.after_us


def stay_of(state: CustomerState) -> Stay:
    return Stay(
        state.gained_at, state.segment_from, state.region_from, state.product_from, state.opened_at,
        state.opened_value, state.steps,
    )
