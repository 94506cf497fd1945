"""What the definitions fix for the ledger: spans of time and ranks of silos."""

from dataclasses import dataclass, field

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Lapse:
    """Silent departure: lost `after_us` past the last fact of one of these kinds."""

    after_us: int
    restarted_by: frozenset[str]


@dataclass(frozen=True, slots=True)
class TrailingSpend:
    """Value model: sum of the amounts of facts of these kinds in (t - span_us, t]."""

    span_us: int
    fact_kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class LedgerRules:
    """Everything that the fold of one customer needs to know of the definitions.

    Spans are microseconds. `precedence` maps a silo to its rank, 0 the highest; a silo not in it ranks
    below all that are, equal to the others not in it.
    """

    horizon_us: int = 36 * HOUR
    grouping_us: int = 1 * HOUR
    same_departure_us: int = 7 * DAY
    early_within_us: int = 90 * DAY
    lapse: Lapse | None = None
    trailing: TrailingSpend | None = None
    precedence: dict[str, int] = field(default_factory=dict)

    def rank(self, silo: str) -> int:
        """Rank of a silo, smaller is higher; silos without one share the lowest."""
        return self.precedence.get(silo, len(self.precedence))
