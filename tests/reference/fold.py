"""Fold: the facts of one customer, sorted, become movements.

`fold` walks the facts in order. Before a fact it lets fall what is due by then (a pending loss, a lapse);
then the fact is judged by the state: unknown, active or lost. Because the facts are sorted, the rule of "one
change" may simply look ahead for the `joined` that takes a loss back.
"""

from dataclasses import dataclass
from typing import Any

from .facts import UNKNOWN, Fact
from .held import Held
from .movements import History, Movement


def fold(standing: list, rules: dict, clock: int, late_opening: tuple | None = None) -> History:
    """Fold sorted facts; each element of `standing` has a `fact` and is the key of its outcome."""
    return _Fold(standing, rules, clock, late_opening).run()


@dataclass
class _Comer:
    """The last `left` or `joined`, also an ignored one; a `joined` that may still pair is `open`."""

    kind: str
    at: int
    silo: str
    index: int | None = None
    open: bool = False
    fields_taken: bool = False


class _Fold:
    def __init__(self, standing, rules, clock, late_opening):
        self.standing, self.rules, self.clock, self.late_opening = standing, rules, clock, late_opening
        self.history = History()
        self.state = "unknown"
        self.held = Held(list(rules.get("precedence") or []))
        self.began = None  # instant from which early loss counts; None: never early
        self.lapse_due = None
        self.lapsed = False  # the last loss was a lapse
        self.pending = None  # fact of the leaving in force
        self.change_ends_at = None  # index of the joined that takes a left back
        self.comer = None  # last left or joined
        self.reported = None  # last reported loss: [movement, its silo, silo that gives the reason]
        self.amounts = []  # (at, amount) of trailing spend
        self.corrected = None  # (held as implied, held as corrected, last fact that saw it as implied)

    def run(self) -> History:
        for index, kept in enumerate(self.standing):
            self.let_fall(kept.fact.at, index)
            self.adopt_correction(kept.fact)
            self.history.outcomes[kept] = self.judge(index, kept.fact)
        self.let_fall(self.clock, len(self.standing))
        if self.pending is not None:
            self.history.outcomes[self.history.pendings[-1][2]] = "pending"
        self.history.known = self.state != "unknown"
        return self.history

    # -- what falls due

    def let_fall(self, until: int, index: int) -> None:
        """Everything due up to and including `until`; between a left and its joined nothing falls."""
        while self.change_ends_at is None and self.state == "active":
            due = []
            if self.pending is not None:
                due.append((self.pending.effective_at, 0))
            if self.lapse_due is not None:
                due.append((self.lapse_due, 1))
            if not due or min(due)[0] > until:
                return
            at, which = min(due)
            if which == 1:
                if self.comer is not None:
                    self.comer.open = False  # the customer did not stay active until the left
                self.lose(at, None, "lapsed", "lapsed", reported=False)
            else:
                self.leave(at, self.pending, index, by_clock=True)

    def restart_lapse(self, at: int, not_before: int = 0) -> None:
        if self.rules.get("lapse"):
            self.lapse_due = max(at + self.rules["lapse"]["after"], not_before)

    def named(self, fact: Fact) -> bool:
        return bool(self.rules.get("lapse")) and fact.kind in self.rules["lapse"]["restarted_by"]

    # -- judging one fact

    def judge(self, index: int, fact: Fact) -> str:
        self.note_amount(fact)
        if fact.kind in ("left", "leaving") and self.seen_elsewhere(fact):
            if fact.kind == "left":
                self.comer = _Comer("left", fact.at, fact.silo)
            return "seen_elsewhere"
        change = fact.kind in ("value_changed", "profile_changed")
        if change and self.held.spoken(fact) and not self.held.remaining(fact):
            return "outranked"
        if self.state == "unknown":
            return self.judge_unknown(index, fact)
        if self.state == "active":
            if self.named(fact):
                self.restart_lapse(fact.at)
            return self.judge_active(index, fact)
        return self.judge_lost(index, fact)

    def judge_unknown(self, index: int, fact: Fact) -> str:
        if fact.kind == "recommended":
            return "not_a_customer"
        if fact.kind == "opening":
            self.enter("opening", fact)
        elif fact.kind in ("joined", "purchased"):
            self.enter("new", fact)
            if fact.kind == "joined":
                self.comer = _Comer("joined", fact.at, fact.silo)
        else:
            self.imply_opening(index, fact)
            self.judge_active(index, fact)
            self.begin_correction(index, fact)
        return "applied"

    def judge_active(self, index: int, fact: Fact) -> str:
        kind = fact.kind
        if kind == "opening":
            return "already_known"
        if kind == "left":
            self.leave(fact.at, fact, index)
            return "applied"
        if kind == "joined":
            return self.joined_while_active(index, fact)
        changed = self.take(fact, fact.at)
        if kind == "leaving":
            self.begin_pending(self.standing[index], fact)
            return "applied"
        if kind == "recommended":
            self.recommend(fact)
            return "applied"
        if kind == "staying" and self.pending is not None:
            self.end_pending(fact.at)
            return "applied"
        return "applied" if changed else "no_change"

    def judge_lost(self, index: int, fact: Fact) -> str:
        kind = fact.kind
        if kind == "opening":
            return "already_known"
        if kind == "left":
            self.comer = _Comer("left", fact.at, fact.silo)
            return "already_lost"
        if kind in ("joined", "purchased"):
            self.enter("returned", fact)
            if kind == "joined":
                self.comer = _Comer("joined", fact.at, fact.silo)
            return "applied"
        if self.lapsed and self.named(fact):
            self.enter("returned", fact)
            self.judge_active(index, fact)
            return "applied"
        if kind == "recommended":
            self.recommend(fact)
            return "applied"
        self.held.take_profile(fact)
        return "not_active"

    # -- coming

    def imply_opening(self, index: int, fact: Fact) -> None:
        kept = self.standing[index]
        if self.late_opening and self.late_opening[0] is kept:
            late = self.late_opening[1]
            self.enter("opening", late.fact, words=late.fact if late.corrects_loss else fact)
            self.restart_lapse(fact.at)
            return
        self.enter("opening", fact, implied=True)
        self.history.implied_by = kept

    def begin_correction(self, index: int, fact: Fact) -> None:
        """A late opening corrected an implied one and its loss; older facts after it meant what they meant."""
        late = self.late_opening[1] if self.late_opening else None
        if self.state == "lost" and late and late.corrects_loss and self.history.implied_by is None:
            corrected, self.held = self.held, Held(self.held.precedence)
            self.held.take_profile(fact)
            self.held.take_value(fact, None)
            self.corrected = (dict(self.held.words), corrected, late.forgotten)

    def adopt_correction(self, fact: Fact) -> None:
        """From the first newer fact on the corrected words are held, unless older facts changed them."""
        if self.corrected is None or fact.order <= self.corrected[2]:
            return
        implied, corrected, _ = self.corrected
        self.corrected = None
        for name, word in corrected.words.items():
            if self.held.words[name] == implied[name]:
                self.held.words[name] = word
                if name in corrected.holder:
                    self.held.holder[name] = corrected.holder[name]

    def enter(self, kind: str, fact: Fact, words: Fact | None = None, implied: bool = False) -> None:
        """The customer becomes active: opening, new or returned."""
        words, self.corrected = words or fact, None
        self.held.take_profile(words)
        self.held.take_value(words, self.trailing_value(fact))
        self.state, self.lapsed = "active", False
        cohort_at = fact.at if kind == "new" else None
        self.began = fact.at
        if kind == "opening":
            self.began = cohort_at = None if implied else fact.since
        start = fact.at
        if kind == "opening" and not implied and fact.last_fact_at is not None:
            start = fact.last_fact_at
        self.restart_lapse(start, not_before=fact.at)
        self.move(
            kind,
            fact.at,
            fact,
            activity=UNKNOWN if implied else fact.activity or UNKNOWN,
            earned=kind == "new" and fact.earned,
            cohort_at=cohort_at,
        )

    def joined_while_active(self, index: int, fact: Fact) -> str:
        comer = self.comer = _Comer("joined", fact.at, fact.silo, index)
        if self.change_ends_at == index:
            self.change_ends_at = None
            self.end_pending(fact.at)
            self.take(fact, fact.at)
            self.restart_lapse(fact.at)
            return "applied"
        comer.open = True
        if self.pending is not None:
            self.end_pending(fact.at)
            self.take(fact, fact.at)
            comer.fields_taken = True
            return "applied"
        return "already_active"

    # -- going

    def leave(self, at: int, fact: Fact, index: int, by_clock: bool = False) -> None:
        """A `left`, or a pending loss falling due: half of one change, or a loss.

        `index` is that of the left itself, or of the first fact not before the due instant.
        """
        before, self.comer = self.comer, _Comer("left", at, fact.silo)
        grouping = self.rules["grouping"]
        if before and before.open and before.silo == fact.silo and at - before.at <= grouping:
            joined = self.standing[before.index]
            self.end_pending(at)
            self.history.outcomes[joined] = "applied"
            if not before.fields_taken:
                self.take(joined.fact, at)
            self.restart_lapse(at)
            return
        for later in range(index if by_clock else index + 1, len(self.standing)):
            other = self.standing[later].fact
            if other.kind in ("left", "joined"):
                if other.kind == "joined" and other.silo == fact.silo and other.at - at <= grouping:
                    self.end_pending(at)
                    self.change_ends_at = later
                    return
                break
        if not by_clock and self.history.implied_by is self.standing[index]:
            self.history.lost_at_once = True
        reason, loss_kind = fact.reason or UNKNOWN, fact.loss_kind or "voluntary"
        movement = self.lose(at, None if by_clock else fact, reason, loss_kind)
        self.reported = [movement, fact.silo, fact.silo]

    def lose(self, at, cause, reason, loss_kind, reported=True) -> Movement:
        early = self.began is not None and at - self.began <= self.rules["early_within"]
        movement = self.move("lost", at, cause, reason=reason, loss_kind=loss_kind, early=early)
        self.end_pending(at)
        self.state, self.lapsed, self.lapse_due = "lost", not reported, None
        return movement

    def seen_elsewhere(self, fact: Fact) -> bool:
        """Another silo's report of a loss already reported; a higher silo may correct its reason."""
        if self.reported is None:
            return False
        loss, silo, reason_silo = self.reported
        if fact.silo == silo or fact.at > loss.at + self.rules["same_departure"]:
            return False
        in_time = fact.at <= loss.at + self.rules["grouping"]
        silent = fact.reason is None and fact.loss_kind is None
        if in_time and not silent and self.held.rank(fact.silo) < self.held.rank(reason_silo):
            loss.reason = loss.reason if fact.reason is None else fact.reason
            loss.loss_kind = fact.loss_kind or "voluntary"
            self.reported[2] = fact.silo
        return True

    def begin_pending(self, kept: Any, fact: Fact) -> None:
        """A second leaving moves the date and gives the reason anew; the pending loss goes on."""
        if self.pending is None:
            self.history.pendings.append([fact.at, None, kept])
        self.history.pendings[-1][2] = kept
        self.pending = fact

    def end_pending(self, at: int) -> None:
        if self.pending is not None:
            self.history.pendings[-1][1] = at
            self.pending = None

    # -- value and profile

    def take(self, fact: Fact, at: int) -> bool:
        """Move an active customer by a fact's words: first the transfer, then the value in the new scope."""
        old_scope, old_value = self.held.scope, self.held.value
        self.held.take_profile(fact)
        scope = self.held.scope
        if scope != old_scope:
            self.history.movements.append(Movement("transfer", at, old_scope, 1, old_value, fact, to=scope))
        self.held.take_value(fact, self.trailing_value(fact))
        difference = self.held.value - old_value
        if difference:
            kind = "expansion" if difference > 0 else "contraction"
            self.history.movements.append(Movement(kind, at, scope, 0, abs(difference), fact))
        return scope != old_scope or difference != 0

    def note_amount(self, fact: Fact) -> None:
        if self.rules.get("trailing") and fact.kind in self.rules["trailing"]["facts"]:
            self.amounts.append((fact.at, fact.amount or 0))

    def trailing_value(self, fact: Fact) -> int | None:
        """What a trailing-spend model says at a purchase; None: the model says nothing here."""
        if not self.rules.get("trailing") or fact.kind != "purchased":
            return None
        oldest = fact.at - self.rules["trailing"]["span"]
        return max(0, sum(amount for at, amount in self.amounts if oldest < at <= fact.at))

    # -- movements

    def move(self, kind: str, at: int, cause: Fact | None, **more: Any) -> Movement:
        movement = Movement(kind, at, self.held.scope, 1, self.held.value, cause, **more)
        self.history.movements.append(movement)
        return movement

    def recommend(self, fact: Fact) -> None:
        self.history.movements.append(
            Movement("recommended", fact.at, self.held.scope, 0, 0, fact, count=fact.count)
        )
