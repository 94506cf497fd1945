"""The ledger of one partition: its customers, and exact tables whatever the order of arrival.

A customer is a base (the fold of facts that nothing can change any more) and the sorted list of its remembered facts.
A fact that comes in order is folded onto the state at once. Any other folds the list again, and the difference of the
two lists of movements is what the tables are corrected by.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, MutableMapping, Sequence
from copy import copy

from streams.facts.models import Fact, FactKind
from streams.ledger import late_openings
from streams.ledger.counts import FactCounts
from streams.ledger.customer import CustomerState, Order, Status, order_of
from streams.ledger.fold import Fold
from streams.ledger.movements import Change, Ignored, Movement, MovementKind
from streams.ledger.packing import More, unpack_more
from streams.ledger.plain import Teller, plain_step
from streams.ledger.remembered import (
    NEVER,
    SNAPSHOT_EVERY,
    Customer,
    Folded,
    at_of,
    fold_away,
    folded,
    next_due,
    of_same_id,
    settle,
    start_of,
)
from streams.ledger.resting import RestingCustomers
from streams.ledger.rules import MINUTE, LedgerRules
from streams.ledger.standing import LATE, forget_id, id_of, settle_old, version_of
from streams.ledger.sweep import Sweep
from streams.ledger.wheel import Wheel

HEARTBEAT = FactKind.HEARTBEAT.value
OPENING = FactKind.OPENING.value
RETRACTED = FactKind.RETRACTED.value
JOINED = FactKind.JOINED.value
LEFT = FactKind.LEFT.value
LEAVING = FactKind.LEAVING.value
LOST = MovementKind.LOST.value

BLANK_ORDER: Order = (NEVER, "", 0, "", 0)
"""Before every fact."""

SETTLE_EVERY = 16
"""Remembered facts between two tries to fold old ones into the base."""

NOT_COUNTED = frozenset({MovementKind.OPENING.value, MovementKind.PENDING.value})


class PartitionLedger:
    """Facts of one partition in, movements out.

    Attributes:
        watermark: the largest event time admitted, NEVER before the first.
        clock: up to which instant dues have fallen; never goes back.
        counts: what became of the facts.
        customers: those awake; any other that is known is in `resting`.
        dirty: customers touched since the caller last cleared it, when it saved them.
        changes: movements derived or withdrawn since the caller last cleared it.
    """

    def __init__(self, rules: LedgerRules) -> None:
        self.rules = rules
        self.watermark = NEVER
        self.clock = NEVER
        self.counts = FactCounts()
        self.customers: dict[str, Customer] = {}
        self.resting = RestingCustomers()
        self.dirty: set[str] = set()
        self.changes: list[Change] = []
        self._plain_step = plain_step(rules)
        self._wheel = Wheel()
        self._sweep = Sweep()

    def apply(self, facts: Iterable[Fact], teller: Teller | None = None) -> None:
        """Apply facts in their order of arrival; with a `teller` it may be told of movements past `changes`."""
        facts = list(facts)
        quiet = self.resting.quiet
        self._apply_all(facts, teller)
        self._sweep.press(self, len(facts), quiet - self.resting.quiet)

    def _apply_all(self, facts: list[Fact], teller: Teller | None) -> None:
        if self._plain_step is not None:
            self._plain_step(self, facts, teller)
            return
        for fact in facts:
            if fact.at > self.watermark:
                self.watermark = fact.at
            if fact.customer_id not in self.customers:
                self.wake(fact.customer_id)
            self.apply_slowly(fact)

    def apply_slowly(self, fact: Fact) -> None:
        """Apply one fact of a customer who is awake or new, by the way that takes any fact.

        The watermark has taken in its event time.
        """
        if fact.kind != HEARTBEAT:
            self.counts.facts += 1
            self._apply_one(fact)

    def advance(self, clock: int) -> None:
        """Let fall due what is due at or before `clock` (microseconds)."""
        if clock <= self.clock:
            return
        due_now = self._wheel.due(clock)
        if self.resting:
            for customer_id in due_now:
                if customer_id not in self.customers:
                    self.wake(customer_id)  # by the clock so far: what falls due now is yet to be told
        self.clock = clock
        for customer_id in due_now:
            customer = self.customers[customer_id]
            customer.wheel_minute = 0
            due = next_due(customer.state)
            if due is not None and due <= clock:
                self._strike(customer_id, customer)
                self.dirty.add(customer_id)
            self._schedule(customer_id, customer)

    def restore(self, watermark: int, clock: int, counts: FactCounts, values: MutableMapping[bytes, bytes]) -> None:
        """Take over a saved state; the movements of its customers are already in the tables.

        `values` are those of a changelog; customers are taken out, and rest until something touches them.

        Raises: ValueError for what another version saved, msgspec.MsgspecError for what cannot be read.
        """
        self.watermark, self.clock, self.counts = watermark, clock, counts
        for customer_id, minute in self.resting.load(values):
            self._wheel.add(minute * MINUTE, customer_id)
        for customer_id, more in unpack_more(values).items():
            if self.wake(customer_id, more) is None:
                raise ValueError(f"facts were saved of a customer that was not: {customer_id!r}")

    @property
    def known(self) -> int:
        """How many customers there are, at rest or not."""
        return len(self.customers) + len(self.resting)

    def state_of(self, customer_id: str) -> CustomerState | None:
        """A customer as it is now, at rest or not; to be read only. None: it is not known."""
        customer = self.customers.get(customer_id)
        if customer is not None:
            return customer.state
        found = self.resting.look(customer_id)
        if found is None:
            return None
        copied, is_whole = found
        return copied.state if is_whole else self._fold(copied.base, copied.facts, copied.folded_to).state

    def sweep(self, most: int) -> None:
        """Settle the next so many customers, in turn, and put to rest those whom no fact touches.

        Only whom the caller has saved can rest. One that is put to rest counts as several that are looked at.
        """
        self._sweep.tick(self, most)

    def wake(self, customer_id: str, more: Sequence[More] = ()) -> Customer | None:
        """Bring a customer back from rest, with the facts saved apart; None for one that is not known."""
        found = self.resting.take(customer_id)
        if found is None:
            return None
        customer, is_whole = found
        for part in more:
            customer.facts.extend(part.facts)
            customer.newest = max(customer.newest, part.newest)
            customer.folded_to = max(customer.folded_to, part.folded_to)
            customer.appended += 1
        if more:
            customer.facts.sort(key=order_of)
        if more or not is_whole:
            after = self._fold(customer.base, customer.facts, customer.folded_to)
            customer.state = after.state
            self._note_clock(customer, after.movements)
        self.customers[customer_id] = customer
        self._schedule(customer_id, customer)
        return customer

    def add_blank(self, customer_id: str) -> Customer:
        """A customer of whom nothing is known yet."""
        customer = self.customers[customer_id] = Customer(CustomerState(), [], CustomerState(), BLANK_ORDER)
        return customer

    def begin(self, customer_id: str, state: CustomerState, at: int) -> None:
        """A customer of whom nothing is known here begins with a state at an instant; whoever calls books it."""
        customer = self.add_blank(customer_id)
        customer.base, customer.state = state, copy(state)
        customer.newest, customer.folded_to = (at, "", 0, "", 0), at
        self.watermark = max(self.watermark, at)
        self.dirty.add(customer_id)
        self._schedule(customer_id, customer)

    def state_at(self, customer_id: str, at: int) -> CustomerState | None:
        """A customer as it was at an instant not older than the horizon; None: it is not known."""
        found = self.customers.get(customer_id) or (self.resting.look(customer_id) or (None,))[0]
        if found is None:
            return None
        return self._fold(found.base, [fact for fact in found.facts if fact.at <= at], at).state

    def refold(self, customer_id: str, customer: Customer, base: CustomerState, facts: list[Fact]) -> None:
        """Put another base and other remembered facts in place of a customer's, and book the difference."""
        before = self._fold(customer.base, customer.facts, customer.folded_to)
        after = self._fold(base, facts, customer.folded_to)
        for outcome in before.outcomes:
            self.counts.count_outcome(outcome, -1)
        for outcome in after.outcomes:
            self.counts.count_outcome(outcome)
        self._correct(customer_id, before.movements, after.movements)
        self.counts.pending += (after.state.pending is not None) - (customer.state.pending is not None)
        customer.base, customer.facts, customer.state, customer.tangled = base, facts, after.state, after.tangled
        customer.ids = customer.before_loss = None
        customer.snapshots = list(after.snapshots) if not after.tangled else []
        customer.save_whole = True
        customer.by_clock_at = NEVER
        self._note_clock(customer, after.movements)
        self.dirty.add(customer_id)
        self._schedule(customer_id, customer)

    def ids(self) -> list[str]:
        """Of all customers that are known."""
        return [*self.customers, *self.resting.ids()]

    def look_at(self, customer_id: str, since: int) -> tuple[CustomerState, list[Movement]] | None:
        """The state of a customer now, and the movements that led to it from `since` (microseconds) on, at least.

        None for one that is not known. Nothing is changed, and nobody woken.
        """
        customer, is_whole = self.customers.get(customer_id), True
        if customer is None:
            found = self.resting.look(customer_id)
            if found is None:
                return None
            customer, is_whole = found
        if is_whole and max(customer.newest[0], customer.by_clock_at) < since:
            return customer.state, []
        after = self._fold(customer.base, customer.facts, customer.folded_to)
        return after.state, after.movements

    # One fact

    def _apply_one(self, fact: Fact) -> None:
        customer_id = fact.customer_id
        customer = self.customers.get(customer_id)
        order = order_of(fact)
        remembered_from = self.watermark - self.rules.horizon_us
        if customer is None:
            customer = self.add_blank(customer_id)
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
            settle(self.rules, customer, self.watermark)
        self._schedule(customer_id, customer)

    def _is_known(self, customer: Customer, fact: Fact, remembered_from: int) -> bool:
        """Compare with the remembered facts of the same id; True when that settles what becomes of it."""
        same = of_same_id(customer, fact)
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
        old = bisect_left(customer.facts, remembered_from, key=at_of)
        if not is_known or implied is None or implied.order[0] >= remembered_from:
            fold_away(self.rules, customer, old)
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
        fold_away(self.rules, customer, old - 1 if stays else old)
        before = self._fold(customer.base, customer.facts, customer.folded_to)
        if stays and departure is not None:
            customer.base = late_openings.reopened(self.rules, departure)
        customer.save_whole = True
        folded_away = customer.base.implied
        late_openings.replace_implied(self.rules, customer.base, implied, fact)
        customer.snapshots.clear()
        customer.before_loss = None
        after = self._fold(customer.base, customer.facts, customer.folded_to)
        changes = list(late_openings.corrections(self.rules, implied, fact))
        if stays:  # the rest is in the difference of the two folds
            changes = changes[1:2]
        changes += late_openings.since_corrections(self.rules, folded_away, fact)
        for change in changes:
            self.emit(customer_id, *change)
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
        facts.append(fact)
        if customer.saved:
            customer.unsaved.append(fact)
        customer.folded_to = fact.at
        if not len(facts) % SNAPSHOT_EVERY:
            customer.snapshots.append((len(facts), copy(state)))
        due = next_due(state)
        if due is not None and (due <= self.clock or due <= fact.at):
            fold.strike(max(self.clock, fact.at))
        self._amend(fold)
        self.counts.count_outcome(fold.outcomes[0])
        if fold.movements:
            self._note_clock(customer, fold.movements)
            for movement in fold.movements:
                self.emit(customer_id, movement, 1)
        self.counts.pending += (state.pending is not None) - pending_before

    def _fold_again(self, customer_id: str, customer: Customer, fact: Fact | None, newest: Order) -> None:
        """Fold the list again with one fact more (None: as far as the clock has come), and book the difference."""
        facts = customer.facts
        start, base = start_of(self.rules, customer, fact)
        before = self._fold(base, facts[start:], customer.folded_to)
        if fact is not None:
            insort(facts, fact, key=order_of)
            if customer.saved:
                customer.unsaved.append(fact)
            customer.folded_to = max(customer.folded_to, fact.at)
        after = self._fold(base, facts[start:], customer.folded_to)
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

    def _fold(self, base: CustomerState, facts: Sequence[Fact], folded_to: int) -> Folded:
        return folded(self.rules, base, facts, max(self.clock, folded_to))

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
                self.emit(customer_id, movement, 1 if times > 0 else -1)

    def _strike(self, customer_id: str, customer: Customer) -> None:
        state = customer.state
        fold = Fold(self.rules, state, ())
        pending_before = state.pending is not None
        fold.strike(self.clock)
        self._amend(fold)
        self._note_clock(customer, fold.movements)
        for movement in fold.movements:
            self.emit(customer_id, movement, 1)
        self.counts.pending += (state.pending is not None) - pending_before

    def _note_clock(self, customer: Customer, movements: list[Movement]) -> None:
        if movements and movements[-1].at > customer.folded_to:
            customer.by_clock_at = movements[-1].at

    def emit(self, customer_id: str, movement: Movement, sign: int) -> None:
        """Book a movement that came (1) or was withdrawn (-1)."""
        self.changes.append(Change(customer_id, movement, sign))
        if movement.kind not in NOT_COUNTED:
            self.counts.movements[movement.kind] += sign
            if movement.cause is None and movement.kind == LOST:
                self.counts.by_clock += sign

    def _schedule(self, customer_id: str, customer: Customer) -> None:
        due = next_due(customer.state)
        if due is not None and (customer.wheel_minute == 0 or due // 60_000_000 < customer.wheel_minute):
            customer.wheel_minute = self._wheel.add(due, customer_id)

