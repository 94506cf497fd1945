"""Names of troubles: the search of subsets over running windows, what may be named, and since when.

Stage two: minutes of all partitions come together here, so that a trouble that spreads over partitions is seen, and
one partition or several give the same names.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

import msgspec
import numpy as np

from streams.health.columns import Attributes, Kind
from streams.health.levels import Levels, LevelsMemory
from streams.health.rules import SubsetRules
from streams.health.spans import Minute, Span, Sums
from streams.health.subsets import Attribute, Subset, Window, ratio, search
from streams.ledger.rules import DAY, MINUTE

LOOK_AFTER = 100
"""Units that come before the windows are looked at again; at least once in a block, at most once in a minute."""

GROWN = 1.02
"""A subset takes the place of the one that was named when its score is higher by this factor."""

MOST_AT_ONCE = 8
"""Troubles of one service and stage that are followed at once."""

QUIET_MINUTES = 180
"""Minutes without anybody disrupted after which it is another trouble."""

HALF_LIFE_DAYS = 28.0
"""Of what is remembered as the usual share of a combination."""

PRIOR_UNITS = 20.0
"""Units with which the usual share of all weighs in that of one combination."""

MOST_COMBINATIONS = 50_000
"""Finest combinations of one service and stage; beyond them attributes are not looked at."""


Count = Callable[[Kind, Callable[[Attributes], bool], int, int], tuple[int, int, int, int]]
"""Kind, choice of combinations, start and end to customers seen and disrupted: of the chosen, and of all."""

Course = Callable[[Kind, Callable[[Attributes], bool], int, int], Sequence[tuple[int, int, int]]]
"""Kind, choice, start and end to (minute, units seen, disrupted) of the chosen."""


@dataclass(slots=True)
class Named:
    """A trouble that was named; instants in microseconds.

    Attributes:
        subset: the one with the highest score so far.
        named_at: when it was first named.
        start: when it began, by the course of its minutes.
        end: until when it lasted, by the same.
        last: the last look at which it could be named.
        customers, disrupted: of the subset from start to end; distinct, or summed; 0 while nobody has told.
    """

    kind: Kind
    subset: Subset
    named_at: int
    start: int
    end: int
    last: int
    customers: int
    disrupted: int


class WatchMemory(msgspec.Struct, array_like=True):
    """What a watch has learnt, but for its running windows.

    Attributes:
        minute: the last that is in it, since 1970.
        combinations, seen, disrupted: what is usual of each.
    """

    minute: int
    first_minute: int | None
    decayed_at: int
    combinations: list[Attributes]
    seen: list[float]
    disrupted: list[float]
    levels: LevelsMemory
    named: list[Named]


MOST_NAMED = 200
"""Troubles in a memory, the newest."""

MOST_REMEMBERED = 20_000
"""Combinations in a memory: those with the most units."""

RECENT = {5: 5, 60: 60, 360: 60, 1440: 360}
"""Window to its last part, minutes: what is over is not named."""


class SubsetWatch:
    """One service and stage under watch."""

    def __init__(
        self, kind: Kind, rules: SubsetRules, day_of: Callable[[int], int], count: Count, course: Course,
        *, is_distinct: bool = True,
    ) -> None:  # fmt: skip
        """Args:
            day_of: number of the company's day that holds an instant.
            is_distinct: `count` gives distinct customers of a choice; if not, those of a name are left to be told.
        """
        self.kind = kind
        self.named: list[Named] = []
        self._rules = rules
        self._day_of = day_of
        self._count, self._course, self._is_distinct = count, course, is_distinct
        self._levels = Levels(rules.per_week)
        self._numbers: dict[Attributes, int] = {}
        self._attributes: dict[str, Attribute] = {}
        self._spans = {minutes: Span(minutes) for minutes in RECENT}
        self._all = Sums()
        self._since_look = 0
        self._first_minute: int | None = None
        self._decayed_at = 0

    def number(self, attributes: Attributes) -> int:
        """The number of a combination, the same for every partition."""
        left_out = self._rules.leave_out
        if left_out:
            attributes = tuple(one for one in attributes if one[0] not in left_out)
        found = self._numbers.get(attributes)
        if found is None:
            if len(self._numbers) >= MOST_COMBINATIONS:
                return self._numbers.setdefault((), len(self._numbers))
            found = self._numbers[attributes] = len(self._numbers)
            stated = dict(attributes)
            for name in stated:
                if name not in self._attributes:
                    fresh = self._attributes[name] = Attribute(name)
                    fresh.of = [-1] * found
            for name, attribute in self._attributes.items():
                attribute.add(stated.get(name))
        return found

    def pass_minutes(self, minutes: Sequence[Minute]) -> None:
        """The minutes of a block, in order, with what came together of all partitions."""
        if not minutes:
            return
        size = max(64, len(self._numbers))
        for sums in (self._all, *(span.sums for span in self._spans.values())):
            sums.grow(size)
        self._decay(minutes[0].minute)
        for place, one in enumerate(minutes):
            if self._first_minute is None:
                self._first_minute = one.minute
            for span in self._spans.values():
                span.slide(one.minute)
                span.add(one)
            self._all.add(one)
            self._since_look += int(one.seen.sum())
            is_last = place == len(minutes) - 1
            if self._since_look >= LOOK_AFTER or is_last:
                self._since_look = 0
                self._look((one.minute + 1) * MINUTE, is_last)

    def fill(self, minutes: Sequence[Minute]) -> None:
        """Minutes, in order, that are in the memory already: they belong to the windows alone."""
        size = max(64, len(self._numbers))
        for span in self._spans.values():
            span.sums.grow(size)
            for one in minutes:
                span.slide(one.minute)
                span.add(one)

    def correct(self, more: Minute, *, is_learnt: bool) -> None:
        """What a minute that was passed holds more, or less; `is_learnt`: what is learnt of it stands."""
        size = max(64, len(self._numbers))
        for span in self._spans.values():
            span.sums.grow(size)
            span.correct(more)
        if not is_learnt:
            self._all.grow(size)
            self._all.add(more)

    def memory(self, minute: int) -> WatchMemory:
        """What was learnt up to a minute, which is the last that was passed."""
        names = list(self._numbers)
        most = np.argsort(-self._all.seen[: len(names)], kind="stable")[:MOST_REMEMBERED].tolist()
        return WatchMemory(
            minute, self._first_minute, self._decayed_at, [names[number] for number in most],
            self._all.seen[most].tolist(), self._all.disrupted[most].tolist(), self._levels.memory(),
            self.named[-MOST_NAMED:],
        )  # fmt: skip

    def recall(self, memory: WatchMemory) -> None:
        """Go on from what was learnt; for a fresh watch only."""
        numbers = [self.number(name) for name in memory.combinations]
        self._all.grow(max(64, len(self._numbers)))
        self._all.seen[numbers] = memory.seen
        self._all.disrupted[numbers] = memory.disrupted
        self._first_minute, self._decayed_at = memory.first_minute, memory.decayed_at
        self._levels.recall(memory.levels)
        self.named = memory.named

    def _decay(self, minute: int) -> None:
        """Once a day what is remembered fades."""
        days = (minute - self._decayed_at) // 1440
        if days > 0:
            fading = 0.5 ** (days / HALF_LIFE_DAYS)
            self._all.seen *= fading
            self._all.disrupted *= fading
            self._decayed_at = minute

    def _look(self, now: int, thoroughly: bool) -> None:
        levels = self._levels
        levels.turn_to(self._day_of(now - 1))
        attributes = [self._attributes[name] for name in sorted(self._attributes)]
        best: tuple[float, int, Subset] | None = None
        alone: dict[tuple[str, str], float] = {}
        for minutes, recent in RECENT.items():
            window = self._window(minutes, recent)
            found = search(attributes, window, self._rules.least, levels.least / 3)
            for value, gain in found.alone.items():
                alone[value] = max(gain, alone.get(value, 0.0))
            for subset in found.subsets:
                if (best is None or subset.score > best[0]) and self._passes(subset):
                    best = subset.score, minutes, subset
        if best is not None:
            self._name(best[2], best[1], now, thoroughly)
        levels.note(alone)

    def _window(self, minutes: int, recent: int) -> Window:
        size = len(self._numbers)
        sums, last = self._spans[minutes].sums, self._spans[recent].sums
        assert self._first_minute is not None
        # A trouble that lasts must not become what is usual: with enough past, the last day is no part of it.
        day = self._spans[1440].sums
        enough = float(self._all.seen[:size].sum()) > 3 * float(day.seen[:size].sum())
        apart = day if enough else sums
        seen, hurt = sums.seen[:size], sums.disrupted[:size]
        past_seen = (self._all.seen[:size] - apart.seen[:size]).clip(min=0.0)
        past_hurt = (self._all.disrupted[:size] - apart.disrupted[:size]).clip(min=0.0)
        total = float(seen.sum())
        now = float(hurt.sum()) / total if total else 0.0
        overall = (past_hurt.sum() + PRIOR_UNITS * now) / (past_seen.sum() + PRIOR_UNITS)
        usual = (past_hurt + PRIOR_UNITS * overall) / (past_seen + PRIOR_UNITS)
        return Window(seen, hurt, usual, last.seen[:size], last.disrupted[:size])

    def _passes(self, subset: Subset) -> bool:
        if subset.score < self._levels.least:
            return False
        values = ((choice.attribute, value) for choice in subset.choices for value in choice.values)
        return all(subset.score > self._levels.level(value) for value in values)

    def _is_many(self, subset: Subset, start: int, now: int) -> bool:
        """Whether it stands out in customers, not only in the minutes of a few who try again and again."""
        seen, hurt, all_seen, all_hurt = self._count(self.kind, subset.holds, start, now)
        if hurt < self._rules.least or all_hurt >= all_seen:
            return False
        gain = ratio(np.array([float(hurt)]), np.array([float(seen)]), float(all_hurt), float(all_seen))
        return bool(gain[0] >= self._levels.least)

    def _name(self, subset: Subset, minutes: int, now: int, thoroughly: bool) -> None:
        start, recent = now - minutes * MINUTE, RECENT[minutes]
        lasting = [one for one in self.named[-MOST_AT_ONCE:] if one.last >= start]
        same = next((one for one in reversed(lasting) if one.subset.choices == subset.choices), None)
        if same is not None and subset.score <= GROWN * same.subset.score and not thoroughly:
            same.last = now  # it is looked at again when it has grown, and else once in a block
            return
        if same is None and not self._is_many(subset, start, now):
            return
        began, ended = self._course_of(subset, start, now)
        if ended < now - recent * MINUTE:
            return  # it is over
        for one in reversed(lasting):
            if one.start < ended and began <= one.end + QUIET_MINUTES * MINUTE and _meet(one.subset, subset):
                self._go_on(one, subset, began, ended, now)
                break
        else:
            one = Named(self.kind, subset, now, began, ended, now, 0, 0)
            self.named.append(one)
        if self._is_distinct:
            seen, hurt, _, _ = self._count(self.kind, one.subset.holds, one.start, one.end)
            one.customers, one.disrupted = max(one.customers, seen), max(one.disrupted, hurt)

    def _go_on(self, one: Named, subset: Subset, began: int, ended: int, now: int) -> None:
        """A trouble that was named before, maybe by a better name now."""
        one.last = now
        is_same, is_better = subset.choices == one.subset.choices, subset.score > GROWN * one.subset.score
        if is_same:
            one.start, one.end = min(one.start, began), max(one.end, ended)
        elif is_better:
            one.start, one.end = began, ended
            one.customers = one.disrupted = 0
        if is_better:
            one.subset = subset

    def _course_of(self, subset: Subset, start: int, now: int) -> tuple[int, int]:
        """Since when and until when the subset was disrupted at its rate now rather than as usual, or as the rest.

        It is the span of minutes whose log-likelihood ratio is the highest.
        Source: Page, Continuous inspection schemes, Biometrika 41 (1954).
        """
        share = min(0.999, max(1e-6, subset.disrupted / subset.seen))
        usual = min(share / 2, max(1e-6, share / subset.lift, subset.usual))
        bad, good = log(share / usual), log((1 - share) / (1 - usual))
        course = self._course(self.kind, subset.holds, max(start, now - DAY), now)
        best = total = 0.0
        began, until = start, now
        candidate = start
        hurt_at = None
        for minute, seen, hurt in course:
            if total <= 0 or (hurt_at is not None and minute - hurt_at > QUIET_MINUTES):
                total, candidate = 0.0, minute
            if hurt:
                hurt_at = minute
            total += hurt * bad + (seen - hurt) * good
            if total > best:
                best, began, until = total, candidate * MINUTE, (minute + 1) * MINUTE
        return began, until


def _meet(one: Subset, other: Subset) -> bool:
    """Whether two subsets can have customers in common: then they are names of one trouble."""
    values = dict(one.choices)
    return all(
        choice.attribute not in values or set(values[choice.attribute]) & set(choice.values)
        for choice in other.choices
    )
