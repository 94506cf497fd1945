"""Which of a customer's remembered facts stand, before any state is looked at.

Of several versions under one id one is the fact; what a retraction names is taken out. Both hold in whatever order
the facts arrived inside the horizon. What is older than the horizon keeps what became of it: it carries a mark.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

from streams.facts.models import Fact, FactKind
from streams.ledger.movements import Ignored

RETRACTED = FactKind.RETRACTED.value

# Marks of facts that are older than the horizon.
LATE = "late"  # it was so on arrival: no id is compared with its own, nothing can retract it
STANDS = "stands"
CONFLICT = "conflict"
TAKEN_OUT = "taken_out"
EFFECTIVE = "effective"  # a retraction that took something out
VOID = "void"  # a retraction that took nothing out

FORGOTTEN = "*"
"""Added to a mark: the id was given again since, and is no longer compared."""

OUTCOME_OF_MARK = {
    CONFLICT: Ignored.CONFLICT,
    TAKEN_OUT: Ignored.RETRACTED,
    VOID: Ignored.SUPERSEDED,
}


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
    """What stands among the facts.

    Attributes:
        facts: those to fold, in order.
        positions: of each of these among all.
        excluded: why fact i is not folded; None for those that are, and for retractions in effect.
        cause: which fact excluded fact i, -1 for none.
    """

    facts: list[Fact]
    positions: list[int]
    excluded: list[Ignored | None]
    cause: list[int]

    def outcomes(self, folded: Sequence[Ignored | None]) -> list[Ignored | None]:
        """What became of every fact, given what became of those that were folded."""
        outcomes = list(self.excluded)
        for position, outcome in zip(self.positions, folded, strict=True):
            outcomes[position] = outcome
        return outcomes


def standing_of(facts: Sequence[Fact]) -> Standing:
    """Decide which facts stand; `facts` are in order, a customer's remembered ones."""
    excluded = [OUTCOME_OF_MARK.get(fact.mark.rstrip(FORGOTTEN)) if fact.mark else None for fact in facts]
    cause = [-1] * len(facts)
    versions: dict[tuple[str, str, int], list[int]] = {}
    for index, fact in enumerate(facts):
        if fact.mark != LATE and not fact.mark.endswith(FORGOTTEN):
            versions.setdefault(id_of(fact), []).append(index)
    if len(versions) < len(facts):
        for indexes in versions.values():
            _choose_version(facts, indexes, excluded, cause)
    for index in range(len(facts) - 1, -1, -1):
        if facts[index].kind == RETRACTED and excluded[index] is None:
            _take_out(facts, index, excluded, cause)
    positions = [index for index, fact in enumerate(facts) if excluded[index] is None and fact.kind != RETRACTED]
    return Standing([facts[index] for index in positions], positions, excluded, cause)


def forget_id(fact: Fact) -> None:
    """The id of this fact, older than the horizon, was given again: it is no longer compared."""
    if not fact.mark:
        fact.mark = STANDS
    if fact.mark != LATE and not fact.mark.endswith(FORGOTTEN):
        fact.mark += FORGOTTEN


def settle_old(facts: list[Fact], oldest: int) -> None:
    """Mark, in place, what became of the facts older than `oldest` (microseconds): it is so for good."""
    if not any(fact.at < oldest and not fact.mark for fact in facts):
        return
    standing = standing_of(facts)
    old = [fact.at < oldest for fact in facts]
    for index, fact in enumerate(facts):
        cause = standing.cause[index]
        taken_out = cause >= 0 and old[cause] and standing.excluded[index] is Ignored.RETRACTED
        if not fact.mark and (old[index] or taken_out):
            facts[index] = _marked(fact, _mark_of(fact, standing.excluded[index]))


def folded_away(facts: Sequence[Fact], standing: Standing, count: int) -> list[Fact]:
    """The facts after the first `count`, marked with what those first ones had decided of them."""
    return [
        _marked(fact, _mark_of(fact, standing.excluded[index])) if 0 <= standing.cause[index] < count else fact
        for index, fact in enumerate(facts)
        if index >= count
    ]


def _choose_version(
    facts: Sequence[Fact], indexes: list[int], excluded: list[Ignored | None], cause: list[int]
) -> None:
    winner = min(indexes, key=lambda index: version_of(facts[index]))
    for index in indexes:
        if index != winner and not facts[index].mark:
            excluded[index], cause[index] = Ignored.CONFLICT, winner


def _take_out(facts: Sequence[Fact], retraction: int, excluded: list[Ignored | None], cause: list[int]) -> None:
    named = facts[retraction]
    if named.mark.rstrip(FORGOTTEN) == EFFECTIVE:
        return
    found = False
    for index, fact in enumerate(facts):
        if fact.event_id != named.retracts or fact.silo != named.silo or index == retraction:
            continue
        if not fact.mark and excluded[index] is not Ignored.CONFLICT:
            found = True
            excluded[index], cause[index] = Ignored.RETRACTED, retraction
        elif fact.mark.startswith(TAKEN_OUT):
            found = True
    if not found:
        excluded[retraction] = Ignored.SUPERSEDED


def _mark_of(fact: Fact, outcome: Ignored | None) -> str:
    if outcome is None:
        return EFFECTIVE if fact.kind == RETRACTED else STANDS
    return {Ignored.CONFLICT: CONFLICT, Ignored.RETRACTED: TAKEN_OUT}.get(outcome, VOID)


def _marked(fact: Fact, mark: str) -> Fact:
    marked = copy(fact)
    marked.mark = mark
    return marked
