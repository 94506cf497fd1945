"""Files of records, one JSON object a line: plain, gzip or zstd, or standard input."""

import gzip
import io
import sys
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from agents.zstd_reader import ZstdReader
from streams.facts.models import RawRecord

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class UnreadableFile(Exception):
    """The file cannot be read at all, or not to its end."""


class _Counting(io.RawIOBase):
    """Passes bytes on and tells how many were read of the file as it lies on disk."""

    def __init__(self, file: BinaryIO, on_read: Callable[[int], None]) -> None:
        self._file = file
        self._on_read = on_read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        data = self._file.read(len(memoryview(buffer)))  # type: ignore[arg-type]  # any writable buffer
        memoryview(buffer)[: len(data)] = data  # type: ignore[arg-type]
        self._on_read(len(data))
        return len(data)


def size_of(name: str) -> int | None:
    """Bytes of a file on disk, for progress; None for standard input and what has no size."""
    if name == "-":
        return None
    path = Path(name)
    return path.stat().st_size if path.is_file() else None


def read_records(
    name: str, topic: str, *, batch: int = 2000, on_read: Callable[[int], None] = lambda _: None
) -> Iterator[list[RawRecord]]:
    """The lines of a file as records of a topic, in batches; the offset of a record is its line, from 0.

    An empty line is a record like any other, which admission refuses; after the last newline there is none. A mark of
    the byte order (UTF-8) before the first is no part of it. `on_read` is told of bytes read of the file as it lies
    on disk.

    Raises: UnreadableFile.
    """
    try:
        with _opened(name, on_read) as file:
            records: list[RawRecord] = []
            for line, value in enumerate(file):
                if line == 0 and value.startswith(BOM_UTF8):
                    value = value[len(BOM_UTF8) :]
                    if not value:
                        continue
                records.append(RawRecord(value.rstrip(b"\r\n"), None, topic, 0, line))
                if len(records) >= batch:
                    yield records
                    records = []
            if records:
                yield records
    except (OSError, EOFError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise UnreadableFile(f"{name}: {reason}") from error
    except Exception as error:
        if type(error).__module__.startswith(("zstandard", "zlib")) or type(error).__name__ == "ZstdError":
            raise UnreadableFile(f"{name}: {error}") from error
        raise


def _opened(name: str, on_read: Callable[[int], None]) -> BinaryIO:
    raw = sys.stdin.buffer if name == "-" else open(name, "rb", buffering=0)  # noqa: SIM115  # closed by the reader
    counted = io.BufferedReader(_Counting(raw, on_read), 1 << 18)
    magic = counted.peek(4)[:4]
    if magic.startswith(GZIP_MAGIC):
        return gzip.open(counted, "rb")  # type: ignore[return-value]  # reads bytes
    if magic == ZSTD_MAGIC:
        return io.BufferedReader(ZstdReader(counted), 1 << 18)
    return counted
