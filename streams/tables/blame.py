"""Which records a difference between two ledgers may come from: those that touch its scope."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from streams.facts.models import UNKNOWN, Fact
from streams.ledger.movements import Movement, Scope

MOST_NAMED = 1000
"""Records named at one difference; the rest are counted."""

SCOPED = ("segment:", "region:", "product:", "segment_region:")


@dataclass(frozen=True, slots=True)
class Suspect:
    """A record that one side counted and the other did not.

    `place` is how it is named; `scopes` the segments, regions and products that it can have touched, named as
    differences name them; None: any.
    """

    place: Mapping[str, Any]
    scopes: frozenset[str] | None


def scopes_of_movement(movement: Movement) -> Iterable[Scope]:
    """Where a movement counts."""
    return (movement.scope,) if movement.to is None else (movement.scope, movement.to)


def touched(facts: Iterable[Fact], held: Iterable[Scope]) -> frozenset[str]:
    """Names of the scopes that a record's facts can touch.

    Args:
        held: scopes in which the customers of these facts have been, without this record or with it. A fact that
            names none of them takes effect there; one that does also in what it names.
    """
    segments, regions, products = _Names(), _Names(), _Names()
    for scope in held:
        segments.add(scope.segment)
        regions.add(scope.region)
        products.add(scope.product)
    for fact in facts:
        segments.add(fact.segment)
        regions.add(fact.region)
        products.add(fact.product)
    names = {f"segment:{name}" for name in segments} | {f"region:{name}" for name in regions}
    names |= {f"product:{name}" for name in products}
    names |= {f"segment_region:{segment}/{region}" for segment in segments for region in regions}
    return frozenset(names)


def attach(differences: Iterable[dict[str, Any]], suspects: list[Suspect]) -> None:
    """Put at each difference the records that touch its scope; all of them where that cannot be told."""
    for difference in differences:
        scope = difference["scope"]
        found = suspects
        if scope.startswith(SCOPED):
            found = [one for one in suspects if one.scopes is None or scope in one.scopes] or suspects
        difference["records"] = [dict(one.place) for one in found[:MOST_NAMED]]
        if len(found) > MOST_NAMED:
            difference["records_left_out"] = len(found) - MOST_NAMED


class _Names(set[str]):
    """Names of one dimension; what a source did not name counts as unknown."""

    def add(self, name: str | None) -> None:
        super().add(name or UNKNOWN)
