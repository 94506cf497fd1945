"""Stage two: the tables of the whole company, merged from the records of all source partitions.

Records of one owner may come in any order and more than once: of each key the one with the largest stamp holds, a
record of a coarser level masks the finer ones it replaces, and what counts is added to one `Tables`. With the first
progress record of a newer owner, before which it has written everything, what older owners wrote is void.
"""

from collections.abc import Mapping
from itertools import islice

from streams.ledger.rules import HOUR, MINUTE
from streams.tables.buckets import DAYS, EVER, FEW_OPEN, HOURS, MINUTES, MOST_OPEN, MOST_OPEN_CELLS
from streams.tables.cells import Addition, pack_cells, unpack_cells
from streams.tables.part_records import (
    PROGRESS,
    PackedPart,
    Part,
    PartKey,
    Progress,
    Stamp,
    read_key,
    read_packed_part,
    read_progress,
)
from streams.tables.tables import TableRules, Tables
from streams.tables.windows import BEGINNING

Cells = list[Addition]
NO_CELLS: Cells = []
NO_MASK = -1


class _Held:
    """A record as it holds now, and whether its cells are counted in the tables; packed once long unchanged."""

    __slots__ = ("cells", "counted", "epoch", "packed", "stamp", "upto")

    def __init__(self) -> None:
        self.epoch = 0
        self.stamp: Stamp | None = None
        self.upto = BEGINNING
        self.cells: Cells | bytes = NO_CELLS
        self.packed: bytes | None = None  # the same cells, where whoever wrote them has packed them
        self.counted = False

    def additions(self) -> Cells:
        return unpack_cells(self.cells) if isinstance(self.cells, bytes) else self.cells

    def is_packed_as(self, packed: bytes) -> bool:
        return packed in (self.cells, self.packed)


