"""Stage one: the aggregates of one source partition, as records for the topic `scope-parts`.

A record holds the cells of one bucket and segment. It is cumulative and stamped, and what is in it follows
from the partition's state at that stamp alone. So merging (`merge.py`) is indifferent to order and repetition. What a
crashed owner wrote ahead of its changelog is void once the next one, who has a higher epoch, has written everything:
it may count in other batches, and never touch a bucket that the first one filled and would have emptied. A bucket too
large for one record is split by the hash of its cells, again by nothing but its content.

The finest level is written: minutes while they are kept, then one record of the hour in place of its minutes,
then of the day, at last one of all older days. The coarser record comes first and masks the finer ones
whether or not their tombstones follow.
"""

import zlib
from collections.abc import Iterable, Iterator

import msgspec

from streams.ledger.movements import Change, Movement
from streams.ledger.rules import HOUR, MINUTE
from streams.tables.booking import booking
from streams.tables.buckets import DAYS, EVER, HOURS, MINUTES
from streams.tables.calendar import calendar_of, minute_start
from streams.tables.cells import PAIRED, Cell, cells_of, pack_cells, settled, unpack_cells
from streams.tables.part_records import (
    PROGRESS,
    OwnPart,
    PackedPart,
    Part,
    PartKey,
    Record,
    Stamp,
    read_key,
    read_packed_part,
    write_key,
    write_part,
)
from streams.tables.tables import TableRules
from streams.tables.windows import BEGINNING

RECORD_BYTES = 400_000
"""Size above which a bucket is split; well below Kafka's usual 1 MB."""

UNTOUCHED_US = 2 * HOUR
"""Buckets that lie so far behind the clock of the tables are packed: few facts are as late."""

Place = tuple[int, int, str]
"""(level, start, segment of the movement)."""

NEVER_WRITTEN: frozenset[str] = frozenset()
WRITTEN_WHOLE = frozenset({""})
"""Hash prefixes of nearly all buckets, one object for them all."""

_encode = msgspec.msgpack.Encoder().encode


