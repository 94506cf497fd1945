"""Steps of few events, sooner than any sum shows them: the cumulative likelihood ratio of the level grown tenfold.

A sum asks how many came. Where a slot expects few, and they come in bursts, that is slow: one burst is as large as
a step is in half an hour. The likelihood ratio asks how they came, too: ten slots with a burst in each are more
unlikely than one with ten times as many, as of a burst only the logarithm counts.
"""

from math import lgamma, log
from statistics import NormalDist
from typing import Final

from streams.surges.alarm_line import CALIBRATED_LINE, CALIBRATED_SLOTS
from streams.surges.deviation import LEAST_SPREAD

GROWN: Final = 10.0
"""The step that is looked for, times the level; of drawn steps of five and ten it was as good as any."""
BELOW: Final = 5.0
"""Expected events of a slot; of more, sums are as quick."""
TAIL: Final = 2.0
USUAL_EXCESS: Final = 1.7
"""How far the sum lies beyond TAIL in the mean where it does, of independent counts: drawn ones of mean 0.2 to 5 and
variance 1.3 to 10 times the mean had 1.0 to 1.7. Real mentions, whose bursts last, had up to 3.4."""
FIRST_EXCESS: Final = 3.0
FIRST_SEEN, MOST_SEEN = 10, 200
"""What is taken for it before the series has shown it, as of so many slots, and how many are remembered."""

_NORMAL = NormalDist()
_SCALE = _NORMAL.inv_cdf(1.0 - 1.0 / CALIBRATED_SLOTS) / CALIBRATED_LINE


def log_ratio(count: float, mean: float, spread: float) -> float:
    """How many times likelier a count is with GROWN times the mean than with the mean; logarithm.

    Args:
        count: what was counted, >= 0.
        mean: what was expected, > 0.
        spread: variance / mean of a negative binomial, with either mean.
    """
    spread = max(spread, LEAST_SPREAD)
    size = mean / (spread - 1.0)
    grown = GROWN * size
    return lgamma(count + grown) - lgamma(grown) - lgamma(count + size) + lgamma(size) - (grown - size) * log(spread)


def limit_of(line: float, slots: int) -> float:
    """The sum of logarithms that independent counts reach as rarely as their deviates reach the line.

    Args:
        line: an alarm line.
        slots: looks, for each one that the line is made for.
    Source: a sum that begins anew at 0 passes a limit once in exp(limit) looks at most (Page, Biometrika 41, 1954;
        Lorden, Annals of Mathematical Statistics 42, 1971).
    """
    return log(slots / max(_NORMAL.cdf(-line * _SCALE), 1e-300))


class Cusum:
    """The sum of one series. It begins anew when it falls below 0 and when it has passed the limit.

    Attributes:
        total: the sum, >= 0.
        slots: of how many slots.
        excess: by how much it lies beyond TAIL where it does, in the mean; bursts that last make it more.
        seen: of how many slots that is known.
    """

    __slots__ = ("excess", "seen", "slots", "total")

    def __init__(self) -> None:
        self.total = 0.0
        self.slots = 0
        self.excess = FIRST_EXCESS
        self.seen = FIRST_SEEN

    def look(
        self, count: float, mean: float, spread: float, line: float, slots: int, *, learn: bool, normal: bool
    ) -> tuple[float, int]:
        """The deviate that few events that came one slot after the other are worth, and of how many slots.

        Args:
            count, mean: of the newest slot; NaN: nothing was expected.
            spread: variance over mean.
            line, slots: as `limit_of`.
            learn: the slot is over.
            normal: no surge is open: how far the sum goes is usual.
        """
        if not mean < BELOW:
            if learn:
                self.move(0.0, 0)
            return 0.0, 0
        limit = self.limit(line, slots)
        total, looked = self.with_slot(count, mean, spread, limit)
        if learn:
            self.move(total, looked, learn_up_to=limit if normal else 0.0)
        return line * total / limit, looked

    def limit(self, line: float, slots: int) -> float:
        """As `limit_of`, and further out the further this series is used to go."""
        return limit_of(line, slots) * max(1.0, self.excess / USUAL_EXCESS)

    def with_slot(self, count: float, mean: float, spread: float, limit: float) -> tuple[float, int]:
        """The sum with one slot more, and of how many it is then."""
        total, slots = log_ratio(count, mean, spread), 1
        if self.total < limit:
            total, slots = total + self.total, slots + self.slots
        return (total, slots) if total > 0.0 else (0.0, 0)

    def move(self, total: float, slots: int, *, learn_up_to: float = 0.0) -> None:
        """A slot is over, with which the sum is this; how far it went is learnt, and so much of it at most."""
        self.total, self.slots = total, slots
        if min(total, learn_up_to) > TAIL:
            self.seen = min(MOST_SEEN, self.seen + 1)
            self.excess += (min(total, learn_up_to) - TAIL - self.excess) / self.seen

    def state(self) -> tuple[float, int, float, int]:
        """For `restore`."""
        return self.total, self.slots, self.excess, self.seen

    def restore(self, state: tuple[float, int, float, int]) -> None:
        """Take over what `state` gave."""
        self.total, self.slots, self.excess, self.seen = state
