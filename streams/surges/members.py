"""The series of a bank: which there are, in slots of which lengths they are watched, and which lie in which."""

from collections.abc import Iterator

from streams.surges.budget import Budget
from streams.surges.series import Series
from streams.surges.steps import FINE_S, Step
from streams.surges.watch import Watch

Place = tuple[str, tuple[str, str] | None]
"""A measure and a label of it, or all of the measure."""



class Members:
    """All series, in the order in which they came.

    Attributes:
        watches: by key; only `take_in` and `forget` change which there are.
    """

    def __init__(self, budget: Budget) -> None:
        """`budget` is told which series there are, and which wholes surge."""
        self.watches: dict[Series, Watch] = {}
        self._budget = budget
        self._of_step: dict[int, list[tuple[Watch, Step]]] = {}  # left out wherever steps change
        self._lying_in: dict[Place, set[Series]] = {}

    def take_in(self, watch: Watch) -> None:
        """Add a series."""
        self.watches[watch.series] = watch
        for place in _places(watch.series):
            self._lying_in.setdefault(place, set()).add(watch.series)
        self._of_step.clear()
        self._budget.take_in(watch.series)
        self.note_surging(watch)

    def forget(self, key: Series) -> bool:
        """Leave a series out; False where there is none."""
        self._budget.surging.discard(key)
        if self.watches.pop(key, None) is None:
            return False
        for place in _places(key):
            self._lying_in[place].discard(key)
        self._of_step.clear()
        return True

    def note_surging(self, watch: Watch) -> None:
        """Note whether a series is a whole with an open surge."""
        if watch.surge is not None and self._budget.is_whole(watch.series):
            self._budget.surging.add(watch.series)
        else:
            self._budget.surging.discard(watch.series)

    def pairs(self, step_s: int) -> list[tuple[Watch, Step]]:
        """The series that are watched in slots of a length."""
        pairs = self._of_step.get(step_s)
        if pairs is None:
            pairs = [
                (watch, step) for watch in self.watches.values() for step in watch.steps if step.step_s == step_s
            ]
            self._of_step[step_s] = pairs
        return pairs

    def steps_changed(self) -> None:
        """A series is watched in slots of other lengths than before."""
        self._of_step.clear()

    def begin_anew(self, key: Series, now: int) -> Iterator[Series]:
        """A collection begins: the past of the series, and of all that lies in it, begins here.

        Returns: those whose past does, which are all but those with an open surge.
        """
        self._of_step.clear()
        everything = not key.labels
        for part in set.intersection(*(self._lying_in[place] for place in _places(key, everything=everything))):
            watch = self.watches[part]
            if watch.surge is None:
                watch.begin(now)
                yield part

    def whole_of(self, watch: Watch) -> Step | None:
        """The whole that a series is a part of, in slots of five minutes; None: it is none, or too quiet for them."""
        whole = self.watches.get(Series(watch.series.measure)) if watch.series.labels else None
        return whole.steps[0] if whole is not None and whole.steps[0].step_s == FINE_S else None


def _places(key: Series, *, everything: bool = True) -> list[Place]:
    """Where a series lies: below each of its labels, and (`everything`) among all of its measure."""
    places: list[Place] = [(key.measure, label) for label in key.labels]
    return [*places, (key.measure, None)] if everything else places
