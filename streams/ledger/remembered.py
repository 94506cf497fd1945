"""A customer in memory: its base, the facts remembered since, and how far back a new fact reaches into them."""

from bisect import bisect_left
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import msgspec

from streams.facts.models import Fact, FactKind
from streams.ledger.customer import CustomerState, Order, Status, order_of
from streams.ledger.fold import Fold
from streams.ledger.movements import Ignored, Movement
from streams.ledger.rules import LedgerRules
from streams.ledger.standing import folded_away, id_of, standing_of

RETRACTED = FactKind.RETRACTED.value
JOINED = FactKind.JOINED.value
LEFT = FactKind.LEFT.value
LEAVING = FactKind.LEAVING.value

INDEX_AT = 24
"""Remembered facts from which on ids are looked up rather than searched."""

SNAPSHOT_EVERY = 64
"""Facts between two states kept to fold on from: a late fact of a busy customer costs the facts after it."""

NEVER = -(1 << 62)

EventId = tuple[str, str, int]


class Customer(msgspec.Struct, gc=False, array_like=True):
    """One customer in memory.

    Attributes:
        base: the fold of the facts that were let go; nothing due after its last fact is in it.
        facts: remembered facts in order, ignored ones too (they are also the memory of ids).
        state: the fold of base and facts, with what fell due up to the partition's clock.
        newest: the order of the newest fact ever seen, whatever became of it.
        folded_to: event time of the newest fact folded; what was due until then has fallen due.
        by_clock_at: instant of the newest change that the clock made, NEVER if none.
        tangled: conflicts or retractions are among the facts.
        wheel_minute: under which minute the wheel holds this customer, 0 if it does not.
        ids: remembered facts by id, once there are many.
        snapshots: (number of facts, state after them), oldest first.
        saved: the changelog holds a value of this customer, and `appended` more with facts that came since.
        save_whole: more has changed than that facts came.
        unsaved: facts that came since it was written.
        before_loss: the same of the facts before the last `left` that was a loss: it may yet be half of one change.
        looked_at: `newest` when the sweep last looked.
    """

    base: CustomerState
    facts: list[Fact]
    state: CustomerState
    newest: Order
    folded_to: int = NEVER
    by_clock_at: int = NEVER
    tangled: bool = False
    wheel_minute: int = 0
    ids: dict[EventId, list[Fact]] | None = None
    snapshots: list[tuple[int, CustomerState]] = msgspec.field(default_factory=list)
    before_loss: tuple[int, CustomerState] | None = None
    saved: bool = False
    save_whole: bool = False
    appended: int = 0
    unsaved: list[Fact] = msgspec.field(default_factory=list)
    looked_at: Order | None = None


@dataclass(frozen=True, slots=True)
class Folded:
    state: CustomerState
    movements: list[Movement]
    outcomes: list[Ignored | None]
    tangled: bool
    snapshots: list[tuple[int, CustomerState]]


def next_due(state: CustomerState) -> int | None:
    if state.status != Status.ACTIVE:
        return None
    if state.pending is None:
        return state.lapse_due
    if state.lapse_due is None:
        return state.pending.effective_at
    return min(state.lapse_due, state.pending.effective_at)


def at_of(fact: Fact) -> int:
    return fact.at


def of_same_id(customer: Customer, fact: Fact) -> Sequence[Fact]:
    facts = customer.facts
    if len(facts) < INDEX_AT:
        event_id = fact.event_id
        return [
            known
            for known in facts
            if known.event_id == event_id and known.silo == fact.silo and known.place == fact.place
        ]
    if customer.ids is None:
        customer.ids = {}
        for known in facts:
            customer.ids.setdefault(id_of(known), []).append(known)
    return customer.ids.get(id_of(fact), ())


def start_of(rules: LedgerRules, customer: Customer, fact: Fact | None) -> tuple[int, CustomerState]:
    """The newest state that neither this fact nor what it can reach back to has a part in."""
    if customer.tangled or fact is None or fact.kind == RETRACTED:
        return 0, customer.base
    last = customer.before_loss
    if last is not None and customer.newest < order_of(fact) and customer.by_clock_at <= fact.at:
        return last
    reach = fact.at
    if fact.kind in (LEFT, JOINED, LEAVING):
        reach -= rules.grouping_us
    for count, state in reversed(customer.snapshots):
        if customer.facts[count - 1].at < reach:
            return count, state
    return 0, customer.base


def folded(rules: LedgerRules, base: CustomerState, facts: Sequence[Fact], until: int) -> Folded:
    standing = standing_of(facts)
    fold = Fold(rules, copy(base), standing.facts)
    fold.run(until, snapshot_every=SNAPSHOT_EVERY)
    outcomes = standing.outcomes(fold.outcomes)
    tangled = len(standing.facts) < len(facts)
    return Folded(fold.state, fold.movements, outcomes, tangled, fold.snapshots)


def settle(rules: LedgerRules, customer: Customer, watermark: int) -> None:
    """Fold into the base the facts that no fact still to come can change the meaning of."""
    facts = customer.facts
    before = watermark - rules.horizon_us - rules.grouping_us
    if not facts or facts[0].at >= before:
        return
    count = bisect_left(facts, before, key=at_of)
    near = customer.newest[0] - rules.grouping_us
    for index in range(count - 1, -1, -1):
        if facts[index].at < near:
            break
        if facts[index].kind in (LEFT, JOINED):
            count = index
    reported = customer.state.reported
    if reported is not None and reported.at >= near:
        count = min(count, bisect_left(facts, reported.at, key=at_of))
    if count <= 0 or count < len(facts) // 4:
        return
    while count > 0 and not fold_away(rules, customer, count):
        count -= 1


def fold_away(rules: LedgerRules, customer: Customer, count: int) -> bool:
    """Fold the first facts into the base; False, and nothing is done, where that would part one change."""
    facts = customer.facts
    standing = standing_of(facts)
    stop = bisect_left(standing.positions, count)
    fold = Fold(rules, copy(customer.base), standing.facts).run(NEVER, stop)
    if fold.state.changing:
        return False
    customer.base = fold.state
    customer.save_whole = True
    customer.facts = folded_away(facts, standing, count) if customer.tangled else facts[count:]
    customer.ids = None
    customer.before_loss = None
    customer.snapshots = [(n - count, state) for n, state in customer.snapshots if n > count]
    return True
