"""Arrival: which facts of one customer are folded, and why the others are not.

A fact is judged when it arrives, by the largest event time M admitted from its partition so far (itself
included): it is *late* when it is older than M - horizon, and a fact is *remembered* while it is not older
than that. What becomes of a remembered fact may still change; once it is older it is settled for good.
"""

from collections import Counter
from dataclasses import dataclass, field

from .facts import Fact
from .fold import fold
from .movements import History, LateOpening

STANDS = "stands"
EFFECTIVE = "effective"
DUPLICATE = "duplicate"
CONFLICT = "conflict"
RETRACTED = "retracted"
SUPERSEDED = "superseded"
ALREADY_KNOWN = "already_known"


@dataclass(eq=False)
class Kept:
    """A fact that was kept, with what may still befall it."""

    fact: Fact
    position: tuple
    copies: list["Kept"]
    """All kept facts under the same id, this one included."""
    targets: list["Kept"] = field(default_factory=list)
    """Of a retraction: the facts that it may take out."""
    settled: str | None = None


@dataclass
class Customer:
    """Everything that arrived for one customer."""

    rules: dict
    kept: list[Kept] = field(default_factory=list)
    not_kept: list[tuple[Fact, str]] = field(default_factory=list)
    late_opening: tuple[Kept, LateOpening] | None = None
    newest: tuple | None = None
    beyond_horizon: int = 0

    def arrive(self, fact: Fact, oldest: int) -> None:
        """Take in one fact; `oldest` is M - horizon, the oldest instant that is not late."""
        self._settle(oldest)
        late = fact.at < oldest
        newer_than_all = self.newest is None or fact.order > self.newest
        self.newest = fact.order if newer_than_all else self.newest
        remembered = [k for k in self.kept if k.fact.identity == fact.identity and k.fact.at >= oldest]
        if any(k.fact == fact for k in remembered):
            self.not_kept.append((fact, DUPLICATE))
        elif remembered and late:
            self.not_kept.append((fact, CONFLICT))
        elif late and fact.kind == "opening":
            self._old_opening(fact, oldest)
        elif late and (fact.kind == "retracted" or not newer_than_all):
            self.not_kept.append((fact, SUPERSEDED))
        else:
            self.beyond_horizon += late
            self._keep(fact, remembered[0].copies if remembered else [], oldest)

    def _keep(self, fact: Fact, copies: list[Kept], oldest: int) -> None:
        newcomer = Kept(fact, (fact.order, 0), copies)
        copies.append(newcomer)
        if fact.at >= oldest:
            for other in self.kept:
                if other.fact.at >= oldest:
                    _link(newcomer, other)
                    _link(other, newcomer)
        self.kept.append(newcomer)

    def _settle(self, oldest: int) -> None:
        """What is older than the horizon keeps what became of it."""
        if any(k.settled is None and k.fact.at < oldest for k in self.kept):
            became = self.became()
            for k in self.kept:
                if k.fact.at < oldest:
                    k.settled = became[k]

    def became(self) -> dict[Kept, str]:
        """What became of each kept fact on its arrival; only those that stand are folded."""
        became: dict[Kept, str] = {}
        for k in self.kept:
            first = min(k.copies, key=lambda copy: copy.fact.precedence_among_copies)
            became[k] = k.settled or (STANDS if k is first else CONFLICT)
        retractions = [k for k in self.kept if k.fact.kind == "retracted"]
        for k in sorted(retractions, key=lambda k: k.position, reverse=True):
            if became[k] in (CONFLICT, RETRACTED, SUPERSEDED):
                continue
            targets = [target for target in k.targets if became[target] != CONFLICT]
            became[k] = k.settled or (EFFECTIVE if targets else SUPERSEDED)
            for target in targets:
                became[target] = target.settled or RETRACTED
        return became

    def _old_opening(self, opening: Fact, oldest: int) -> None:
        """An opening older than the horizon: for an unknown customer, or in place of an implied one."""
        history = self.history(clock=opening.at)
        implied_by = history.implied_by
        forgotten = [k.position[0] for k in self.kept if k.fact.at < oldest]
        if history.known and (implied_by is None or opening.order >= implied_by.fact.order):
            self.not_kept.append((opening, ALREADY_KNOWN))
        elif history.known and implied_by.fact.at < oldest:
            self.late_opening = (implied_by, LateOpening(opening, history.lost_at_once, max(forgotten)))
        else:
            position = (max([opening.order, *forgotten]), 1)
            newcomer = Kept(opening, position, [], settled=STANDS)
            newcomer.copies.append(newcomer)
            self.kept.append(newcomer)

    def history(self, clock: int) -> History:
        """Fold what stands; what falls due by the clock falls."""
        became = self.became()
        standing = sorted((k for k in self.kept if became[k] == STANDS), key=lambda k: k.position)
        return fold(standing, self.rules, clock, self.late_opening)

    def outcomes(self, history: History) -> list[tuple[Fact, str]]:
        """Every fact that arrived with its outcome: applied, pending, or why it was ignored."""
        became = self.became()
        listed = list(self.not_kept)
        if self.late_opening:
            listed.append((self.late_opening[1].fact, "applied"))
        for k in self.kept:
            outcome = became[k]
            if outcome == STANDS:
                outcome = history.outcomes[k]
            listed.append((k.fact, "applied" if outcome == EFFECTIVE else outcome))
        return sorted(listed, key=lambda pair: (pair[0].order, pair[1]))


def _link(retraction: Kept, target: Kept) -> None:
    names_it = (
        retraction.fact.kind == "retracted"
        and retraction.fact.silo == target.fact.silo
        and retraction.fact.retracts == target.fact.event_id
    )
    if names_it:
        retraction.targets.append(target)


@dataclass
class Arrival:
    """All partitions: largest event time of each, and the customers."""

    rules: dict
    largest: dict[int, int] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    counts: Counter = field(default_factory=Counter)
    first_at: int | None = None

    def admit(self, partition: int, fact: Fact) -> None:
        """Take in the next record's fact of a partition."""
        self.largest[partition] = max(self.largest.get(partition, fact.at), fact.at)
        self.counts["records"] += 1
        if fact.kind == "heartbeat":
            self.counts["heartbeats"] += 1
            return
        self.first_at = fact.at if self.first_at is None else min(self.first_at, fact.at)
        self.counts["facts"] += 1
        customer = self.customers.setdefault(fact.customer_id, Customer(self.rules))
        customer.arrive(fact, self.largest[partition] - self.rules["horizon"])
