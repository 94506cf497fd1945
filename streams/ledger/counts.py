"""What became of the facts of a partition, counted so that a correction can take it back."""

from collections import Counter
from dataclasses import dataclass, field

from streams.ledger.movements import Ignored


@dataclass(slots=True)
class FactCounts:
    """What became of facts: facts = applied + ignored + pending; movements stand beside the sum."""

    facts: int = 0
    applied: int = 0  # pending ones among them until `accounting` takes them out
    ignored: Counter[str] = field(default_factory=Counter)
    pending: int = 0
    beyond_horizon: int = 0
    movements: Counter[str] = field(default_factory=Counter)
    by_clock: int = 0
    links_too_late: int = 0  # links that put another right, whose history was older than the horizon by then

    def count_outcome(self, outcome: Ignored | None, sign: int = 1) -> None:
        """Count one fact as applied (None) or ignored, or take it back."""
        if outcome is None:
            self.applied += sign
        else:
            self.ignored[outcome.value] += sign

    def add(self, other: "FactCounts") -> None:
        """Add another partition's counts."""
        self.facts += other.facts
        self.applied += other.applied
        self.pending += other.pending
        self.beyond_horizon += other.beyond_horizon
        self.by_clock += other.by_clock
        self.links_too_late += other.links_too_late
        self.ignored.update(other.ignored)
        self.movements.update(other.movements)
