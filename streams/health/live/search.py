"""The search of subsets, live: minutes of all partitions in order, and what was distinct over the spans they tell."""

from collections import deque
from collections.abc import Callable, Iterator

import numpy as np

from streams.health.columns import Attributes, Kind
from streams.health.live.parts import MinutePart, unpacked
from streams.health.live.tally import Ints
from streams.health.naming import RECENT, Named, SubsetWatch, WatchMemory
from streams.health.rules import SubsetRules
from streams.health.spans import Minute, difference, put_together
from streams.ledger.rules import MINUTE
from streams.tables.calendar import Calendar

DAY_MINUTES = 1440

SPANS = tuple(RECENT)


class _Watched:
    """One service and stage.

    Attributes:
        groups: names of the combinations, by the watch's numbers.
        distinct: by partition, rows of customers seen and disrupted over each span.
        course: minutes of a day.
        upto: the last minute that the watch had learnt from before this process began.
    """

    def __init__(self, watch: SubsetWatch) -> None:
        self.watch = watch
        self.groups: dict[int, Attributes] = {}
        self.distinct: dict[int, Ints] = {}
        self.course: deque[Minute] = deque()
        self.upto = -1

    def take(self, partition: int, numbers: Ints, spans: Ints) -> None:
        """What a partition tells of its combinations, in place of what it told."""
        held = self.distinct.get(partition, np.zeros((0, 2 * len(SPANS)), dtype=np.int64))
        missing = int(numbers.max()) + 1 - len(held)
        if missing > 0:
            held = np.concatenate((held, np.zeros((missing + len(held), 2 * len(SPANS)), dtype=np.int64)))
            self.distinct[partition] = held
        held[numbers] = spans

    def correct(self, minute: int, whole: Minute | None) -> Minute | None:
        """Put a minute in the place of what it was; gives what it holds more or less, None if that is nothing."""
        course, place = self.course, len(self.course)
        while place and course[place - 1].minute > minute:
            place -= 1
        before = course[place - 1] if place and course[place - 1].minute == minute else None
        if whole is None:
            if before is None:
                return None
            whole = Minute(minute, *(np.empty(0, dtype=np.int32) for _ in range(3)))
        if before is None:
            course.insert(place, whole)
        else:
            course[place - 1] = whole
        more = difference(whole, before)
        return more if more.seen.any() or more.disrupted.any() else None

    def chosen(self, holds: Callable[[Attributes], bool], size: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which combinations a choice holds."""
        found = np.zeros(size, dtype=bool)
        for number, name in self.groups.items():
            if number < size:
                found[number] = holds(name)
        return found


class MinuteSearch:
    """Watches every service and stage."""

    def __init__(self, rules: SubsetRules, calendar: Calendar) -> None:
        self._rules = rules
        self._calendar = calendar
        self._watched: dict[Kind, _Watched] = {}
        self._now = 0

    @property
    def now(self) -> int:
        """The end of the last minute that was looked at, microseconds."""
        return self._now

    @property
    def named(self) -> list[Named]:
        """Every subset that was named, by when it began, its customers as they were last told."""
        found = [named for one in self._watched.values() for named in one.watch.named]
        return sorted(found, key=lambda named: (named.start, named.kind, named.subset.choices))

    def look(self, minute: int, parts: dict[int, MinutePart]) -> None:
        """A minute of which every partition has told; minutes come in order."""
        self._now = (minute + 1) * MINUTE
        for kind, whole in sorted(self._units(minute, parts, with_spans=True).items()):
            watched = self._watched[kind]
            watched.course.append(whole)
            while watched.course[0].minute <= minute - DAY_MINUTES:
                watched.course.popleft()
            if minute > watched.upto:
                watched.watch.pass_minutes([whole])
            else:
                watched.watch.fill([whole])

    def correct(self, minute: int, parts: dict[int, MinutePart]) -> None:
        """A minute that was looked at, as late signals made it; the next look sees it so.

        Who was distinct over the spans is told with the minute that runs now.
        """
        units = self._units(minute, parts, with_spans=False)
        for kind, watched in sorted(self._watched.items()):
            more = watched.correct(minute, units.get(kind))
            if more is not None:
                watched.watch.correct(more, is_learnt=minute <= watched.upto)

    def _units(self, minute: int, parts: dict[int, MinutePart], *, with_spans: bool) -> dict[Kind, Minute]:
        """What the partitions told of a minute, put together; their spans are taken, too."""
        units: dict[Kind, list[Minute]] = {}
        for partition, part in sorted(parts.items()):
            of_kind: dict[Kind, list[int]] = {}
            for place, (kind, _) in enumerate(part.groups):
                of_kind.setdefault((kind[0], kind[1]), []).append(place)
            cells, spans = unpacked(part.units, 2), unpacked(part.spans, 2 * len(SPANS))
            for kind, places in of_kind.items():
                watched = self._of(kind)
                numbers = np.array([self._number(watched, part.groups[place][1]) for place in places])
                if len(np.unique(numbers)) < len(numbers):
                    numbers, inverse = np.unique(numbers, return_inverse=True)
                    mine, own = _summed(cells[places], inverse), _summed(spans[places], inverse)
                else:
                    mine, own = cells[places], spans[places]
                if with_spans:
                    watched.take(partition, numbers, own)
                seen = mine[:, 0] > 0
                if seen.any():
                    columns = (numbers[seen], mine[seen, 0], mine[seen, 1])
                    units.setdefault(kind, []).append(Minute(minute, *(one.astype(np.int32) for one in columns)))
        return {kind: put_together(minutes) for kind, minutes in units.items()}

    def memories(self, minute: int) -> Iterator[tuple[Kind, WatchMemory]]:
        """What was learnt of each service and stage, up to a minute that was looked at."""
        for kind, watched in sorted(self._watched.items()):
            yield kind, watched.watch.memory(max(minute, watched.upto))

    def recall(self, kind: Kind, memory: WatchMemory) -> None:
        """Go on from what was learnt; once something was looked at it is too late, and nothing is changed."""
        known = self._watched.get(kind)
        if self._now == 0 and (known is None or known.upto < memory.minute):
            self._watched.pop(kind, None)
            watched = self._of(kind)
            watched.watch.recall(memory)
            watched.upto = memory.minute

    def _of(self, kind: Kind) -> _Watched:
        found = self._watched.get(kind)
        if found is None:
            watch = SubsetWatch(kind, self._rules, self._day_of, self._count, self._course, is_distinct=False)
            found = self._watched[kind] = _Watched(watch)
        return found

    def _number(self, watched: _Watched, attributes: Attributes) -> int:
        name = tuple((one, value) for one, value in attributes)
        number = watched.watch.number(name)
        watched.groups.setdefault(number, name)
        return number

    def _day_of(self, at: int) -> int:
        return self._calendar.date_of(at).toordinal()

    def _count(
        self, kind: Kind, chosen: Callable[[Attributes], bool], start: int, end: int
    ) -> tuple[int, int, int, int]:
        """Customers over the shortest span back from now that holds the start; who changed groups counts in each."""
        watched = self._watched[kind]
        wanted = (self._now - start) // MINUTE
        place = next((place for place, minutes in enumerate(SPANS) if minutes >= wanted), len(SPANS) - 1)
        counts = [0, 0, 0, 0]
        for held in watched.distinct.values():
            columns = held[:, 2 * place : 2 * place + 2]
            inside = columns[watched.chosen(chosen, len(held))].sum(axis=0).tolist()
            for column, count in enumerate((*inside, *columns.sum(axis=0).tolist())):
                counts[column] += count
        return counts[0], counts[1], counts[2], counts[3]

    def _course(
        self, kind: Kind, chosen: Callable[[Attributes], bool], start: int, end: int
    ) -> list[tuple[int, int, int]]:
        watched = self._watched[kind]
        flags = watched.chosen(chosen, max(watched.groups) + 1)
        found = []
        for one in watched.course:
            if start // MINUTE <= one.minute < -(-end // MINUTE):
                inside = flags[one.places]
                if inside.any():
                    found.append((one.minute, int(one.seen[inside].sum()), int(one.disrupted[inside].sum())))
        return found


def _summed(rows: Ints, places: Ints) -> Ints:
    columns = [np.bincount(places, column) for column in rows.T]
    return np.stack(columns, axis=-1).astype(np.int64)
