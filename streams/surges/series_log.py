"""The series of a bank as records of a changelog: rarely whole, and in between only what became of them.

A whole series takes some thousand bytes, what became of it in some slots a hundred, and a busy series changes every
minute. What became of many series stands in one record, so that thousands of them are some hundred records.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final
from zlib import crc32

import msgspec

from streams.surges.bank import SurgeBank
from streams.surges.series import Series
from streams.surges.watch import Since

WHOLE: Final = b"s"
GROUP: Final = b"g"
GROUPS: Final = 1024
"""Groups that series fall into by their names: of 50,000 some 50 are written together."""

AT_ONCE: Final = 16
"""Series that are read before others may have their turn, some hundred microseconds each; to judge again what they
were given since takes up to a millisecond of each."""

_Group = list[tuple[bytes, Since]]


class SeriesLog:
    """What is to be written of the series of a bank.

    Attributes: written: keys that the changelog holds.
    """

    def __init__(self, bank: SurgeBank) -> None:
        self.written: set[bytes] = set()
        self._bank = bank
        self._names: dict[Series, tuple[bytes, int]] = {}
        self._members: dict[int, dict[Series, None]] = {}
        self._due: dict[int, None] = {}
        self._again: set[Series] = set()
        self._ready: dict[bytes, bytes | None] = {}

    def pack(self) -> Iterator[None]:
        """Make ready what changed, group by group; what changes meanwhile is made ready again."""
        bank = self._bank
        self._note_changes()
        while self._due:
            group = next(iter(self._due))
            del self._due[group]
            members = self._members[group]
            since: _Group = []
            for key in [key for key in members if not bank.knows(key)]:
                del members[key]
                name, _ = self._names.pop(key)
                self._ready.pop(name, None)
                if name in self.written:
                    self._ready[name] = None
            for key in members:
                name, _ = self._names[key]
                became = None if key in self._again else bank.since(key)
                if became is None:
                    self._ready[name] = msgspec.msgpack.encode(bank.keep(key))
                    self._again.discard(key)
                else:
                    since.append((name, became))
            self._ready[_group_key(group)] = msgspec.msgpack.encode(since)
            yield
            self._note_changes()

    def take(self) -> dict[bytes, bytes | None]:
        """All that is to be written, by key; None: no more."""
        for _ in self.pack():
            pass
        ready, self._ready = self._ready, {}
        self.written.update(key for key, payload in ready.items() if payload is not None)
        self.written.difference_update(key for key, payload in ready.items() if payload is None)
        return ready

    def rewrite(self, keys: Collection[bytes]) -> None:
        """Write these keys again."""
        self._note_changes()
        for key, (name, group) in self._names.items():
            if name in keys:
                self._again.add(key)
                self._due[group] = None
            elif _group_key(group) in keys:
                self._due[group] = None

    def begin_anew(self, keys: Iterable[bytes]) -> None:
        """Delete what the changelog holds: it cannot be read."""
        self.written.update(key for key in keys if key[:1] in (WHOLE, GROUP))
        self._ready.update(dict.fromkeys(self.written))

    def restoring(self, values: Mapping[bytes, bytes]) -> Iterator[None]:
        """Restore the series of the bank, some at a time.

        Raises: msgspec.MsgspecError, ValueError, TypeError, KeyError for what another version wrote.
        """
        bank = self._bank
        by_name = dict[bytes, Series]()
        for name, payload in values.items():
            if name[:1] == WHOLE:
                by_name[name] = bank.restore(msgspec.msgpack.decode(payload, type=bytes))
                if len(by_name) % AT_ONCE == 0:
                    yield
        for name, payload in values.items():
            if name[:1] == GROUP:
                for member, since in msgspec.msgpack.decode(payload, type=_Group):
                    if member in by_name:
                        bank.go_on(by_name[member], since)
                        yield
        self.written.update(name for name in values if name[:1] in (WHOLE, GROUP))
        self._note(by_name.values())

    def _note_changes(self) -> None:
        changed, gone = self._bank.changed, self._bank.gone
        if changed or gone:
            for key in self._note(changed):
                self._due[self._names[key][1]] = None
            changed.clear()
            for key in gone:
                if key in self._names:
                    self._due[self._names[key][1]] = None
            gone.clear()

    def _note(self, keys: Iterable[Series]) -> Iterable[Series]:
        for key in keys:
            if key not in self._names:
                name = _series_key(key)
                group = crc32(name) % GROUPS
                self._names[key] = name, group
                self._members.setdefault(group, {})[key] = None
        return keys


def _series_key(key: Series) -> bytes:
    return WHOLE + msgspec.msgpack.encode(key.shown())


def _group_key(group: int) -> bytes:
    return GROUP + str(group).encode()
