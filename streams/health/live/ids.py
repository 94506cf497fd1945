"""Ids of signals within the horizon, and the minute of each: a signal that comes again is known."""

import tempfile

import numpy as np
import numpy.typing as npt

_ENTRY = np.dtype([("id", "<u8"), ("minute", "<u4")])

Entries = npt.NDArray[np.void]

UNKNOWN_MINUTE = -1

IN_MEMORY = 500_000
"""Ids in one array, 6 MB, above which it is put into a file."""


class IdIndex:
    """Ids in sorted arrays, each at least twice as long as the next: 12 bytes an id."""

    def __init__(self) -> None:
        self._levels: list[Entries] = []

    def __len__(self) -> int:
        return sum(map(len, self._levels))

    def minutes(self, ids: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """The minute (since 1970) of each id, UNKNOWN_MINUTE where it is not known; the newest entry holds."""
        found = np.full(len(ids), UNKNOWN_MINUTE, dtype=np.int64)
        for level in self._levels:
            places = np.searchsorted(level["id"], ids).clip(max=len(level) - 1)
            entries = level[places]
            known = entries["id"] == ids
            found[known] = entries["minute"][known]
        return found

    def add(self, ids: npt.NDArray[np.uint64], minutes: npt.NDArray[np.int64]) -> None:
        """Note ids, each once; one that is known has another minute from now on."""
        if not len(ids):
            return
        fresh = np.empty(len(ids), dtype=_ENTRY)
        fresh["id"], fresh["minute"] = ids, minutes
        fresh = fresh[np.argsort(fresh["id"], kind="stable")]
        while self._levels and len(self._levels[-1]) < 2 * len(fresh):
            fresh = _merged(self._levels.pop(), fresh)
        self._levels.append(_stored(fresh))

    def forget(self, before: int) -> None:
        """Let go of ids of minutes before this one."""
        kept = []
        for level in self._levels:
            left = level[level["minute"] >= before]
            if len(left):
                kept.append(level if len(left) == len(level) else _stored(left))
        self._levels = kept


def _stored(entries: Entries) -> Entries:
    """Many of them lie in a file without a name, of which memory holds what is looked at."""
    if len(entries) < IN_MEMORY:
        return entries
    try:
        with tempfile.TemporaryFile() as file:
            np.ascontiguousarray(entries).tofile(file)
            file.flush()
            return np.memmap(file, dtype=_ENTRY, mode="r")
    except OSError:  # no file can be written: they stay
        return entries


def _merged(older: Entries, newer: Entries) -> Entries:
    both = np.concatenate((older, newer))
    both = both[np.argsort(both["id"], kind="stable")]
    last = np.ones(len(both), dtype=bool)
    last[:-1] = both["id"][1:] != both["id"][:-1]
    return both[last]
