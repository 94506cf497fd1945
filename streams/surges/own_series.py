"""Series that a user names: a part of what is counted anyway, chosen by its labels, under a name of its own."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from streams.surges.series import (
    ANSWERS,
    DISRUPTED_CUSTOMERS,
    FAMILIES,
    HAPPY_MENTIONS,
    LOST_CUSTOMERS,
    LOST_VALUE,
    MENTIONS,
    NEW_CUSTOMERS,
    RETURNED_CUSTOMERS,
    UNHAPPY_ANSWERS,
    UNHAPPY_MENTIONS,
    Parts,
    Series,
)

_OF_SCOPE: Final = ("segment", "region", "product")
_OF_MENTION: Final = ("brand", "topic", "channel")
COUNTED: Final = {
    LOST_CUSTOMERS: (*_OF_SCOPE, "reason", "kind"),
    NEW_CUSTOMERS: (*_OF_SCOPE, "activity"),
    RETURNED_CUSTOMERS: (*_OF_SCOPE, "activity"),
    MENTIONS: _OF_MENTION,
    UNHAPPY_MENTIONS: _OF_MENTION,
    HAPPY_MENTIONS: _OF_MENTION,
    DISRUPTED_CUSTOMERS: ("service", "stage", "segment", "region"),
    ANSWERS: ("stage",),
    UNHAPPY_ANSWERS: ("stage",),
}
"""What a series of one's own may count, and the labels that it may be chosen by."""

SPLIT_BY: Final = ("segment", "region", "product", "brand", "topic", "service", "stage")
"""Labels that a series may be split by: those that a surge may have."""

OF_CUSTOMERS: Final = frozenset({"segment", "region"})
"""Labels of disrupted customers that belong to them; what is counted of all of a service has none."""


@dataclass(frozen=True, slots=True)
class OwnSeries:
    """A series that the definitions name.

    Attributes:
        name: its measure.
        counts: what is counted, a key of `COUNTED`.
        where: label to the values of which one must be there; a label that is not named may be any.
        by: labels of which each value makes a series more.
    """

    name: str
    counts: str
    where: tuple[tuple[str, frozenset[str]], ...] = ()
    by: tuple[str, ...] = ()

    @property
    def is_of_customers(self) -> bool:
        """Whether it asks for what only customers have, not a service as a whole."""
        return not OF_CUSTOMERS.isdisjoint((*self.by, *(label for label, _ in self.where)))

    def keys(self, labels: Parts) -> tuple[Series, ...]:
        """Its series in which something with these labels counts; none: it does not count."""
        for label, wanted in self.where:
            if not any(name == label and value in wanted for name, value in labels):
                return ()
        split = (Series(self.name, ((name, value),)) for name, value in labels if name in self.by)
        return (Series(self.name), *split)


class OwnCounting:
    """All series of a definitions file, by what they count."""

    def __init__(self, series: Collection[OwnSeries] = ()) -> None:
        self._of: dict[str, list[OwnSeries]] = {}
        for one in series:
            self._of.setdefault(one.counts, []).append(one)
        self._keys = lru_cache(maxsize=1 << 14)(self._found)

    @property
    def counted(self) -> Collection[str]:
        """What is counted for them."""
        return self._of.keys()

    def measures(self, counts: Collection[str]) -> tuple[str, ...]:
        """Names of the series that count any of these."""
        return tuple(one.name for counted in counts for one in self._of.get(counted, ()))

    def keys(self, counts: str, labels: Parts, *, of_customers: bool | None = None) -> Iterator[tuple[Series, ...]]:
        """The series in which something counts, a tuple for each name.

        Args:
            of_customers: of disrupted customers, whether they are counted by their segment and region here, or as
                those of a service; None: it is all one.
        """
        if counts in self._of:
            yield from self._keys(counts, labels, of_customers)

    def _found(self, counts: str, labels: Parts, of_customers: bool | None) -> tuple[tuple[Series, ...], ...]:
        asked = (one for one in self._of[counts] if of_customers in (None, one.is_of_customers))
        return tuple(keys for one in asked if (keys := one.keys(labels)))


def losses(own: OwnCounting) -> tuple[str, ...]:
    """The measures of losses, those that the definitions name among them."""
    return (LOST_CUSTOMERS, LOST_VALUE, *own.measures((LOST_CUSTOMERS,)))


def measures_of(family: str, own: OwnCounting) -> tuple[str, ...]:
    """All measures that are counted from one feed, those that the definitions name among them."""
    counted = tuple(measure for measure, one in FAMILIES.items() if one == family)
    return counted + own.measures(counted)
