"""Records in the order of their event times, however many: sorted in parts on disk, and merged when they are read.

In memory are one part while it is filled, and of each part on disk a little while they are merged.
"""

from collections.abc import Iterator
from heapq import merge
from tempfile import TemporaryFile, gettempdir
from typing import IO

import msgspec

from streams.backfill import Timed
from streams.facts.models import RawRecord

IN_MEMORY_BYTES = 64 << 20
"""Of one part: the texts of its records and what the objects around them take."""

AT_ONCE = 200
"""Records of a part that are read together."""

_RECORD_BYTES = 300
"""What the objects of a record take beside its text."""

_LENGTH = 4

_Row = tuple[int, int, int, bytes | None, bytes | None, str, int, int | None]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[_Row]).decode


class SortedHistory:
    """Keeps records until all are added, in temporary files where they are many, in TMPDIR.

    Headers are not kept.
    """

    def __init__(self, in_memory_bytes: int = IN_MEMORY_BYTES) -> None:
        self._in_memory_bytes = in_memory_bytes
        self._part: list[Timed] = []
        self._bytes = 0
        self._files: list[IO[bytes]] = []

    def add(self, one: Timed) -> None:
        """Keep a record. Raises: OSError: there is no room on disk; the text says where."""
        self._part.append(one)
        record = one[2]
        self._bytes += len(record.value or b"") + len(record.key or b"") + _RECORD_BYTES
        if self._bytes < self._in_memory_bytes:
            return
        try:
            self._write_part()
        except OSError as error:
            raise OSError(
                f"the history is sorted in {gettempdir()}, which cannot be written: {error.strerror}; name a folder "
                "with more room in TMPDIR"
            ) from error

    def in_order(self) -> Iterator[Timed]:
        """All of them by event time, then as they were added; they are let go meanwhile. Raises: OSError."""
        self._part.sort(key=_when)
        rest = iter(self._part)
        files, self._files, self._part, self._bytes = self._files, [], [], 0
        try:
            yield from merge(*(_read(file) for file in files), rest, key=_when)
        finally:
            for file in files:
                file.close()

    def _write_part(self) -> None:
        self._part.sort(key=_when)
        file = TemporaryFile(prefix="netgrowth-history-")  # noqa: SIM115  # open until it has been read
        self._files.append(file)
        for start in range(0, len(self._part), AT_ONCE):
            rows = _encode([
                (at, added, one.partition, one.key, one.value, one.topic, one.offset, one.timestamp_ms)
                for at, added, one in self._part[start : start + AT_ONCE]
            ])
            file.write(len(rows).to_bytes(_LENGTH, "big"))
            file.write(rows)
        file.flush()
        self._part, self._bytes = [], 0


def _when(one: Timed) -> tuple[int, int]:
    return one[:2]


def _read(file: IO[bytes]) -> Iterator[Timed]:
    file.seek(0)
    while length := file.read(_LENGTH):
        for at, added, partition, key, value, topic, offset, timestamp_ms in _decode(
            file.read(int.from_bytes(length, "big"))
        ):
            yield at, added, RawRecord(value, key, topic, partition, offset, timestamp_ms)
