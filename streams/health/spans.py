"""What running spans of time hold: units seen and disrupted by combination of attributes."""

from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.health.parts import Ints
from streams.health.subsets import Floats

Counts = npt.NDArray[np.int32]


class Minute(NamedTuple):
    """What happened in a minute: combinations by number, units seen and disrupted."""

    minute: int
    places: Counts
    seen: Counts
    disrupted: Counts


class Sums:
    """Units by combination over a running span."""

    def __init__(self) -> None:
        self.seen: Floats = np.zeros(64)
        self.disrupted: Floats = np.zeros(64)

    def grow(self, size: int) -> None:
        if size > len(self.seen):
            more = np.zeros(max(size, 2 * len(self.seen)) - len(self.seen))
            self.seen = np.concatenate((self.seen, more))
            self.disrupted = np.concatenate((self.disrupted, more))

    def add(self, one: Minute, sign: int = 1) -> None:
        self.seen[one.places] += sign * one.seen
        self.disrupted[one.places] += sign * one.disrupted


class Span:
    """Minutes of the last so many; a minute or an hour leaves when it is too old."""

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes
        self.sums = Sums()
        self._held: deque[Minute] = deque()

    def add(self, one: Minute) -> None:
        self.sums.add(one)
        self._held.append(one)

    def correct(self, more: Minute) -> None:
        """What a minute that was added holds more than it held, or less; nothing if it has left."""
        held = self._held
        if not held or more.minute <= held[-1].minute - self.minutes:
            return
        self.sums.add(more)
        place = len(held)
        while place and held[place - 1].minute > more.minute:
            place -= 1
        if place and held[place - 1].minute == more.minute:
            held[place - 1] = put_together([held[place - 1], more])
        else:
            held.insert(place, more)

    def slide(self, minute: int) -> None:
        """The running minute is `minute`."""
        while self._held and self._held[0].minute <= minute - self.minutes:
            self.sums.add(self._held.popleft(), -1)


def minutes_of(cells: npt.NDArray[np.void], places: Ints) -> list[Minute]:
    """Cells of a block by minute; `places`: the number of each combination."""
    key = cells["minute"].astype(np.int64) << 32 | places[cells["place"]]
    keys, inverse = np.unique(key, return_inverse=True)
    # A day of them is held.
    seen = np.bincount(inverse, minlength=len(keys)).astype(np.int32)
    hurt = np.bincount(inverse, cells["disrupted"], minlength=len(keys)).astype(np.int32)
    minutes, numbers = keys >> 32, (keys & 0xFFFFFFFF).astype(np.int32)
    starts = [*np.flatnonzero(np.diff(minutes, prepend=-1)).tolist(), len(keys)]
    return [
        Minute(int(minutes[first]), numbers[first:end], seen[first:end], hurt[first:end])
        for first, end in pairwise(starts)
    ]


def difference(one: Minute, before: Minute | None) -> Minute:
    """What a minute holds more than before, or less; `before` None: it held nothing."""
    if before is None:
        return one
    return put_together([one, Minute(one.minute, before.places, -before.seen, -before.disrupted)])


def put_together(parts: Sequence[Minute]) -> Minute:
    """One minute of several partitions; a combination stands once."""
    if len(parts) == 1:
        return parts[0]
    places, inverse = np.unique(np.concatenate([part.places for part in parts]), return_inverse=True)
    seen = np.bincount(inverse, np.concatenate([part.seen for part in parts])).astype(np.int32)
    hurt = np.bincount(inverse, np.concatenate([part.disrupted for part in parts])).astype(np.int32)
    return Minute(parts[0].minute, places, seen, hurt)