class PartitionTables:
    """The cells of one source partition, each in the finest bucket still kept.

    Attributes:
        decoded: by key, records that the last `changed` or `everything` wrote, for whoever need not decode them, and
            may hold the same bytes; some may be missing.
        booking: books movements in C; None where that is not built.
    """

    def __init__(self, partition: int, rules: TableRules) -> None:
        self.partition = partition
        self.epoch = 0
        self.calendar = calendar_of(rules.zone)
        self._retention = rules.retention
        self._cells: dict[Place, dict[Cell, list[int]]] = {}
        self._packed: dict[Place, bytes] = {}  # cells of other places, which nothing has changed for long
        self._as_written: dict[Place, bytes] = {}  # cells of places not packed, as they were last written
        self._packed_upto = BEGINNING  # minutes before it may be packed, those from it on are not
        self._shares: dict[Place, frozenset[str]] = {}  # hash prefixes under which a bucket was written
        self._dirty: set[Place] = set()
        self._gone: list[Place] = []
        self._rolled = BEGINNING
        self._cuts = (BEGINNING, BEGINNING, BEGINNING, BEGINNING)  # of minutes, hours, days, paired cells
        self.decoded: dict[bytes, OwnPart] = {}
        self.booking = booking(self)

    def book(self, changes: list[Change]) -> None:
        """Adds movements that came and takes back those that were withdrawn."""
        if self.booking is not None:
            self.booking.add(changes, self.booked_from)
            return
        for change in changes:
            self.add(change.movement, change.sign)

    @property
    def booked_from(self) -> int:
        """The first minute whose movements `booking` takes."""
        return max(self._cuts[MINUTES], self._packed_upto)

    def add(self, movement: Movement, sign: int = 1) -> None:
        """Adds a movement (sign +1) or takes one back (sign -1)."""
        at, segment = movement.at, movement.scope.segment
        if at >= self._cuts[MINUTES]:
            place = (MINUTES, minute_start(at), segment)
        elif at >= self._cuts[HOURS]:
            place = (HOURS, self.calendar.hour_start(at), segment)
        elif at >= self._cuts[DAYS]:
            place = (DAYS, self.calendar.day_start(at), segment)
        else:
            place = (EVER, BEGINNING, segment)
        for cell, customers, value in cells_of(movement, self.calendar):
            self._add(place, cell, sign * customers, sign * value)

    def roll_up(self, clock: int) -> None:
        """Moves what is past its level's retention into the next level, by the clock of the tables.

        Not by the partition's own watermark, which may be far ahead of what the windows still show.
        """
        if clock <= self._rolled:
            return
        self._rolled = clock
        kept, calendar = self._retention, self.calendar
        cuts = (
            BEGINNING if kept.minutes_us is None else calendar.hour_start(clock - kept.minutes_us),
            BEGINNING if kept.hours_us is None else calendar.day_start(clock - kept.hours_us),
            BEGINNING if kept.days_us is None else calendar.day_start(clock - kept.days_us),
            # Windows reach back to the start of the last quarter, those beside the rolling ones less far.
            calendar.quarter_start(calendar.quarter_start(clock) - 1),
        )
        if cuts != self._cuts:
            before, self._cuts = self._cuts, cuts
            for place in [*self._cells, *self._packed]:
                self._roll(place, settle=cuts[EVER] > before[EVER])

    def changed(self, next_offset: int, clock: int) -> list[Record]:
        """Records of what changed since the last call, coarse levels first, and tombstones of what they
        replace."""
        self.decoded = {}
        records = [
            record
            for place in sorted(self._dirty, reverse=True)
            for record in self._records(place, (next_offset, clock, self._rolled))
        ]
        for place in self._gone:
            records.extend((self._key(place, share), None) for share in sorted(self._shares.pop(place, ())))
        self._dirty.clear()
        self._gone.clear()
        if self._rolled >= self._packed_upto + 2 * UNTOUCHED_US:
            self._pack(minute_start(self._rolled - UNTOUCHED_US))
        return records

    def take_decoded(self) -> dict[bytes, OwnPart]:
        """What `decoded` holds, which nothing here needs any more."""
        taken, self.decoded = self.decoded, {}
        return taken

    def rewrite(self, key: bytes) -> None:
        """Write a record again with what changes next; one that stands for nothing any more is deleted again."""
        where = read_key(key)
        if where.partition != self.partition or where.level == PROGRESS:
            return
        place = (where.level, where.start, where.segment)
        self._note(place, where.share)
        if place in self._cells or place in self._packed:
            self._dirty.add(place)
        else:
            self._gone.append(place)

    def everything(self, next_offset: int, clock: int) -> list[Record]:
        """Records of the whole state, to be written once after a recovery."""
        self._dirty.update(self._cells, self._packed)
        return self.changed(next_offset, clock)

    def restore(self, records: Iterable[Record]) -> None:
        """Takes over what an earlier worker wrote, in the order written. For a fresh object only."""
        held: dict[PartKey, PackedPart] = {}
        for key, value in records:
            where = read_key(key)
            if where.partition != self.partition or where.level == PROGRESS:
                continue
            if value is None:
                held.pop(where, None)
            else:
                held[where] = read_packed_part(value)
        for where in held:
            place = (where.level, where.start, where.segment)
            self._note(place, where.share)
        ever = {where.segment: part.upto for where, part in held.items() if where.level == EVER}
        for where, part in held.items():
            place = (where.level, where.start, where.segment)
            if self._is_masked(place, ever):
                self._gone.append(place)
                continue
            if len(self._shares[place]) == 1:
                self._packed[place] = bytes(part.cells)
                if place[0] == MINUTES:
                    self._packed_upto = max(self._packed_upto, place[1] + MINUTE)
                continue
            cells = self._cells.setdefault(place, {})
            for cell, count, worth in unpack_cells(bytes(part.cells)):
                cells[cell] = [count, worth]
        rolled = max((part.stamp[2] for part in held.values()), default=BEGINNING)
        if rolled > BEGINNING:
            self.roll_up(rolled)

    def _add(self, place: Place, cell: Cell, customers: int, value: int) -> None:
        if place[0] >= DAYS and cell[0] >= PAIRED and (place[0] == EVER or place[1] < self._cuts[EVER]):
            kept = settled(cell)
            if kept is None:
                return
            cell = kept
        cells = self._cells.get(place)
        if cells is None:
            cells = self._open(place)
        self._dirty.add(place)
        held = cells.get(cell)
        if held is None:
            cells[cell] = [customers, value]
            return
        held[0] += customers
        held[1] += value
        if not held[0] and not held[1]:
            del cells[cell]

    def _open(self, place: Place) -> dict[Cell, list[int]]:
        """The cells of a place, as they are from now on."""
        cells = self._cells.get(place)
        if cells is None:
            packed = self._packed.pop(place, None)
            cells = {} if packed is None else {cell: [count, value] for cell, count, value in unpack_cells(packed)}
            self._cells[place] = cells
        return cells

    def _pack(self, upto: int) -> None:
        """Pack what lies before, now that all of it is written; whatever changes in it is opened again."""
        self._packed_upto = upto
        for place in [place for place in self._cells if place[1] < upto]:
            cells, packed = self._cells.pop(place), self._as_written.pop(place, None)
            if packed is None:
                packed = pack_cells([(cell, count, value) for cell, (count, value) in cells.items()])
            self._packed[place] = packed

    def _roll(self, place: Place, *, settle: bool) -> None:
        level, start, segment = place
        if level == MINUTES and start < self._cuts[MINUTES]:
            coarser = (HOURS, self.calendar.hour_start(start), segment)
        elif level == HOURS and start < self._cuts[HOURS]:
            coarser = (DAYS, self.calendar.day_start(start), segment)
        elif level == DAYS and start < self._cuts[DAYS]:
            coarser = (EVER, BEGINNING, segment)
        else:
            if settle and level == DAYS and start < self._cuts[EVER]:
                self._settle(place)
            return
        cells = self._open(place)
        del self._cells[place]
        self._as_written.pop(place, None)
        self._dirty.discard(place)
        if place in self._shares:  # what was never written has no tombstone
            self._gone.append(place)
        self._open(coarser)
        self._dirty.add(coarser)
        for cell, (customers, value) in cells.items():
            self._add(coarser, cell, customers, value)
        self._roll(coarser, settle=settle)

    def _settle(self, place: Place) -> None:
        cells = self._open(place)
        loose = [cell for cell in cells if cell[0] >= PAIRED and settled(cell) != cell]
        for cell in loose:
            customers, value = cells.pop(cell)
            self._add(place, cell, customers, value)

    def _is_masked(self, place: Place, ever: dict[str, int]) -> bool:
        level, start, segment = place
        if level == EVER:
            return False
        day = self.calendar.day_start(start)
        if day < ever.get(segment, BEGINNING):
            return True
        if level < DAYS and (DAYS, day, segment) in self._shares:
            return True
        return level < HOURS and (HOURS, self.calendar.hour_start(start), segment) in self._shares

    def _note(self, place: Place, *shares: str) -> None:
        """A bucket was written under these hash prefixes, too."""
        written = self._shares.get(place, NEVER_WRITTEN).union(shares)
        self._shares[place] = WRITTEN_WHOLE if written == WRITTEN_WHOLE else written

    def _key(self, place: Place, share: str) -> bytes:
        level, start, segment = place
        return write_key(PartKey(self.partition, level, start, segment, share))

    def _records(self, place: Place, stamp: Stamp) -> Iterator[Record]:
        upto = self._cuts[DAYS] if place[0] == EVER else BEGINNING
        packed = self._packed.get(place)
        if packed is None:
            cells = [(cell, held[0], held[1]) for cell, held in self._cells[place].items()]
            shares = dict(_split(cells, ""))
            if "" in shares:
                self.decoded[self._key(place, "")] = OwnPart(Part(stamp, upto, cells, self.epoch), shares[""])
                self._as_written[place] = shares[""]
            else:
                self._as_written.pop(place, None)
        elif len(packed) <= RECORD_BYTES:
            shares = {"": packed}
        else:
            shares = dict(_split(unpack_cells(packed), ""))
        # A share that is empty now must say so, or what it said before would go on counting.
        written = self._shares.get(place, NEVER_WRITTEN)
        for share in sorted(written - shares.keys()):
            yield self._key(place, share), write_part(Part(stamp, upto, [], self.epoch))
        is_packed = packed is not None
        for share, packed in shares.items():
            key, part = self._key(place, share), PackedPart(stamp, upto, msgspec.Raw(packed), self.epoch)
            if is_packed and not share:
                self.decoded[key] = OwnPart(part, packed)
            yield key, write_part(part)
        if not written >= shares.keys():
            self._note(place, *shares)


def _split(cells: list[tuple[Cell, int, int]], prefix: str) -> Iterator[tuple[str, bytes]]:
    """The cells by hash prefix, packed, each share small enough for a record; one share "" if all of them are."""
    packed = _encode(cells)
    if len(packed) <= RECORD_BYTES or len(cells) == 1 or len(prefix) == 8:
        yield prefix, packed
        return
    shares: dict[str, list[tuple[Cell, int, int]]] = {}
    for addition in cells:
        digit = f"{zlib.crc32(_encode(addition[0])):08x}"[len(prefix)]
        shares.setdefault(prefix + digit, []).append(addition)
    for share, part in shares.items():
        yield from _split(part, share)
