"""Fold one customer's facts, in order, into its state, its movements and what became of each fact.

What falls due by the clock (pending losses, lapses) strikes between the facts, before those of the same instant.
The rows of the customer math's table are in `transitions.py`; this module holds the order and what one row needs to
know of its neighbours: the two facts of one change, and the reason that another silo gives to a loss.
"""

from collections.abc import Sequence
from copy import copy

from streams.facts.models import Fact, FactKind, LossKind
from streams.ledger import losses, transitions
from streams.ledger.customer import CustomerState, ImpliedOpening, ReportedLoss, Status
from streams.ledger.movements import Ignored, Movement
from streams.ledger.rules import LedgerRules
from streams.ledger.values import record_amount

LEFT = FactKind.LEFT.value
JOINED = FactKind.JOINED.value
LEAVING = FactKind.LEAVING.value


class Fold:
    """A fold in progress.

    Attributes:
        state: the customer after the facts so far; changed in place.
        movements: in the order in which they were derived.
        outcomes: for each fact folded None (applied) or why it was ignored.
        snapshots: (number of facts, state after them), if asked for.
        amended: a `joined` folded before this fold began was ignored, and is half of one change after all.
    """

    __slots__ = (
        "_facts",
        "_joined_index",
        "_loss_index",
        "_next",
        "amended",
        "movements",
        "outcomes",
        "rules",
        "snapshots",
        "state",
    )

    def __init__(self, rules: LedgerRules, state: CustomerState, facts: Sequence[Fact]) -> None:
        self.rules = rules
        self.state = state
        self.movements: list[Movement] = []
        self.outcomes: list[Ignored | None] = []
        self.amended = False
        self.snapshots: list[tuple[int, CustomerState]] = []
        self._facts = facts
        self._next = 0
        self._loss_index = -1
        self._joined_index = -1

    def run(self, until: int, stop: int | None = None, snapshot_every: int = 0) -> "Fold":
        """Fold the facts (the first `stop` of them), then strike what is due at or before `until`.

        With `stop`, nothing is struck after the last fact folded: it is the state in which later facts are judged.
        """
        end = len(self._facts) if stop is None else stop
        while self._next < end:
            self.step(self._facts[self._next])
            if snapshot_every and not self._next % snapshot_every and not self.state.changing:
                self.snapshots.append((self._next, copy(self.state)))
        if stop is None:
            self.strike(until)
        return self

    def step(self, fact: Fact) -> None:
        """Fold one fact."""
        state = self.state
        if state.lapse_due is not None or state.pending is not None:
            self.strike(fact.at)
        self._next += 1
        if self.rules.trailing is not None and fact.amount is not None:
            record_amount(state, fact, self.rules.trailing)
        if fact.kind == LEFT or fact.kind == LEAVING:
            outcome = self._departure(fact)
        elif fact.kind == JOINED:
            outcome = self._joined(fact)
        else:
            outcome = transitions.BY_KIND[fact.kind](self, fact)
        self.outcomes.append(outcome)

    def strike(self, until: int) -> None:
        """Let fall due what is due at or before `until`, in the order of time; a pending loss before a lapse."""
        state = self.state
        while state.status == Status.ACTIVE and not state.changing:
            pending, lapse = state.pending, state.lapse_due
            if (
                pending is not None
                and pending.effective_at <= until
                and (lapse is None or pending.effective_at <= lapse)
            ):
                at, silo = pending.effective_at, pending.silo
                if self._completes_change(at, silo):
                    continue
                if self._begins_change(at, silo):
                    losses.end_pending(self, at)
                    state.changing = True
                    return
                self._lose(at, silo, None, pending.reason, pending.loss_kind)
            elif lapse is not None and lapse <= until:
                losses.lose(self, lapse, None, LossKind.LAPSED, LossKind.LAPSED)
                state.lapsed = True
            else:
                return

    def _departure(self, fact: Fact) -> Ignored | None:
        state, rules = self.state, self.rules
        is_left = fact.kind == LEFT
        reported = state.reported
        if (
            reported is not None
            and fact.silo != reported.silo
            and reported.at <= fact.at <= reported.at + rules.same_departure_us
        ):
            self._take_reason(fact, reported)
            if is_left:
                state.joined = None
                state.half = False
            return Ignored.SEEN_ELSEWHERE
        if not is_left:
            return transitions.on_leaving(self, fact)
        if state.status == Status.UNKNOWN:
            transitions.imply_opening(self, fact)
        elif state.status == Status.LOST and not transitions.revives(self, fact):
            state.joined = None
            state.half = False
            return Ignored.ALREADY_LOST
        if self._completes_change(fact.at, fact.silo):
            return None
        if self._begins_change(fact.at, fact.silo):
            losses.end_pending(self, fact.at)
            state.changing = True
            state.joined = None
            return None
        self._lose(fact.at, fact.silo, fact, fact.reason, fact.loss_kind)
        implied = state.implied
        if implied is not None and implied.opening.at == fact.at:
            state.implied = ImpliedOpening(implied.order, implied.opening, self.movements[self._loss_index])
        return None

    def _joined(self, fact: Fact) -> Ignored | None:
        state = self.state
        state.half = False
        if state.changing:
            state.changing = False
            losses.end_pending(self, fact.at)
            transitions.take_fields(self, fact.at, fact)
            losses.restart_lapse(self, fact.at)
            state.joined = None
            return None
        outcome = transitions.on_joined(self, fact)
        if state.joined is not None:
            self._joined_index = len(self.outcomes)
        return outcome

    def _lose(self, at: int, silo: str, fact: Fact | None, reason: str | None, loss_kind: str | None) -> None:
        self._loss_index = losses.lose(self, at, fact, reason, loss_kind)
        self.state.joined = None
        self.state.half = True
        self.state.reported = ReportedLoss(at, silo, self.rules.rank(silo))

    def _take_reason(self, fact: Fact, reported: ReportedLoss) -> None:
        rank = self.rules.rank(fact.silo)
        if self._loss_index < 0 or fact.at > reported.at + self.rules.grouping_us or rank >= reported.rank:
            return
        if fact.reason is None and fact.loss_kind is None:
            return
        loss = self.movements[self._loss_index]
        self.movements[self._loss_index] = losses.with_reason(loss, fact)
        self.state.reported = ReportedLoss(reported.at, reported.silo, rank)

    def _completes_change(self, at: int, silo: str) -> bool:
        """A `joined` of this silo came shortly before this loss of an active customer: no loss, one change."""
        state = self.state
        joined = state.joined
        if joined is None or joined.fact.silo != silo or at - joined.fact.at > self.rules.grouping_us:
            return False
        losses.end_pending(self, at)
        if not joined.taken:
            transitions.take_fields(self, at, joined.fact)
            if self._joined_index < 0:
                self.amended = True
            else:
                self.outcomes[self._joined_index] = None
        losses.restart_lapse(self, at)
        state.joined = None
        return True

    def _begins_change(self, at: int, silo: str) -> bool:
        """The next `left` or `joined` is a `joined` of this silo, at most the grouping window away."""
        latest = at + self.rules.grouping_us
        for index in range(self._next, len(self._facts)):
            fact = self._facts[index]
            if fact.at > latest:
                return False
            if fact.kind == JOINED:
                return fact.silo == silo
            if fact.kind == LEFT:
                return False
        return False
