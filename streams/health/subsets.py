"""Which customers? The combination of attributes in which disruption is more than elsewhere, if any stands out.

A scan statistic over the cells of one window (Kulldorff, A spatial scan statistic, Communications in Statistics 26
(1997), its Bernoulli model): the log-likelihood ratio of one rate inside a subset and another outside against one
common rate. Candidates are values of one attribute, one or two of them, alone or together with one or two values of
another attribute.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.health.columns import Attributes

Floats = npt.NDArray[np.float64]

LIKELIEST = 6
"""Values of an attribute that are tried in pairs and beside other attributes: those with the highest ratio alone."""

MOST_VALUES = 400
"""An attribute with more values names customers rather than groups of them, and is left out."""

SHARE_OF_EXCESS = 0.5
"""A subset holds at least this share of the excess."""

TIMES_THE_REST = 3.0
"""Its share of customers disrupted is at least so many times that of the rest."""

LASTING = 3
"""Units disrupted in a subset in the last part of a window, without which its trouble is over."""

LASTING_TIMES = 3.0
"""Its share there is still at least so many times that of the rest."""

PER_VALUE = 8.0
"""By how much an attribute or value more must raise the ratio: some three thousand times as likely."""


class Choice(NamedTuple):
    """Values of one attribute."""

    attribute: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subset:
    """A combination of attributes that stands out in a window.

    Attributes:
        choices: the values of each attribute; customers with one of the values of each belong to it.
        ratio: log-likelihood ratio against one common rate.
        score: the ratio less what more values than one must raise it by.
        seen, disrupted: in it, in units of the cells.
        share_of_excess: in [0, 1].
        lift: its share disrupted in units of the rest's; infinite where nobody else was disrupted.
        usual: its own usual share disrupted.
    """

    choices: tuple[Choice, ...]
    ratio: float
    score: float
    seen: float
    disrupted: float
    share_of_excess: float
    lift: float
    usual: float

    def holds(self, attributes: Attributes) -> bool:
        """Whether a combination of attributes belongs to it."""
        return holds(self.choices, attributes)


def holds(choices: Sequence[Choice], attributes: Attributes) -> bool:
    """Whether a combination of attributes has one of the values of each choice."""
    stated = dict(attributes)
    return all(stated.get(choice.attribute) in choice.values for choice in choices)


class Attribute:
    """One attribute over all combinations: which value each of them has."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: list[str] = []
        self._numbers: dict[str, int] = {}
        self.of: list[int] = []  # by combination; -1: it does not have the attribute

    def add(self, value: str | None) -> None:
        """The value of one combination more."""
        if value is None:
            self.of.append(-1)
            return
        number = self._numbers.get(value)
        if number is None:
            number = self._numbers[value] = len(self.values)
            self.values.append(value)
        self.of.append(number)


class Window(NamedTuple):
    """What the cells of a window hold, by combination."""

    seen: Floats
    disrupted: Floats
    usual: Floats  # usual share of each
    recent_seen: Floats  # the last quarter of the window, by which a trouble that is over is told
    recent_disrupted: Floats


class Found(NamedTuple):
    """What the search of one window gave.

    Attributes:
        subsets: every one that may be named but for its ratio.
        alone: by (attribute, value) the ratio of that value alone, where it fares worse than the rest.
    """

    subsets: list[Subset]
    alone: dict[tuple[str, str], float]


def ratio(disrupted: Floats, seen: Floats, all_disrupted: float, all_seen: float) -> Floats:
    """Log-likelihood ratio of two rates against one, 0 where the inside fares no worse than the outside."""
    outside_hurt, outside = all_disrupted - disrupted, all_seen - seen
    gain = _likelihood(disrupted, seen) + _likelihood(outside_hurt, outside)
    gain = gain - _likelihood(np.float64(all_disrupted), np.float64(all_seen))
    worse = disrupted * outside > outside_hurt * seen
    return np.where(worse & (seen > 0) & (outside > 0), gain, 0.0)


def _likelihood(hurt: Floats | np.float64, seen: Floats | np.float64) -> Floats:
    well = seen - hurt
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.where(hurt > 0, hurt * np.log(hurt / seen), 0.0)
        second = np.where(well > 0, well * np.log(well / seen), 0.0)
    return np.asarray(first + second)


def search(attributes: Sequence[Attribute], window: Window, least: int, promising: float) -> Found:
    """The subsets of a window that may be named.

    Args:
        least: units disrupted in a subset.
        promising: values are tried together only if one of them has at least this ratio alone.
    """
    total_seen, total_hurt = float(window.seen.sum()), float(window.disrupted.sum())
    found = Found([], {})
    if total_hurt < least or total_hurt >= total_seen:
        return found
    scan = _Scan(attributes, window, least, total_seen, total_hurt, found)
    chosen = [scan.one_attribute(attribute) for attribute in attributes if len(attribute.values) <= MOST_VALUES]
    if max((one.best for one in chosen), default=0.0) < promising:
        return found
    for one in chosen:
        scan.judge_one(one)
    for one, other in combinations([one for one in chosen if one.masks is not None], 2):
        scan.judge_two(one, other)
    return found


@dataclass(slots=True)
class _Chosen:
    """Candidates of one attribute: which combinations each holds."""

    attribute: Attribute
    best: float
    picks: list[tuple[int, ...]]
    masks: Floats | None  # candidates x combinations, 0 or 1


