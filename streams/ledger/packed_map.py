"""A map of bytes to bytes for many small entries: neighbours by hash lie in one byte string.

A Python dict costs some 150 bytes an entry beside what is in it: two objects and its slots. Here a few entries share
one object, so an entry costs about twenty. The map grows by splitting one byte string at a time (linear hashing): no
single call is slow.
"""

from collections.abc import Iterator

TOGETHER = 8
"""Entries of one byte string, on average at most. Of customers that makes strings above 512 bytes: smaller ones would
lie scattered among Python's objects, and hold on to whole pools of these that are empty otherwise."""

LONGEST_KEY = 0xFF
LONGEST_VALUE = 0xFFFF
_HEAD = 3
"""Bytes before an entry's key: length of the key, length of the value (little-endian)."""


class PackedMap:
    """Bytes by bytes; a key is put once and taken before it is put again."""

    def __init__(self) -> None:
        self._strings: list[bytes] = [b""]
        self._count = 0
        self._mask = 0
        self._split = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[bytes]:
        """The keys, in no order; nothing may be put or taken meanwhile."""
        for string in self._strings:
            for start, middle, _ in _entries(string):
                yield string[start:middle]

    def reserve(self, count: int) -> None:
        """Make room for so many entries in an empty map, so that putting them splits nothing.

        Raises: ValueError for a map that is not empty.
        """
        if self._count:
            raise ValueError("room can be made in an empty map only")
        strings = max(1, -(-count // TOGETHER))
        self._mask = (1 << (strings.bit_length() - 1)) - 1
        self._split = strings - self._mask - 1
        self._strings = [b""] * strings

    def put(self, key: bytes, value: bytes) -> None:
        """Add an entry; the key must not be in the map. Raises: ValueError if key or value is too long."""
        if len(key) > LONGEST_KEY or len(value) > LONGEST_VALUE:
            raise ValueError(f"an entry of {len(key)} and {len(value)} bytes is too long")
        length = len(value)
        entry = b"%c%c%c%b%b" % (len(key), length & 0xFF, length >> 8, key, value)
        hashed = hash(key)
        index = hashed & self._mask
        if index < self._split:
            index = hashed & (2 * self._mask + 1)
        strings = self._strings
        strings[index] += entry
        self._count += 1
        if self._count > TOGETHER * len(strings):
            self._grow()

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, None if it is not there."""
        string, entry = self._find(key)[1:]
        return None if entry is None else string[entry[1] : entry[2]]

    def take(self, key: bytes) -> bytes | None:
        """Take an entry out and return its value, None if it is not there."""
        if not self._count:
            return None
        index, string, entry = self._find(key)
        if entry is None:
            return None
        start, middle, end = entry
        self._strings[index] = string[: start - _HEAD] + string[end:]
        self._count -= 1
        return string[middle:end]

    def _find(self, key: bytes) -> tuple[int, bytes, tuple[int, int, int] | None]:
        hashed = hash(key)
        index = hashed & self._mask
        if index < self._split:
            index = hashed & (2 * self._mask + 1)
        string = self._strings[index]
        if key in string:  # most keys that are asked for are not there, and this is quick
            for entry in _entries(string):
                if string[entry[0] : entry[1]] == key:
                    return index, string, entry
        return index, string, None

    def _grow(self) -> None:
        """Split the next byte string in two by one more bit of the hashes."""
        strings, mask = self._strings, self._mask
        string, bit = strings[self._split], mask + 1
        stays: list[bytes] = []
        goes: list[bytes] = []
        for start, middle, end in _entries(string):
            (goes if hash(string[start:middle]) & bit else stays).append(string[start - _HEAD : end])
        strings[self._split] = b"".join(stays)
        strings.append(b"".join(goes))
        self._split += 1
        if self._split > mask:
            self._mask, self._split = 2 * mask + 1, 0


def _entries(string: bytes) -> Iterator[tuple[int, int, int]]:
    """Where each entry's key begins, its value begins, and it ends."""
    place, length = 0, len(string)
    while place < length:
        start = place + _HEAD
        middle = start + string[place]
        place = middle + (string[place + 1] | string[place + 2] << 8)
        yield start, middle, place