class CompanyTables:
    """The merged tables, and how far each source partition has come.

    Attributes:
        taken: how many parts have been taken, deletions not counted.
    """

    def __init__(self, rules: TableRules) -> None:
        self.tables = Tables(rules)
        self.progress: dict[int, Progress] = {}
        self._held: dict[PartKey, _Held] = {}
        self._open: dict[PartKey, int] = {}  # whose cells are not packed, and how many; the longest unchanged first
        self._open_cells = 0
        self._most_open: int | None = None
        self.taken = 0
        self._order: tuple[int, Stamp] = (0, (0, 0, 0))  # of the last part taken: one object for all that share it
        self._by_place: dict[tuple[int, int, str], dict[int, tuple[PartKey, ...]]] = {}
        self._oldest: dict[tuple[int, int, str], int] = {}

    def apply(self, key: bytes, value: bytes | None) -> bool:
        """Takes one record of `scope-parts`; says whether anything changed.

        Raises: msgspec.DecodeError for a record that no worker wrote.
        """
        where = read_key(key)
        if where.level == PROGRESS:
            return self._progress(where.partition, value)
        if value is None:
            return self.apply_part(where, None)
        part = read_packed_part(value)
        return self.apply_part(where, part, bytes(part.cells))

    def hold_open(self, most: int | None) -> None:
        """Holds the cells of so many parts and buckets open from now on and packs the others; None: `MOST_OPEN`.

        While much is read back that nobody will touch again soon, few are enough.
        """
        self._most_open = most
        self._pack_beyond()
        self.tables.buckets.hold_open(most)

    def rest(self, most: int) -> None:
        """Packs so many of the parts and buckets that are open, the longest unchanged first, but for a few."""
        for _ in range(min(most, len(self._open) - FEW_OPEN)):
            self._pack_longest()
        self.tables.buckets.rest(most)

    def apply_part(self, where: PartKey, part: Part | PackedPart | None, packed: bytes | None = None) -> bool:
        """Takes one record of a bucket, decoded; None: its tombstone. Says whether anything changed.

        `packed`: the part's cells packed, if that has been done; of a `PackedPart` they are taken from there.
        """
        held = self._held.get(where)
        if part is None:
            # Only what a coarser record replaces is deleted; an owner that was paused may delete more. Nor may it
            # delete what its successor wrote: the coarser record that masks that is void as soon as it is told so.
            if held is None or held.counted or self._mask(where) < held.epoch:
                return False
            self._remove(where, held)
            return True
        if part.epoch < self._epoch(where.partition):
            return False
        if isinstance(part, Part):
            cells: Cells | None = part.cells
        else:
            packed = bytes(part.cells) if packed is None else packed
            # A new owner writes everything again, nearly all of it as it was.
            cells = None if held is not None and held.is_packed_as(packed) else unpack_cells(packed)
        return self._apply(where, (part.epoch, part.stamp), part.upto, cells, packed)

    def _apply(
        self, where: PartKey, order: tuple[int, Stamp], upto: int, cells: Cells | None, packed: bytes | None
    ) -> bool:
        """Takes a part, its cells as they are held if they are None."""
        self.taken += 1
        if order == self._order:
            order = self._order
        else:
            self._order = order
        held = self._held.get(where)
        if held is None:
            held = self._held[where] = _Held()
            self._note(where)
        elif held.stamp is not None and order <= (held.epoch, held.stamp):
            return False
        first, before = held.stamp is None, held.upto
        (held.epoch, held.stamp), held.upto = order, upto
        if first:
            held.counted = self._mask(where) == NO_MASK
        if cells is not None:
            self._replace(where, held, cells, packed)
        elif packed is not None and isinstance(held.cells, bytes):
            held.cells = packed  # the same bytes; of an own flush, they are those that the partition holds, too
        if where.level != MINUTES and (first or before != upto):
            self._recount_finer(where, max(before, upto))
        return True

    def _progress(self, partition: int, value: bytes | None) -> bool:
        if value is None:
            return self.progress.pop(partition, None) is not None
        progress, known = read_progress(value), self.progress.get(partition)
        if known is not None and (known.epoch, known.next_offset) > (progress.epoch, progress.next_offset):
            return False
        self.progress[partition] = progress
        if known is None or known.epoch < progress.epoch:
            self._forget_older(partition, progress.epoch)
        return progress != known

    def _epoch(self, partition: int) -> int:
        known = self.progress.get(partition)
        return 0 if known is None else known.epoch

    def _forget_older(self, partition: int, epoch: int) -> None:
        older = [
            (where, held) for where, held in self._held.items() if where.partition == partition and held.epoch < epoch
        ]
        for where, held in older:
            self._remove(where, held)

    def _replace(self, where: PartKey, held: _Held, cells: Cells, packed: bytes | None = None) -> None:
        if held.counted:
            self._add_difference(where, held.additions(), cells)
        held.cells, held.packed = cells, packed
        opened = self._open
        self._open_cells += len(cells) - opened.pop(where, 0)
        opened[where] = len(cells)
        self._pack_beyond()

    def _pack_beyond(self) -> None:
        opened, most = self._open, MOST_OPEN if self._most_open is None else self._most_open
        while len(opened) > most or (self._open_cells > MOST_OPEN_CELLS and len(opened) > FEW_OPEN):
            self._pack_longest()

    def _pack_longest(self) -> None:
        longest = next(iter(self._open))
        self._open_cells -= self._open.pop(longest)
        unchanged = self._held.get(longest)
        if unchanged is not None and not isinstance(unchanged.cells, bytes):
            unchanged.cells = pack_cells(unchanged.cells) if unchanged.packed is None else unchanged.packed
            unchanged.packed = None

    def _count(self, where: PartKey, held: _Held, counted: bool) -> None:
        if held.counted == counted:
            return
        held.counted = counted
        if counted:
            self._add_difference(where, NO_CELLS, held.additions())
        else:
            self._add_difference(where, held.additions(), NO_CELLS)

    def _add_difference(self, where: PartKey, old: Cells, new: Cells) -> None:
        tables, level, start = self.tables, where.level, where.start
        if new and level != EVER and (tables.first_at is None or start < tables.first_at):
            tables.first_at = start
        additions = _difference(old, new)
        if additions:
            tables.add_cells(level, start, additions)

    def _note(self, where: PartKey) -> None:
        place = (where.partition, where.level, where.segment)
        starts = self._by_place.setdefault(place, {})
        starts[where.start] = (*starts.get(where.start, ()), where)
        self._oldest[place] = min(self._oldest.get(place, where.start), where.start)

    def _remove(self, where: PartKey, held: _Held) -> None:
        self._replace(where, held, NO_CELLS)
        del self._held[where]
        starts = self._by_place[where.partition, where.level, where.segment]
        starts[where.start] = tuple(key for key in starts[where.start] if key != where)
        if not starts[where.start]:
            del starts[where.start]
            if where.level != MINUTES:
                self._recount_finer(where, held.upto)

    def _mask(self, where: PartKey) -> int:
        """The newest epoch of the coarser records in which this one is contained; NO_MASK: there is none."""
        if where.level == EVER:
            return NO_MASK
        calendar, partition, segment, held = self.tables.calendar, where.partition, where.segment, self._held
        day = calendar.day_start(where.start)
        masks: list[PartKey] = []
        for keys in self._by_place.get((partition, EVER, segment), {}).values():
            masks += [key for key in keys if day < held[key].upto]
        if where.level < DAYS:
            masks += self._by_place.get((partition, DAYS, segment), {}).get(day, ())
        if where.level < HOURS:
            masks += self._by_place.get((partition, HOURS, segment), {}).get(calendar.hour_start(where.start), ())
        return max((held[key].epoch for key in masks), default=NO_MASK)

    def _recount_finer(self, where: PartKey, upto: int) -> None:
        """Looks again at every record that this one may mask."""
        calendar = self.tables.calendar
        if where.level == EVER:
            first, last = BEGINNING, upto
        elif where.level == DAYS:
            first, last = where.start, calendar.next_day(where.start)
        else:
            first, last = where.start, calendar.next_hour(where.start)
        for level in range(MINUTES, where.level):
            place = (where.partition, level, where.segment)
            # After a start nearly all hours and days lie before the oldest minute: nothing to look at.
            if place not in self._oldest or last <= self._oldest[place]:
                continue
            starts = self._by_place[place]
            for start in self._starts_within(starts, level, first, last):
                for key in starts[start]:
                    self._count(key, self._held[key], self._mask(key) == NO_MASK)

    def _starts_within(self, starts: Mapping[int, object], level: int, first: int, last: int) -> list[int]:
        """Which of these buckets of a level begin in [first, last): by the calendar where that is the shorter way."""
        step = MINUTE if level == MINUTES else HOUR
        if last - first > len(starts) * step:
            return [start for start in starts if first <= start < last]
        if level == MINUTES:
            return [start for start in range(first, last, MINUTE) if start in starts]
        found = []
        hour = first
        while hour < last:
            if hour in starts:
                found.append(hour)
            hour = self.tables.calendar.next_hour(hour)
        return found


def _difference(old: Cells, new: Cells) -> Cells:
    """What has to be added so that `old` becomes `new`."""
    if not old:
        return [addition for addition in new if addition[1] or addition[2]]
    # A partition's cells keep their order, and new ones come behind: most are found in their old place, unchanged.
    changed = [pair for pair in zip(old, new, strict=False) if pair[0] != pair[1]]
    if len(new) < len(old) or any(known[0] != now[0] for known, now in changed):
        return _difference_in_any_order(old, new)
    additions = [(cell, n - known[1], v - known[2]) for known, (cell, n, v) in changed]
    additions += [addition for addition in islice(new, len(old), None) if addition[1] or addition[2]]
    return additions


def _difference_in_any_order(old: Cells, new: Cells) -> Cells:
    before = {cell: (n, v) for cell, n, v in old}
    additions: Cells = []
    for cell, n, v in new:
        known = before.pop(cell, None)
        if known is None:
            if n or v:
                additions.append((cell, n, v))
        elif known != (n, v):
            additions.append((cell, n - known[0], v - known[1]))
    additions.extend((cell, -n, -v) for cell, (n, v) in before.items() if n or v)
    return additions
