"""The ledger of one partition: its customers, and exact tables whatever the order of arrival.

A customer is a base (the fold of facts that nothing can change any more) and the sorted list of its remembered facts.
A fact that comes in order is folded onto the state at once. Any other folds the list again, and the difference of the
two lists of movements is what the tables are corrected by.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field

import msgspec

from streams.facts.models import Fact, FactKind
from streams.ledger import late_openings
from streams.ledger.customer import CustomerState, Order, Status, order_of
from streams.ledger.fold import Fold
from streams.ledger.movements import Ignored, Movement, MovementKind
from streams.ledger.rules import LedgerRules
from streams.ledger.standing import (
    LATE,
    folded_away,
    forget_id,
    id_of,
    settle_old,
    standing_of,
    version_of,
)
from streams.ledger.wheel import Wheel

HEARTBEAT = FactKind.HEARTBEAT.value
OPENING = FactKind.OPENING.value
RETRACTED = FactKind.RETRACTED.value
JOINED = FactKind.JOINED.value
LEFT = FactKind.LEFT.value
LEAVING = FactKind.LEAVING.value
LOST = MovementKind.LOST.value

SETTLE_EVERY = 16
"""Remembered facts between two tries to fold old ones into the base."""

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


class Change(msgspec.Struct, frozen=True, gc=False):
    """A movement of one customer that came (+1) or was withdrawn (-1)."""

    customer_id: str
    movement: Movement
    sign: int


@dataclass(slots=True)
class FactCounts:
    """What became of facts: facts = applied + ignored + pending; movements stand beside the sum."""

    facts: int = 0
    applied: int = 0  # pending ones among them until `accounting` takes them out
    ignored: Counter[str] = field(default_factory=Counter)
    pending: int = 0
    beyond_horizon: int = 0
    movements: Counter[str] = field(default_factory=Counter)
    by_clock: int = 0

    def count_outcome(self, outcome: Ignored | None, sign: int = 1) -> None:
        """Count one fact as applied (None) or ignored, or take it back."""
        if outcome is None:
            self.applied += sign
        else:
            self.ignored[outcome.value] += sign

    def add(self, other: "FactCounts") -> None:
        """Add another partition's counts."""
        self.facts += other.facts
        self.applied += other.applied
        self.pending += other.pending
        self.beyond_horizon += other.beyond_horizon
        self.by_clock += other.by_clock
        self.ignored.update(other.ignored)
        self.movements.update(other.movements)


NOT_COUNTED = frozenset({MovementKind.OPENING.value, MovementKind.PENDING.value})


