"""Of the subsets that the company named, how many of one partition's customers were seen and disrupted in them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from streams.health.live.counting import MinuteCounts, Places
from streams.health.live.parts import NamedCount, NamedSpan, NamedSubset
from streams.health.live.running import LONGEST, Running
from streams.health.live.tally import Ints, Tally, counted
from streams.health.subsets import holds


class SubsetWindow:
    """The minutes [start, end) of one subset; each customer with the number of minutes, so that one may leave.

    Attributes:
        is_whole: every minute of it was held when it was wanted.
    """

    def __init__(self, subset: NamedSubset, places: Places) -> None:
        self.subset = subset
        self.start = self.end = 0
        self.is_whole = True
        self._places = places
        self._inside: npt.NDArray[np.bool_] = np.zeros(0, dtype=bool)
        self._seen, self._hurt = Tally(), Tally()
        self._summed = [0, 0]  # of signals that stand for several customers

    def covers(self, minute: int) -> bool:
        """Whether a minute belongs to it."""
        return self.start <= minute < self.end

    def add(self, counts: MinuteCounts, sign: int) -> None:
        """A minute's counts come (1) or go (-1)."""
        inside = self._chosen()[counts.cell_combination]
        hurt = inside & counts.cell_hurt
        for place, (tally, cells) in enumerate(((self._seen, inside), (self._hurt, hurt))):
            customers, _ = counted(counts.cell_customer[cells & ~counts.cell_summed])
            tally.add(customers, np.full(len(customers), sign))
            self._summed[place] += sign * int(counts.cell_weight[cells & counts.cell_summed].sum())

    def _chosen(self) -> npt.NDArray[np.bool_]:
        """Which combinations it holds, the new ones too."""
        known, combinations = len(self._inside), self._places.combinations
        if known < len(combinations):
            kind, choices = self.subset.kind, self.subset.choices
            fresh = [of == kind and holds(choices, attributes) for of, attributes in combinations[known:]]
            self._inside = np.concatenate((self._inside, np.array(fresh, dtype=bool)))
        return self._inside

    def found(self) -> NamedCount:
        """The count of now."""
        seen, hurt = len(self._seen) + self._summed[0], len(self._hurt) + self._summed[1]
        return NamedCount(NamedSpan(self.subset, self.start, self.end), seen, hurt, self.is_whole)

    def customers(self) -> Ints:
        """Numbers of the customers in it."""
        return self._seen.keys

    def renumber(self, new: Ints) -> None:
        """Customers have other numbers: `new` by the old one."""
        self._seen.renumber(new)
        self._hurt.renumber(new)


class NamedCounts:
    """Keeps the windows of the subsets that are asked for."""

    def __init__(self, running: Running, places: Places) -> None:
        self._running, self._places = running, places
        self._asked: Sequence[NamedSpan] | None = None
        self._windows: dict[NamedSubset, SubsetWindow] = {}

    def follow(self, asked: Sequence[NamedSpan]) -> None:
        """What the company asks for now; the same object as long as nothing changed."""
        if asked is self._asked or self._running.since is None:
            return
        self._asked = asked
        before, self._windows = self._windows, {}
        for one in asked:
            window = before.get(one.subset)
            if window is None or window.start < one.start or window.end > one.end:
                window = SubsetWindow(one.subset, self._places)
                window.start = window.end = one.start
            self._windows[one.subset] = window
            self._stretch(window, one.start, one.end)
        self._running.subsets = list(self._windows.values())

    def _stretch(self, window: SubsetWindow, start: int, end: int) -> None:
        running = self._running
        assert running.since is not None
        minutes = [*range(start, window.start), *range(window.end, end)]
        if minutes and minutes[0] < max(running.since, running.minute - LONGEST + 1):
            window.is_whole = False
        for minute in minutes:
            counts = running.minutes.look(minute)
            if counts is not None:
                window.add(counts, 1)
        window.start, window.end = start, end

    def found(self) -> list[NamedCount]:
        """The counts of the subsets whose minutes were all counted, as after a restart they are one by one."""
        now = self._running.minute
        return [window.found() for window in self._windows.values() if window.end <= now]
