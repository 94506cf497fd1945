"""Customers of the subsets that were named: each partition counts its own, over the minutes of the trouble.

The search itself knows only how many were distinct in each combination of attributes; a customer of two devices is in
two of them.
"""

from collections.abc import Sequence
from dataclasses import replace

from streams.health.columns import Kind
from streams.health.live.parts import NamedCount, NamedSpan, NamedSubset
from streams.health.naming import Named
from streams.health.subsets import Choice
from streams.ledger.rules import DAY, MINUTE

MOST_ASKED = 500
"""Subsets whose customers are counted at once, the newest ones."""


_Choices = tuple[Kind, tuple[Choice, ...]]


class CompanyNamed:
    """Puts the partitions' counts together.

    A subset, or its better name, is shown once every partition has counted, and as before until then. Counts of
    minutes that a partition does not hold any more never make it smaller.
    """

    def __init__(self, partitions: int, least: int) -> None:
        """`least`: customers disrupted in a subset that is shown."""
        self._partitions = partitions
        self._least = least
        self._told: dict[int, dict[_Choices, list[NamedCount]]] = {}
        self._shown: dict[tuple[Kind, int], Named] = {}
        self._asked: Sequence[NamedSpan] = []

    def put(self, partition: int, counts: Sequence[NamedCount]) -> None:
        """What a partition counted, in place of what it told."""
        told: dict[_Choices, list[NamedCount]] = {}
        for one in counts:
            told.setdefault((one.of.subset.kind, one.of.subset.choices), []).append(one)
        self._told[partition] = told

    def settle(self, named: Sequence[Named]) -> None:
        """Give these the sums of all partitions."""
        if len(self._told) < self._partitions:
            return
        for one in named:
            of_all = [_of_trouble(told.get((one.kind, one.subset.choices), ()), one) for told in self._told.values()]
            known = [count for count in of_all if count is not None]
            if len(known) == self._partitions:
                self._settle(one, known)

    def _settle(self, one: Named, counts: Sequence[NamedCount]) -> None:
        customers, disrupted = sum(of.customers for of in counts), sum(of.disrupted for of in counts)
        if not all(of.is_whole for of in counts):
            customers, disrupted = max(customers, one.customers), max(disrupted, one.disrupted)
        one.customers, one.disrupted = customers, disrupted
        self._shown[one.kind, one.named_at] = replace(one)

    def shown(self, named: Sequence[Named]) -> list[Named]:
        """Those of whom it is known how many customers they are."""
        found = []
        for one in named:
            if not one.customers:
                before = self._shown.get((one.kind, one.named_at))
                if before is None:
                    continue
                one = replace(before, last=one.last)
            if one.disrupted >= self._least:
                found.append(one)
        return found

    def asked(self, named: Sequence[Named], now: int) -> Sequence[NamedSpan]:
        """What the partitions are to count; the same object as long as nothing changed. `now`: microseconds.

        For a day after the last look at a trouble, as late signals may correct it.
        """
        lately = sorted((one for one in named if one.last > now - DAY), key=lambda one: one.named_at)
        asked = [
            NamedSpan(_subset(one), one.start // MINUTE, -(-one.end // MINUTE)) for one in lately[-MOST_ASKED:]
        ]
        if asked != self._asked:
            self._asked = asked
            of = {(one.kind, one.named_at) for one in named}
            self._shown = {key: one for key, one in self._shown.items() if key in of}
        return self._asked


def _of_trouble(counts: Sequence[NamedCount], one: Named) -> NamedCount | None:
    """The count of the same trouble, which another worker may have named a look earlier or later."""
    meeting = [
        count for count in counts if count.of.start * MINUTE < one.end and one.start < count.of.end * MINUTE
    ]
    return min(meeting, key=lambda count: abs(count.of.subset.named_at - one.named_at), default=None)


def _subset(one: Named) -> NamedSubset:
    return NamedSubset(one.kind, one.named_at, one.subset.choices)
