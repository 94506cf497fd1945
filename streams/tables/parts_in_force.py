"""What holds of the records of `scope-parts`: all that has to be decoded and merged when the topic is read back.

Merging (`merge.py`) is indifferent to order and repetition: of each key the record with the largest epoch and stamp
holds, and a tombstone frees memory, since it only takes effect where a coarser record masks its own. So a long log
is compacted here before anything of it is decoded, most of all the minutes that have long been rolled up.
"""

from collections.abc import Iterator

from streams.tables.buckets import DAYS, HOURS, MINUTES
from streams.tables.calendar import Calendar
from streams.tables.part_records import (
    PartKey,
    Progress,
    Record,
    Stamp,
    is_progress,
    read_key,
    read_packed_part,
    read_progress,
    write_key,
)

_Order = tuple[int, Stamp]


class PartsInForce:
    """Takes the records of whole flushes in the order of the log, and gives back those that hold."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._parts: dict[bytes, bytes] = {}
        self._tombstones: dict[bytes, None] = {}  # of parts of which it is not plain that something masks them
        self._progress: dict[int, tuple[Progress, Record]] = {}

    def take(self, key: bytes, value: bytes | None) -> None:
        """The next record. Raises: msgspec.MsgspecError for one that no worker wrote."""
        if is_progress(key):
            self._take_progress(key, value)
        elif value is None:
            self._bury(key)
        else:
            order, held = _order(value), self._parts.get(key)
            if held is None:
                read_key(key)
                self._parts[key] = value
            elif _order(held) < order:
                self._parts[key] = value

    def give(self) -> Iterator[Record]:
        """The records that hold, each let go of as it is given: how far each partition has come, then the parts.

        The parts come by level, the coarsest first, so that what they mask is never added up, and by time; at last
        the tombstones that are left.
        """
        for _, record in self._progress.values():
            yield record
        for key in sorted(self._parts, key=_level_and_start, reverse=True):
            yield key, self._parts.pop(key)
        for key in self._tombstones:
            yield key, None
        self._progress, self._tombstones = {}, {}

    def _take_progress(self, key: bytes, value: bytes | None) -> None:
        partition = read_key(key).partition
        if value is None:
            self._progress.pop(partition, None)
            return
        progress, known = read_progress(value), self._progress.get(partition)
        if known is None or _place(known[0]) <= _place(progress):
            self._progress[partition] = progress, (key, value)

    def _bury(self, key: bytes) -> None:
        held = self._parts.get(key)
        if held is None:
            return
        if self._is_masked(read_key(key), _order(held)[0]):
            del self._parts[key]
        else:
            self._tombstones[key] = None

    def _is_masked(self, where: PartKey, epoch: int) -> bool:
        """Whether a record of the hour or day that is not split says all that this one says, for as long."""
        coarser = []
        if where.level == MINUTES:
            coarser.append((HOURS, self._calendar.hour_start(where.start)))
        if where.level in (MINUTES, HOURS):
            coarser.append((DAYS, self._calendar.day_start(where.start)))
        for level, start in coarser:
            mask = self._parts.get(write_key(PartKey(where.partition, level, start, where.segment)))
            if mask is not None and _order(mask)[0] >= epoch:
                return True
        return False


def _order(value: bytes) -> _Order:
    part = read_packed_part(value)
    return part.epoch, part.stamp


def _level_and_start(key: bytes) -> tuple[int, int]:
    where = read_key(key)
    return where.level, where.start


def _place(progress: Progress) -> tuple[int, int]:
    return progress.epoch, progress.next_offset