class _Scan:
    def __init__(
        self, attributes: Sequence[Attribute], window: Window, least: int, seen: float, hurt: float, found: Found
    ) -> None:
        self._window = window
        self._least = least
        self._seen, self._hurt = seen, hurt
        self._found = found
        recent_seen, recent_hurt = float(window.recent_seen.sum()), float(window.recent_disrupted.sum())
        self._recent = recent_seen, recent_hurt
        self._surplus = window.disrupted - window.seen * window.usual

    def one_attribute(self, attribute: Attribute) -> _Chosen:
        """The likeliest values of an attribute, alone and in pairs."""
        window, size = self._window, len(attribute.values)
        of = np.array(attribute.of)
        has = of >= 0
        seen = np.bincount(of[has], window.seen[has], minlength=size).astype(float)
        hurt = np.bincount(of[has], window.disrupted[has], minlength=size).astype(float)
        ratios = ratio(hurt, seen, self._hurt, self._seen)
        recent_seen = np.bincount(of[has], window.recent_seen[has], minlength=size).astype(float)
        recent_hurt = np.bincount(of[has], window.recent_disrupted[has], minlength=size).astype(float)
        ratios = np.where(self._lasts(recent_hurt, recent_seen), ratios, 0.0)
        order = np.lexsort((np.argsort(np.argsort(attribute.values)), -ratios))[:LIKELIEST]
        likeliest = [int(place) for place in order if ratios[place] > 0]
        for place in likeliest:
            self._found.alone[attribute.name, attribute.values[place]] = float(ratios[place])
        picks: list[tuple[int, ...]] = [(place,) for place in likeliest]
        picks += [tuple(sorted(pair)) for pair in combinations(likeliest, 2)]
        if not picks:
            return _Chosen(attribute, 0.0, [], None)
        masks = np.zeros((len(picks), len(of)))
        for row, pick in enumerate(picks):
            masks[row] = np.isin(of, pick)
        return _Chosen(attribute, float(ratios.max()), picks, masks)

    def _lasts(self, hurt: Floats, seen: Floats) -> npt.NDArray[np.bool_]:
        """Whether a subset still fares worse in the last quarter of the window."""
        recent_seen, recent_hurt = self._recent
        return (hurt >= LASTING) & (hurt * (recent_seen - seen) >= LASTING_TIMES * (recent_hurt - hurt) * seen)

    def judge_one(self, one: _Chosen) -> None:
        """Subsets by one attribute. Its excess is over its own values."""
        if one.masks is None:
            return
        of = np.array(one.attribute.of)
        excess = np.bincount(of + 1, self._surplus, minlength=len(one.attribute.values) + 1).clip(min=0.0)
        total = excess.sum()
        held = np.array([sum(excess[place + 1] for place in pick) for pick in one.picks])
        sums = one.masks @ self._columns()
        for row in self._named(sums, held, total):
            self._add(sums[row], held[row] / total, (self._choice(one, one.picks[row]),))

    def judge_two(self, one: _Chosen, other: _Chosen) -> None:
        """Subsets by two attributes. The excess is over the combinations of their values."""
        assert one.masks is not None
        assert other.masks is not None
        width = len(other.attribute.values) + 1
        combined = (np.array(one.attribute.of) + 1) * width + np.array(other.attribute.of) + 1
        _, first, inverse = np.unique(combined, return_index=True, return_inverse=True)
        excess = np.bincount(inverse, self._surplus).clip(min=0.0)
        total = excess.sum()
        sums = np.stack([(one.masks * column) @ other.masks.T for column in self._columns().T], axis=-1)
        held = (one.masks[:, first] * excess) @ other.masks[:, first].T
        shape = sums.shape[:2]
        for place in self._named(sums.reshape(-1, 5), held.reshape(-1), total):
            row, column = divmod(place, shape[1])
            choices = self._choice(one, one.picks[row]), self._choice(other, other.picks[column])
            self._add(sums[row, column], held[row, column] / total, choices)

    def _columns(self) -> Floats:
        window = self._window
        expected = window.seen * window.usual
        columns = (window.seen, window.disrupted, window.recent_seen, window.recent_disrupted, expected)
        return np.stack(columns, axis=1)

    def _named(self, sums: Floats, held: Floats, total: float) -> list[int]:
        seen, hurt, recent_seen, recent_hurt, _ = sums.T
        rest_seen, rest_hurt = self._seen - seen, self._hurt - hurt
        may = (hurt >= self._least) & (rest_seen > 0) & (held >= SHARE_OF_EXCESS * total) & (total > 0)
        may &= hurt * rest_seen >= TIMES_THE_REST * rest_hurt * seen
        may &= self._lasts(recent_hurt, recent_seen)
        return [int(place) for place in np.flatnonzero(may)]

    def _choice(self, one: _Chosen, pick: tuple[int, ...]) -> Choice:
        return Choice(one.attribute.name, tuple(sorted(one.attribute.values[place] for place in pick)))

    def _add(self, sums: Floats, share: float, choices: tuple[Choice, ...]) -> None:
        seen, hurt = float(sums[0]), float(sums[1])
        gain = float(ratio(np.array([hurt]), np.array([seen]), self._hurt, self._seen)[0])
        values = sum(len(choice.values) for choice in choices)
        rest = (self._hurt - hurt) / (self._seen - seen)
        lift = hurt / seen / rest if rest else float("inf")
        score = gain - PER_VALUE * (values - 1)
        usual = float(sums[4]) / seen
        self._found.subsets.append(
            Subset(tuple(sorted(choices)), gain, score, seen, hurt, min(1.0, float(share)), lift, usual)
        )
