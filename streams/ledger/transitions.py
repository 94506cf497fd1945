"""The table of the customer math, row for row: what a fact means in the state before it.

Each function changes the fold's state and appends its movements; it returns None when the fact was applied, else why
it was ignored.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from streams.facts.models import UNKNOWN, Fact, FactKind
from streams.ledger.customer import (
    CustomerState,
    ImpliedOpening,
    JoinedWhileActive,
    PendingLoss,
    Status,
    order_of,
)
from streams.ledger.losses import Cause, cause_of, end_pending, restart_if_named, restart_lapse, stay_of
from streams.ledger.movements import (
    Ignored,
    Movement,
    MovementKind,
    Recommendation,
    Scope,
)
from streams.ledger.rules import DAY, MINUTE
from streams.ledger.values import trailing_value

if TYPE_CHECKING:
    from streams.ledger.fold import Fold

LONGEST_WINDOW_US = 93 * DAY
"""No window but `all` is longer than a quarter: older values held need not be told apart."""

OPENING = MovementKind.OPENING.value
NEW = MovementKind.NEW.value
RETURNED = MovementKind.RETURNED.value
PENDING = MovementKind.PENDING.value
EXPANSION = MovementKind.EXPANSION.value
CONTRACTION = MovementKind.CONTRACTION.value
TRANSFER = MovementKind.TRANSFER.value
RECOMMENDED = MovementKind.RECOMMENDED.value


def _admitted(fold: "Fold", fact: Fact, *, with_value: bool = True) -> tuple[int | None, Scope]:
    """Value and scope that the fact brings; a field that a silo of higher precedence holds is left out.

    Where value follows from spending, only an opening brings one.
    """
    state = fold.state
    value = fact.value if with_value and (fold.rules.trailing is None or fact.kind == OPENING) else None
    segment, region, product = fact.segment, fact.region, fact.product
    if fold.rules.precedence:
        rank = fold.rules.rank(fact.silo)
        of_value, of_segment, of_region, of_product = state.ranks
        if value is not None:
            value, of_value = (value, rank) if rank <= of_value else (None, of_value)
        if segment is not None:
            segment, of_segment = (segment, rank) if rank <= of_segment else (None, of_segment)
        if region is not None:
            region, of_region = (region, rank) if rank <= of_region else (None, of_region)
        if product is not None:
            product, of_product = (product, rank) if rank <= of_product else (None, of_product)
        state.ranks = (of_value, of_segment, of_region, of_product)
    held = state.scope
    if segment is None and region is None and product is None:
        return value, held
    scope = Scope(
        held.segment if segment is None else segment,
        held.region if region is None else region,
        held.product if product is None else product,
    )
    return value, (held if scope == held else scope)


# Gains and openings


def gain(fold: "Fold", fact: Fact) -> None:
    """`new` for a customer never seen, `returned` for one that was lost."""
    state, rules = fold.state, fold.rules
    is_new = state.status == Status.UNKNOWN
    value, scope = _admitted(fold, fact)
    if rules.trailing is not None and fact.kind == FactKind.PURCHASED:
        value = trailing_value(state, fact.at, rules.trailing)
    if is_new:
        state.cohort_at = fact.at
    _begin_membership(state, fact, scope, state.value if value is None else value)
    state.early_from = fact.at
    state.opened_at = None
    restart_lapse(fold, fact.at)
    fold.movements.append(
        Movement(
            NEW if is_new else RETURNED, fact.at, scope, 1, state.value, cause_of(fact),
            activity=state.activity, earned=is_new and fact.earned, cohort_at=state.cohort_at,
        )
    )
    if state.implied is not None:
        state.implied = msgspec.structs.replace(state.implied, returned=fold.movements[-1])


def on_opening(fold: "Fold", fact: Fact) -> Ignored | None:
    """A snapshot of the existing base: an opening balance, no gain."""
    state = fold.state
    if state.status != Status.UNKNOWN:
        return Ignored.ALREADY_KNOWN
    value, scope = _admitted(fold, fact)
    _open(fold, fact, scope, value or 0, implied=False)
    state.cohort_at = state.early_from = fact.since
    lapse = fold.rules.lapse
    if lapse is not None:
        last = fact.at if fact.last_fact_at is None else fact.last_fact_at
        state.lapse_due = max(last + lapse.after_us, fact.at)
    fold.movements[-1] = msgspec.structs.replace(fold.movements[-1], cohort_at=fact.since)
    return None


def imply_opening(fold: "Fold", fact: Fact) -> None:
    """A customer we had, though no source ever said so."""
    value, scope = _admitted(fold, fact)
    _open(fold, fact, scope, value or 0, implied=True)
    state = fold.state
    state.early_from = None
    state.implied = ImpliedOpening(order_of(fact), fold.movements[-1], None)
    restart_lapse(fold, fact.at)


def _open(fold: "Fold", fact: Fact, scope: Scope, value: int, *, implied: bool) -> None:
    state = fold.state
    _begin_membership(state, fact, scope, value)
    state.opened_at, state.opened_value = fact.at, value
    fold.movements.append(
        Movement(
            OPENING, fact.at, scope, 1, value, cause_of(fact), activity=state.activity, implied=implied
        )
    )


def _begin_membership(state: CustomerState, fact: Fact, scope: Scope, value: int) -> None:
    state.status = Status.ACTIVE
    state.lapsed = False
    state.value, state.scope = value, scope
    state.gained_at, state.gained_scope = fact.at, scope
    state.activity = UNKNOWN if fact.activity is None else fact.activity
    state.segment_from = state.region_from = state.product_from = fact.at
    state.steps = ((fact.at, value),)
    state.joined = None


# Facts about an active customer


def take_fields(fold: "Fold", at: int, fact: Fact) -> bool:
    """Transfer by the value held, then expansion or contraction, dated `at`; True when anything changed."""
    value, scope = _admitted(fold, fact)
    state = fold.state
    moved = scope != state.scope and _transfer(fold, at, scope, cause_of(fact))
    changed = value is not None and value != state.value and revalue(fold, at, value, cause_of(fact))
    return moved or changed


def _transfer(fold: "Fold", at: int, scope: Scope, cause: Cause | None) -> bool:
    state = fold.state
    held = state.scope
    if state.pending is not None:
        fold.movements.append(Movement(PENDING, at, held, -1, -state.value, cause))
        fold.movements.append(Movement(PENDING, at, scope, 1, state.value, cause))
    fold.movements.append(
        Movement(TRANSFER, at, held, 1, state.value, cause, to=scope, stay=stay_of(state))
    )
    # A stay is told to have begun by the opening where the two instants are equal: moved in, it begins just after.
    began = at + 1 if at == state.opened_at else at
    if scope.segment != held.segment:
        state.segment_from = began
    if scope.region != held.region:
        state.region_from = began
    if scope.product != held.product:
        state.product_from = began
    state.scope = scope
    return True


def revalue(fold: "Fold", at: int, value: int, cause: Cause | None) -> bool:
    """Expansion or contraction to a new value."""
    state = fold.state
    difference = value - state.value
    if state.pending is not None:
        fold.movements.append(Movement(PENDING, at, state.scope, 0, difference, cause))
    kind = EXPANSION if difference > 0 else CONTRACTION
    fold.movements.append(Movement(kind, at, state.scope, 0, abs(difference), cause))
    state.value = value
    steps = state.steps
    begin = at - LONGEST_WINDOW_US
    drop = 0
    while drop + 1 < len(steps) and steps[drop + 1][0] < begin:
        drop += 1
    # Windows begin with whole minutes: of the values held in one minute only the last is ever asked for.
    kept = steps[drop:-1] if steps[-1][0] // MINUTE == at // MINUTE else steps[drop:]
    state.steps = (*kept, (at, value))
    return True


def on_purchased(fold: "Fold", fact: Fact) -> Ignored | None:
    """A purchase gains a customer that is not active, and moves the value of one that is."""
    state, trailing = fold.state, fold.rules.trailing
    if state.status != Status.ACTIVE:
        gain(fold, fact)
        return None
    changed = take_fields(fold, fact.at, fact)
    if trailing is not None:
        value = trailing_value(state, fact.at, trailing)
        if value != state.value:
            changed = revalue(fold, fact.at, value, cause_of(fact))
    restart_if_named(fold, fact)
    return None if changed else Ignored.NO_CHANGE


def on_joined(fold: "Fold", fact: Fact) -> Ignored | None:
    """A gain, or a word about a customer we have: then it may end a pending loss."""
    state = fold.state
    if state.status != Status.ACTIVE:
        gain(fold, fact)
        return None
    ends_pending = state.pending is not None
    if ends_pending:
        end_pending(fold, fact.at)
        take_fields(fold, fact.at, fact)
    state.joined = JoinedWhileActive(fact, ends_pending)
    restart_if_named(fold, fact)
    return None if ends_pending else Ignored.ALREADY_ACTIVE


def on_leaving(fold: "Fold", fact: Fact) -> Ignored | None:
    """A loss announced: it stands beside the ledger until its day."""
    state = fold.state
    if state.status == Status.UNKNOWN:
        imply_opening(fold, fact)
    elif state.status == Status.LOST and not revives(fold, fact):
        keep_profile(fold, fact)
        return Ignored.NOT_ACTIVE
    else:
        take_fields(fold, fact.at, fact)
    end_pending(fold, fact.at)
    assert fact.effective_at is not None
    state.pending = PendingLoss(fact.effective_at, fact.silo, fact.reason, fact.loss_kind)
    fold.movements.append(Movement(PENDING, fact.at, state.scope, 1, state.value, cause_of(fact)))
    restart_if_named(fold, fact)
    return None


def on_staying(fold: "Fold", fact: Fact) -> Ignored | None:
    """A withdrawn cancellation, or a payment that came after all."""
    state = fold.state
    if state.status == Status.UNKNOWN:
        imply_opening(fold, fact)
        return None
    if state.status == Status.LOST:
        if revives(fold, fact):
            return None
        keep_profile(fold, fact)
        return Ignored.NOT_ACTIVE
    had_pending = state.pending is not None
    end_pending(fold, fact.at)
    changed = take_fields(fold, fact.at, fact)
    restart_if_named(fold, fact)
    return None if had_pending or changed else Ignored.NO_CHANGE


def on_change(fold: "Fold", fact: Fact) -> Ignored | None:
    """A new value or a new profile."""
    state, rules = fold.state, fold.rules
    if rules.precedence and _is_outranked(fold, fact):
        return Ignored.OUTRANKED
    if state.status == Status.UNKNOWN:
        imply_opening(fold, fact)
        return None
    if state.status == Status.LOST:
        if revives(fold, fact):
            return None
        keep_profile(fold, fact)
        return Ignored.NOT_ACTIVE
    changed = take_fields(fold, fact.at, fact)
    restart_if_named(fold, fact)
    return None if changed else Ignored.NO_CHANGE


def on_recommended(fold: "Fold", fact: Fact) -> Ignored | None:
    """The customer recommended us; counted in the scope it is in, or was in when it left."""
    state = fold.state
    if state.status == Status.UNKNOWN:
        return Ignored.NOT_A_CUSTOMER
    if state.status == Status.ACTIVE:
        take_fields(fold, fact.at, fact)
        restart_if_named(fold, fact)
    else:
        revives(fold, fact)
    fold.movements.append(
        Movement(
            RECOMMENDED, fact.at, state.scope, 0, 0, cause_of(fact), count=fact.count,
            previous=state.recommended,
        )
    )
    state.recommended = Recommendation(fact.at, state.scope)
    return None


def _is_outranked(fold: "Fold", fact: Fact) -> bool:
    rank, held = fold.rules.rank(fact.silo), fold.state.ranks
    value = fact.value if fold.rules.trailing is None else None
    fields = (value, fact.segment, fact.region, fact.product)
    spoken = [rank > holder for field, holder in zip(fields, held, strict=True) if field is not None]
    return bool(spoken) and all(spoken)


# Lost customers


def revives(fold: "Fold", fact: Fact) -> bool:
    """After a lapse, each of the named kinds brings the customer back."""
    lapse = fold.rules.lapse
    if lapse is None or not fold.state.lapsed or fact.kind not in lapse.restarted_by:
        return False
    gain(fold, fact)
    return True


def keep_profile(fold: "Fold", fact: Fact) -> None:
    """What is learnt of a lost customer's profile is kept for a return; its value is not."""
    _, fold.state.scope = _admitted(fold, fact, with_value=False)


BY_KIND: dict[str, Callable[["Fold", Fact], Ignored | None]] = {
    FactKind.OPENING.value: on_opening,
    FactKind.PURCHASED.value: on_purchased,
    FactKind.STAYING.value: on_staying,
    FactKind.VALUE_CHANGED.value: on_change,
    FactKind.PROFILE_CHANGED.value: on_change,
    FactKind.RECOMMENDED.value: on_recommended,
}
"""Rows of facts that need to know nothing of their neighbours; the others are in `fold.py`."""
