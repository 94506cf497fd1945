"""What one partition knows of a block of time: counts that add up over partitions."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.health.columns import Attributes, Kind
from streams.health.latencies import Bins

Ints = npt.NDArray[np.int64]


class ScopeName(NamedTuple):
    """Where experience is counted; segment and region None: the whole of a service's stage."""

    service: str
    stage: str
    segment: str | None
    region: str | None


@dataclass(slots=True)
class ScopeCounts:
    """Counts of one scope in one block, which add up over partitions and over time.

    Attributes:
        summed, summed_disrupted: customers of signals that stand for several, and those of them disrupted.
        customer_minutes: minutes in which customers were disrupted.
        interactions: satisfied, tolerating and frustrated ones; each counts for the customers that it stands for.
        probes: synthetic interactions, and how many of them failed.
    """

    summed: int = 0
    summed_disrupted: int = 0
    customer_minutes: int = 0
    interactions: list[int] = field(default_factory=lambda: [0, 0, 0])
    probes: list[int] = field(default_factory=lambda: [0, 0])
    latencies: Bins = field(default_factory=Bins)

    def add(self, other: "ScopeCounts") -> None:
        """Add the counts of another partition or block."""
        self.summed += other.summed
        self.summed_disrupted += other.summed_disrupted
        self.customer_minutes += other.customer_minutes
        for place in range(3):
            self.interactions[place] += other.interactions[place]
        self.probes[0] += other.probes[0]
        self.probes[1] += other.probes[1]
        self.latencies.add(other.latencies)


CELL = np.dtype([("minute", "<u4"), ("customer", "<u4"), ("customers", "<u4"), ("place", "<u4"), ("disrupted", "?")])
"""A customer in a minute, or a signal that stands for several: what the search of subsets counts."""


@dataclass(slots=True)
class SubsetCells:
    """Cells of one kind and block.

    Attributes:
        names: the combinations of attributes that occur.
        cells: `place` is the place of the cell's combination in `names`.
    """

    names: list[Attributes]
    cells: npt.NDArray[np.void]


@dataclass(slots=True)
class BlockPart:
    """What one partition knows of one block of time.

    Attributes:
        scopes: counts of every scope.
        minutes: (minutes, customers seen, customers disrupted) of every scope.
        cells: by kind, for the search of subsets.
        seen, hurt: per scope the customers' numbers in the partition, for distinct counts.
    """

    start: int
    scopes: dict[ScopeName, ScopeCounts] = field(default_factory=dict)
    minutes: dict[ScopeName, tuple[Ints, Ints, Ints]] = field(default_factory=dict)
    cells: dict[Kind, SubsetCells] = field(default_factory=dict)
    seen: dict[ScopeName, Ints] = field(default_factory=dict)
    hurt: dict[ScopeName, Ints] = field(default_factory=dict)
