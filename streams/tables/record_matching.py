"""Which records two places do not share: a file and a topic, of which neither fits into memory as it is.

Each record is kept as a hash of 16 bytes and where it lies, 28 bytes in all; constant work per record, and one sort.
"""

from array import array
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

HASH_BYTES = 16

Place = tuple[int, int]
"""Partition and offset; of a file 0 and the line, from 0."""


def canonical(value: bytes | None) -> bytes:
    """A record's bytes as a line of a file would hold them; no value is an empty line."""
    return b"" if value is None else value.rstrip(b"\r\n")


class RecordIndex:
    """Records by their bytes, equal ones counted as often as they occur."""

    def __init__(self) -> None:
        self._hashes = bytearray()
        self._partitions = array("i")
        self._offsets = array("q")
        self._sorted: npt.NDArray[np.uint64] | None = None

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, partition: int, values: Iterable[bytes | None], offsets: Sequence[int]) -> None:
        """Add records of one partition and their offsets."""
        self._hashes += b"".join([_hash(value) for value in values])
        self._offsets.extend(offsets)
        self._partitions.extend([partition] * len(offsets))
        self._sorted = None

    def place(self, number: int) -> Place:
        """Where the record lies that was added as `number`, from 0."""
        return self._partitions[number], self._offsets[number]

    def words(self) -> npt.NDArray[np.uint64]:
        """The hashes, two words each, in the order in which the records were added."""
        return np.frombuffer(bytes(self._hashes), dtype="<u8").reshape(-1, 2)

    def lacks(self, values: Sequence[bytes | None]) -> list[int]:
        """Which of these values surely occur nowhere here, by their number."""
        if self._sorted is None:
            self._sorted = np.sort(self.words()[:, 0])
        asked = np.frombuffer(b"".join([_hash(value) for value in values]), dtype="<u8").reshape(-1, 2)[:, 0]
        if not len(self._sorted):
            return list(range(len(values)))
        at = np.minimum(np.searchsorted(self._sorted, asked), len(self._sorted) - 1)
        numbers: list[int] = np.flatnonzero(self._sorted[at] != asked).tolist()
        return numbers


def unmatched(one: RecordIndex, other: RecordIndex) -> tuple[list[int], list[int]]:
    """The records of each that have no partner in the other, by number, ascending.

    Of equal records, of which one side has more, the last ones are named.
    """
    words = np.concatenate([one.words(), other.words()])
    total, first = len(words), len(one)
    if not total:
        return [], []
    order = np.lexsort((words[:, 1], words[:, 0]))
    ordered = words[order]
    starts = np.ones(total, dtype=bool)
    starts[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    group = np.cumsum(starts) - 1
    from_one = order < first
    count_one = np.bincount(group, weights=from_one).astype(np.int64)
    count_other = np.bincount(group) - count_one
    # lexsort is stable: within a group the records of `one` come first, in the order in which they were added.
    begin = np.flatnonzero(starts)
    within = np.arange(total) - begin[group]
    lonely_one = from_one & (within >= count_other[group])
    lonely_other = ~from_one & (within - count_one[group] >= count_one[group])
    return sorted(order[lonely_one].tolist()), sorted((order[lonely_other] - first).tolist())


def _hash(value: bytes | None) -> bytes:
    return blake2b(canonical(value), digest_size=HASH_BYTES).digest()