class PartitionLedger:
    """Facts of one partition in, movements out.

    Attributes:
        watermark: the largest event time admitted, NEVER before the first.
        clock: up to which instant dues have fallen; never goes back.
        counts: what became of the facts.
        dirty: customers touched since the caller last cleared it.
        changes: movements derived or withdrawn since the caller last cleared it.
    """

    def __init__(self, rules: LedgerRules) -> None:
        self.rules = rules
        self.watermark = NEVER
        self.clock = NEVER
        self.counts = FactCounts()
        self.customers: dict[str, Customer] = {}
        self.dirty: set[str] = set()
        self.changes: list[Change] = []
        self._wheel = Wheel()

    def apply(self, facts: Iterable[Fact]) -> None:
        """Apply facts in their order of arrival."""
        for fact in facts:
            if fact.at > self.watermark:
                self.watermark = fact.at
            if fact.kind == HEARTBEAT:
                continue
            self.counts.facts += 1
            self._apply_one(fact)

    def advance(self, clock: int) -> None:
        """Let fall due what is due at or before `clock` (microseconds)."""
        if clock <= self.clock:
            return
        self.clock = clock
        for customer_id in self._wheel.due(clock):
            customer = self.customers[customer_id]
            customer.wheel_minute = 0
            due = _next_due(customer.state)
            if due is not None and due <= clock:
                self._strike(customer_id, customer)
                self.dirty.add(customer_id)
            self._schedule(customer_id, customer)

    def restore(self, watermark: int, clock: int, counts: FactCounts, customers: dict[str, Customer]) -> None:
        """Take over a saved state; the movements of its customers are already in the tables."""
        self.watermark, self.clock, self.counts = watermark, clock, counts
        self.customers = customers
        for customer_id, customer in customers.items():
            folded = self._folded(customer.base, customer.facts, customer.folded_to)
            customer.state = folded.state
            self._note_clock(customer, folded.movements)
            self._schedule(customer_id, customer)

    # One fact

    def _apply_one(self, fact: Fact) -> None:
        customer_id = fact.customer_id
        customer = self.customers.get(customer_id)
        order = order_of(fact)
        remembered_from = self.watermark - self.rules.horizon_us
        if customer is None:
            blank = CustomerState()
            customer = Customer(blank, [], CustomerState(), (NEVER, "", 0, "", 0))
            self.customers[customer_id] = customer
        else:
            if customer.tangled or fact.kind == RETRACTED:
                settle_old(customer.facts, remembered_from)
                customer.save_whole = True
            if self._is_known(customer, fact, remembered_from):
                return
        is_late = fact.at < remembered_from
        in_order = order > customer.newest
        if is_late:
            if fact.kind == OPENING:
                if self._late_opening(customer_id, customer, fact, order, remembered_from):
                    return
            elif not in_order or fact.kind == RETRACTED:
                customer.newest = max(customer.newest, order)
                self.dirty.add(customer_id)
                self.counts.count_outcome(Ignored.SUPERSEDED)
                return
            else:
                self.counts.beyond_horizon += 1
            fact.mark = LATE
        self.dirty.add(customer_id)
        if in_order and not customer.tangled and self._is_plain(customer, fact):
            self._fold_on(customer_id, customer, fact)
            customer.newest = order
        else:
            self._fold_again(customer_id, customer, fact, max(customer.newest, order))
        if customer.ids is not None:
            customer.ids.setdefault(id_of(fact), []).append(fact)
        if not len(customer.facts) % SETTLE_EVERY:
            self.settle(customer)
        self._schedule(customer_id, customer)

    def _is_known(self, customer: Customer, fact: Fact, remembered_from: int) -> bool:
        """Compare with the remembered facts of the same id; True when that settles what becomes of it."""
        same = self._of_same_id(customer, fact)
        if not same:
            return False
        remembered = [known for known in same if known.at >= remembered_from]
        if not remembered:
            for known in same:
                forget_id(known)
            customer.save_whole = True
            return False
        version = version_of(fact)
        if any(version_of(known) == version for known in remembered):
            self.counts.count_outcome(Ignored.DUPLICATE)
            return True
        if fact.at < remembered_from:
            self.counts.count_outcome(Ignored.CONFLICT)
            customer.newest = max(customer.newest, order_of(fact))
            return True
        customer.tangled = True
        return False

    def _of_same_id(self, customer: Customer, fact: Fact) -> Sequence[Fact]:
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

    def _late_opening(
        self, customer_id: str, customer: Customer, fact: Fact, order: Order, remembered_from: int
    ) -> bool:
        """An opening older than the horizon; True when it has been dealt with, False: fold it in its place."""
        implied = customer.state.implied
        is_known = customer.state.status != Status.UNKNOWN
        if is_known and (implied is None or order >= implied.order):
            customer.newest = max(customer.newest, order)
            self.counts.count_outcome(Ignored.ALREADY_KNOWN)
            self.dirty.add(customer_id)
            return True
        old = bisect_left(customer.facts, remembered_from, key=_at)
        if not is_known or implied is None or implied.order[0] >= remembered_from:
            self._fold_away(customer, old)
            return False
        # A departure that implied it may yet be half of one change: then it stays a fact, and only the opening before
        # it is replaced. Everything else that is older than the horizon is not derived anew.
        departure = customer.facts[old - 1] if old else None
        stays = (
            customer.base.status == Status.UNKNOWN
            and implied.loss is not None
            and departure is not None
            and order_of(departure) == implied.order
            and departure.at >= remembered_from - self.rules.grouping_us
        )
        self._fold_away(customer, old - 1 if stays else old)
        before = self._folded(customer.base, customer.facts, customer.folded_to)
        if stays and departure is not None:
            customer.base = late_openings.reopened(self.rules, departure)
        customer.save_whole = True
        late_openings.replace_implied(self.rules, customer.base, implied, fact)
        customer.snapshots.clear()
        customer.before_loss = None
        after = self._folded(customer.base, customer.facts, customer.folded_to)
        changes = list(late_openings.corrections(self.rules, implied, fact))
        if stays:  # the rest is in the difference of the two folds
            changes = changes[1:2]
        for change in changes:
            self._emit(customer_id, *change)
        self._correct(customer_id, before.movements, after.movements)
        customer.state = after.state
        customer.state.implied = None
        self.counts.count_outcome(None)
        self.dirty.add(customer_id)
        self._schedule(customer_id, customer)
        return True

    def _is_plain(self, customer: Customer, fact: Fact) -> bool:
        """Folding this newest fact onto the state changes nothing that earlier facts or dues meant."""
        state, kind = customer.state, fact.kind
        if kind == RETRACTED or customer.by_clock_at > fact.at:
            return False
        reported = state.reported
        if reported is None or fact.at > reported.at + self.rules.grouping_us:
            return True
        if kind == JOINED:
            return not state.half or fact.silo != reported.silo
        return kind not in (LEFT, LEAVING) or fact.silo == reported.silo

    def _fold_on(self, customer_id: str, customer: Customer, fact: Fact) -> None:
        state = customer.state
        fold = Fold(self.rules, state, (fact,))
        pending_before = state.pending is not None
        facts = customer.facts
        if fact.kind == LEFT and state.status == Status.ACTIVE:
            customer.before_loss = (len(facts), copy(state))
        fold.step(fact)
        self._amend(fold)
        facts.append(fact)
        if customer.saved:
            customer.unsaved.append(fact)
        customer.folded_to = fact.at
        if not len(facts) % SNAPSHOT_EVERY:
            customer.snapshots.append((len(facts), copy(state)))
        self.counts.count_outcome(fold.outcomes[0])
        due = _next_due(state)
        if due is not None and (due <= self.clock or due <= fact.at):
            fold.strike(max(self.clock, fact.at))
        if fold.movements:
            self._note_clock(customer, fold.movements)
            for movement in fold.movements:
                self._emit(customer_id, movement, 1)
        self.counts.pending += (state.pending is not None) - pending_before

    def _fold_again(self, customer_id: str, customer: Customer, fact: Fact | None, newest: Order) -> None:
        """Fold the list again with one fact more (None: as far as the clock has come), and book the difference."""
        facts = customer.facts
        start, base = self._start(customer, fact)
        before = self._folded(base, facts[start:], customer.folded_to)
        if fact is not None:
            insort(facts, fact, key=order_of)
            if customer.saved:
                customer.unsaved.append(fact)
            customer.folded_to = max(customer.folded_to, fact.at)
        after = self._folded(base, facts[start:], customer.folded_to)
        for outcome in before.outcomes:
            self.counts.count_outcome(outcome, -1)
        for outcome in after.outcomes:
            self.counts.count_outcome(outcome)
        self._correct(customer_id, before.movements, after.movements)
        self.counts.pending += (after.state.pending is not None) - (customer.state.pending is not None)
        customer.save_whole = customer.save_whole or after.tangled or customer.tangled
        customer.tangled = after.tangled
        while customer.snapshots and customer.snapshots[-1][0] > start:
            customer.snapshots.pop()
        if not after.tangled:
            customer.snapshots.extend((start + count, state) for count, state in after.snapshots)
        customer.before_loss = None
        customer.state = after.state
        customer.newest = newest
        customer.by_clock_at = NEVER
        self._note_clock(customer, after.movements)

    def _start(self, customer: Customer, fact: Fact | None) -> tuple[int, CustomerState]:
        """The newest state that neither this fact nor what it can reach back to has a part in."""
        if customer.tangled or fact is None or fact.kind == RETRACTED:
            return 0, customer.base
        last = customer.before_loss
        if last is not None and customer.newest < order_of(fact) and customer.by_clock_at <= fact.at:
            return last
        reach = fact.at
        if fact.kind in (LEFT, JOINED, LEAVING):
            reach -= self.rules.grouping_us
        for count, state in reversed(customer.snapshots):
            if customer.facts[count - 1].at < reach:
                return count, state
        return 0, customer.base

    def _folded(self, base: CustomerState, facts: Sequence[Fact], folded_to: int) -> "_Folded":
        standing = standing_of(facts)
        fold = Fold(self.rules, copy(base), standing.facts)
        fold.run(max(self.clock, folded_to), snapshot_every=SNAPSHOT_EVERY)
        outcomes = standing.outcomes(fold.outcomes)
        tangled = len(standing.facts) < len(facts)
        return _Folded(fold.state, fold.movements, outcomes, tangled, fold.snapshots)

    def _amend(self, fold: Fold) -> None:
        """A `joined` that was ignored turned out to be half of one change."""
        if fold.amended:
            self.counts.count_outcome(Ignored.ALREADY_ACTIVE, -1)
            self.counts.count_outcome(None)

    def _correct(self, customer_id: str, before: list[Movement], after: list[Movement]) -> None:
        shared = 0
        for old, new in zip(before, after, strict=False):
            if old != new:
                break
            shared += 1
        difference = Counter(after[shared:])
        difference.subtract(before[shared:])
        for movement, times in difference.items():
            for _ in range(abs(times)):
                self._emit(customer_id, movement, 1 if times > 0 else -1)

    def _strike(self, customer_id: str, customer: Customer) -> None:
        state = customer.state
        fold = Fold(self.rules, state, ())
        pending_before = state.pending is not None
        fold.strike(self.clock)
        self._amend(fold)
        self._note_clock(customer, fold.movements)
        for movement in fold.movements:
            self._emit(customer_id, movement, 1)
        self.counts.pending += (state.pending is not None) - pending_before

    def _note_clock(self, customer: Customer, movements: list[Movement]) -> None:
        if movements and movements[-1].at > customer.folded_to:
            customer.by_clock_at = movements[-1].at

    def _emit(self, customer_id: str, movement: Movement, sign: int) -> None:
        self.changes.append(Change(customer_id, movement, sign))
        if movement.kind not in NOT_COUNTED:
            self.counts.movements[movement.kind] += sign
            if movement.cause is None and movement.kind == LOST:
                self.counts.by_clock += sign

    def _schedule(self, customer_id: str, customer: Customer) -> None:
        due = _next_due(customer.state)
        if due is not None and (customer.wheel_minute == 0 or due // 60_000_000 < customer.wheel_minute):
            customer.wheel_minute = self._wheel.add(due, customer_id)

    def settle(self, customer: Customer) -> None:
        """Fold into the base the facts that no fact still to come can change the meaning of."""
        rules, facts = self.rules, customer.facts
        before = self.watermark - rules.horizon_us - rules.grouping_us
        if not facts or facts[0].at >= before:
            return
        count = bisect_left(facts, before, key=_at)
        near = customer.newest[0] - rules.grouping_us
        for index in range(count - 1, -1, -1):
            if facts[index].at < near:
                break
            if facts[index].kind in (LEFT, JOINED):
                count = index
        reported = customer.state.reported
        if reported is not None and reported.at >= near:
            count = min(count, bisect_left(facts, reported.at, key=_at))
        if count <= 0 or count < len(facts) // 4:
            return
        while count > 0 and not self._fold_away(customer, count):
            count -= 1

    def _fold_away(self, customer: Customer, count: int) -> bool:
        """Fold the first facts into the base; False, and nothing is done, where that would part one change."""
        facts = customer.facts
        standing = standing_of(facts)
        stop = bisect_left(standing.positions, count)
        fold = Fold(self.rules, copy(customer.base), standing.facts).run(NEVER, stop)
        if fold.state.changing:
            return False
        customer.base = fold.state
        customer.save_whole = True
        customer.facts = folded_away(facts, standing, count) if customer.tangled else facts[count:]
        customer.ids = None
        customer.before_loss = None
        customer.snapshots = [(n - count, state) for n, state in customer.snapshots if n > count]
        return True


@dataclass(frozen=True, slots=True)
class _Folded:
    state: CustomerState
    movements: list[Movement]
    outcomes: list[Ignored | None]
    tangled: bool
    snapshots: list[tuple[int, CustomerState]]


def _next_due(state: CustomerState) -> int | None:
    if state.status != Status.ACTIVE:
        return None
    if state.pending is None:
        return state.lapse_due
    if state.lapse_due is None:
        return state.pending.effective_at
    return min(state.lapse_due, state.pending.effective_at)


def _at(fact: Fact) -> int:
    return fact.at

