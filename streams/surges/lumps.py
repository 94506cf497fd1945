"""Money comes in lumps: how large the amounts are that single customers take along.

A sum of amounts strays as if it were a count of lumps of size E(a^2) / E(a) (variance over mean of a compound Poisson
sum). The amounts of a measure are learnt over all its series together: a series that never lost anybody does not
know them, and the first loss in it is no surge.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from streams.surges.series import LOST_CUSTOMERS, LOST_VALUE, Series

MONEY_OF: Final = {LOST_VALUE: LOST_CUSTOMERS}
"""Measures of money, and the measure that counts whose money it is."""

REMEMBERED: Final = 2_000
"""Customers over which the amounts are averaged."""
LEAST_KNOWN: Final = 20
MOST_OF_ONE: Final = 1.0
"""Lumps that one customer counts for at most: a single large one who leaves is a loss, not a surge."""
MOST_LEARNT: Final = 50.0
"""Lumps that one customer is learnt from as at most."""


class Amounts(msgspec.Struct, array_like=True):
    """Decayed sums over single customers: how many, their amounts, and the squares of these."""

    customers: float = 0.0
    amounts: float = 0.0
    squares: float = 0.0


class Lumps:
    """The lumps of every measure of money.

    Attributes: amounts: by measure, for a snapshot.
    """

    def __init__(self, amounts: dict[str, Amounts] | None = None) -> None:
        self.amounts = amounts if amounts is not None else {}

    def size(self, measure: str) -> float:
        """The lump of a measure, in its own unit; 0 where it is no money or nothing is known yet."""
        known = self.amounts.get(measure)
        if known is None or known.amounts <= 0.0:
            return 0.0
        # What is known of few is taken for less than there is: the largest amounts are rare.
        few = 1.0 + max(0.0, LEAST_KNOWN - known.customers) / 2.0
        return few * known.squares / known.amounts

    def learn(self, counts: Mapping[Series, float | None]) -> None:
        """Learn from the totals of a minute."""
        for measure, of in MONEY_OF.items():
            amount, customers = counts.get(Series(measure)), counts.get(Series(of))
            if not amount or not customers:
                continue
            size = self.size(measure)
            if size:
                amount = min(amount, customers * MOST_LEARNT * size)
            known = self.amounts.setdefault(measure, Amounts())
            kept = max(0.0, 1.0 - customers / REMEMBERED)
            known.customers = known.customers * kept + customers
            known.amounts = known.amounts * kept + amount
            known.squares = known.squares * kept + amount * amount / customers

    def judged(self, key: Series, amount: float, counts: Mapping[Series, float | None]) -> float:
        """What of an amount is counted: of each customer MOST_OF_ONE lumps at most."""
        size = self.size(key.measure)
        if size == 0.0:
            return amount
        customers = counts.get(Series(MONEY_OF[key.measure], key.labels)) or 1.0
        return min(amount, customers * MOST_OF_ONE * size)
