"""An opening that arrives after the fact that implied one has been folded away.

It takes the implied opening's place: dated and described by the opening, and so is a loss at the implied instant. Of
other movements nothing is corrected but what depends on since when it was a customer, so an opening that was not lost
at once keeps the value and scope counted for it.
"""

from collections.abc import Iterator

import msgspec

from streams.facts.models import UNKNOWN, Fact
from streams.ledger.customer import CustomerState, ImpliedOpening
from streams.ledger.fold import Fold
from streams.ledger.movements import Membership, Movement, Scope, Stay
from streams.ledger.rules import LedgerRules
from streams.ledger.transitions import imply_opening


def corrections(rules: LedgerRules, implied: ImpliedOpening, opening: Fact) -> Iterator[tuple[Movement, int]]:
    """Movements to withdraw (-1) and to add (+1)."""
    yield implied.opening, -1
    replaced = _opening(implied, opening)
    yield replaced, 1
    if implied.loss is None:
        return
    yield implied.loss, -1
    scope, value = replaced.scope, replaced.value
    early = opening.since is not None and implied.loss.at - opening.since <= rules.early_within_us
    yield (
        msgspec.structs.replace(
            implied.loss, scope=scope, value=value, early=early, cohort_at=opening.since,
            membership=Membership(opening.at, scope, replaced.activity),
            stay=Stay(
                opening.at, opening.at, opening.at, opening.at, opening.at, value, ((opening.at, value),)
            ),
        ),
        1,
    )  # fmt: skip


def since_corrections(
    rules: LedgerRules, folded_away: ImpliedOpening | None, opening: Fact
) -> Iterator[tuple[Movement, int]]:
    """What depends on when the customer came: its first loss ends what the opening began, its cohort learns of it."""
    if folded_away is None:
        return
    first_loss, returned = folded_away.first_loss, folded_away.returned
    if first_loss is not None:
        yield first_loss, -1
        yield _loss_after(rules, folded_away, first_loss, opening), 1
    if returned is not None:
        yield returned, -1
        yield msgspec.structs.replace(returned, cohort_at=opening.since), 1


def reopened(rules: LedgerRules, departure: Fact) -> CustomerState:
    """The state in which a departure that implied an opening is judged: just opened, not yet lost."""
    fold = Fold(rules, CustomerState(), ())
    imply_opening(fold, departure)
    return fold.state


def replace_implied(rules: LedgerRules, base: CustomerState, implied: ImpliedOpening, opening: Fact) -> None:
    """Put the opening's instant and words into a base whose first membership it begins."""
    base.implied = None
    base.cohort_at = opening.since
    was_at = implied.opening.at
    if base.gained_at != was_at or base.opened_at != was_at:
        return
    replaced = _opening(implied, opening)
    base.gained_at = base.opened_at = opening.at
    base.gained_scope, base.activity = replaced.scope, replaced.activity
    base.opened_value = replaced.value
    base.early_from = opening.since
    base.segment_from = opening.at if base.segment_from == was_at else base.segment_from
    base.region_from = opening.at if base.region_from == was_at else base.region_from
    base.product_from = opening.at if base.product_from == was_at else base.product_from
    if base.steps and base.steps[0][0] == was_at:
        base.steps = ((opening.at, base.steps[0][1]), *base.steps[1:])
    if implied.loss is not None:
        base.value = replaced.value
        base.steps = ((opening.at, replaced.value),)
        # What was learnt of the profile since the loss is kept.
        held, then, now = base.scope, implied.loss.scope, replaced.scope
        base.scope = Scope(
            now.segment if held.segment == then.segment else held.segment,
            now.region if held.region == then.region else held.region,
            now.product if held.product == then.product else held.product,
        )
        if rules.precedence:
            rank, fields = rules.rank(opening.silo), (opening.value, opening.segment, opening.region, opening.product)
            spoken = [
                held if field is None else min(rank, held)
                for field, held in zip(fields, base.ranks, strict=True)
            ]
            base.ranks = (spoken[0], spoken[1], spoken[2], spoken[3])


def _loss_after(rules: LedgerRules, implied: ImpliedOpening, loss: Movement, opening: Fact) -> Movement:
    replaced, was_at, stay = _opening(implied, opening), implied.opening.at, loss.stay
    if stay is not None:
        began = [
            opening.at if instant == was_at else instant
            for instant in (stay.total_from, stay.segment_from, stay.region_from, stay.product_from)
        ]
        steps = stay.steps
        if steps and steps[0][0] == was_at:
            steps = ((opening.at, steps[0][1]), *steps[1:])
        stay = Stay(began[0], began[1], began[2], began[3], opening.at, replaced.value, steps)
    return msgspec.structs.replace(
        loss, cohort_at=opening.since, stay=stay,
        membership=Membership(opening.at, replaced.scope, replaced.activity),
        early=opening.since is not None and loss.at - opening.since <= rules.early_within_us,
    )  # fmt: skip


def _opening(implied: ImpliedOpening, opening: Fact) -> Movement:
    scope, value = implied.opening.scope, implied.opening.value
    if implied.loss is not None:
        value = opening.value or 0
        scope = Scope(opening.segment or UNKNOWN, opening.region or UNKNOWN, opening.product or UNKNOWN)
    return Movement(
        implied.opening.kind, opening.at, scope, 1, value,
        (opening.silo, opening.event_id, opening.place),
        activity=UNKNOWN if opening.activity is None else opening.activity, cohort_at=opening.since,
    )  # fmt: skip
