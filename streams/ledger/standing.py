"""Which of a customer's remembered facts stand, before any state is looked at.

Of several versions under one id one is the fact; what a retraction names is taken out. Both hold in whatever order
the facts arrived inside the horizon.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

from streams.facts.models import Fact, FactKind
from streams.ledger.movements import Ignored

RETRACTED = FactKind.RETRACTED.value

# Marks: what was decided of a fact once and for all.
LATE = "late"  # arrived beyond the horizon: nothing can retract it, no id is compared with its own
FORGOTTEN = "forgotten"  # its id was given again after the horizon: it stands, its id is no longer compared
VOID = "void"  # a retraction that came too late
DONE = "done"  # a retraction whose target has been folded away
CONFLICTED = "conflicted"  # lost against a version that has been folded away
TAKEN_OUT = "taken_out"  # by a retraction that has been folded away


def id_of(fact: Fact) -> tuple[str, str, int]:
    """What makes two facts versions of one: silo, event id, place among the facts of a record."""
    return (fact.silo, fact.event_id, fact.place)


def version_of(fact: Fact) -> tuple[object, ...]:
    """Everything said, by `at`, then field by field in the alphabetical order of the native names; None first."""
    fields = (
        fact.activity, fact.earned, fact.count, fact.effective_at, fact.kind, fact.loss_kind, fact.last_fact_at,
        fact.product, fact.reason, fact.region, fact.retracts, fact.segment, fact.sequence, fact.since,
        fact.value, fact.amount,
    )  # fmt: skip
    return (fact.at, *((field is not None, field if field is not None else 0) for field in fields))


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands among the facts: `excluded[i]` says why fact i does not, `cause[i]` which fact did it."""

    facts: list[Fact]  # those to fold, in order
    positions: list[int]  # of each of these among all
    excluded: list[Ignored | None]
    cause: list[int]
    applied: frozenset[int]  # retractions in effect

    def outcomes(self, folded: Sequence[Ignored | None]) -> list[Ignored | None]:
        """What became of every fact, given what became of those that were folded."""
        outcomes = list(self.excluded)
        for position, outcome in zip(self.positions, folded, strict=True):
            outcomes[position] = outcome
        return outcomes


def standing_of(facts: Sequence[Fact]) -> Standing:
    """Decide which facts stand; `facts` are in order, a customer's remembered ones."""
    excluded: list[Ignored | None] = [None] * len(facts)
    cause = [-1] * len(facts)
    applied: set[int] = set()
    versions: dict[tuple[str, str, int], list[int]] = {}
    for index, fact in enumerate(facts):
        if fact.mark == CONFLICTED:
            excluded[index] = Ignored.CONFLICT
        elif fact.mark == TAKEN_OUT:
            excluded[index] = Ignored.RETRACTED
        elif fact.mark not in (LATE, FORGOTTEN):
            versions.setdefault(id_of(fact), []).append(index)
    for indexes in versions.values():
        if len(indexes) > 1:
            winner = min(indexes, key=lambda index: version_of(facts[index]))
            for index in indexes:
                if index != winner:
                    excluded[index], cause[index] = Ignored.CONFLICT, winner
    for index in range(len(facts) - 1, -1, -1):
        fact = facts[index]
        if fact.kind != RETRACTED or excluded[index] is not None:
            continue
        if fact.mark == DONE:
            applied.add(index)
        elif fact.mark not in (VOID, LATE):
            targets = _targets(facts, index)
            if targets:
                applied.add(index)
            for target in targets:
                if excluded[target] is None:
                    excluded[target], cause[target] = Ignored.RETRACTED, index
        if index not in applied:
            excluded[index] = Ignored.SUPERSEDED
    positions = [
        index for index, fact in enumerate(facts) if excluded[index] is None and fact.kind != RETRACTED
    ]
    return Standing([facts[index] for index in positions], positions, excluded, cause, frozenset(applied))


def _targets(facts: Sequence[Fact], retraction: int) -> list[int]:
    named = facts[retraction]
    return [
        index
        for index, fact in enumerate(facts)
        if fact.event_id == named.retracts
        and fact.silo == named.silo
        and index != retraction
        and fact.mark not in (LATE, FORGOTTEN, CONFLICTED, TAKEN_OUT)
        and (fact.kind != RETRACTED or index < retraction)
    ]


def folded_away(facts: Sequence[Fact], standing: Standing, count: int) -> list[Fact]:
    """The facts after the first `count`, marked with what those first ones had decided of them."""
    rest = []
    for index in range(count, len(facts)):
        fact = facts[index]
        if 0 <= standing.cause[index] < count:
            mark = CONFLICTED if standing.excluded[index] is Ignored.CONFLICT else TAKEN_OUT
            fact = _marked(fact, mark)
        elif index in standing.applied and any(target < count for target in _targets(facts, index)):
            fact = _marked(fact, DONE)
        rest.append(fact)
    return rest


def _marked(fact: Fact, mark: str) -> Fact:
    marked = copy(fact)
    marked.mark = mark
    return marked
