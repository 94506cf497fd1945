"""Rows of a CSV file, plain or compressed, in constant memory, as columns and texts exactly as they stand."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from agents.zstd_reader import ZstdReader

LONGEST_CELL = 16 << 20
"""Characters of one cell; above it the row is bad. Python's own limit is 131,072."""


class UnreadableData(Exception):
    """A file that cannot be read as rows at all; the text names it and says why."""


@dataclass(slots=True)
class BadRows:
    """Rows left out because they are no row of their file, and where the first of them stood."""

    count: int = 0
    first: str = ""

    def add(self, path: Path, line: int | None, why: str) -> None:
        """Count one more."""
        self.count += 1
        if not self.first:
            self.first = f"{path.name}{'' if line is None else f', line {line}'}: {why}"


@dataclass(slots=True)
class Progress:
    """Bytes of the files (as they lie, compressed or not) read so far, and of how many."""

    total: int = 0
    read: int = 0
    bad: BadRows = field(default_factory=BadRows)


class _CountedFile(io.RawIOBase):
    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self._file = file
        self._progress = progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        read = cast("io.FileIO", self._file).readinto(buffer)  # type: ignore[arg-type]  # any writable buffer
        self._progress.read += read or 0
        return read or 0

    def close(self) -> None:
        self._file.close()
        super().close()


@contextmanager
def _text_of(path: Path, progress: Progress) -> Iterator[io.TextIOWrapper]:
    raw = io.BufferedReader(_CountedFile(path.open("rb", buffering=0), progress), 1 << 18)
    binary: BinaryIO = raw
    if path.suffix == ".gz":
        binary = cast("BinaryIO", gzip.GzipFile(fileobj=raw))
    elif path.suffix == ".zst":
        binary = io.BufferedReader(ZstdReader(raw), 1 << 18)
    # Bytes that are not UTF-8 become lone surrogates, which no JSON can carry: such a row is then told as bad.
    with raw, io.TextIOWrapper(binary, "utf-8-sig", errors="surrogateescape", newline="") as text:
        yield text


def read_rows(path: Path, needed: tuple[str, ...], progress: Progress) -> Iterator[dict[str, str]]:
    """Each row as column to text, columns in the file's order.

    A row with more or fewer cells than the header is left out and counted in `progress.bad`.

    Args:
        needed: columns that must be in the header.
    Raises: UnreadableData, when the file cannot be read, is cut short, or lacks a column.
    """
    csv.field_size_limit(LONGEST_CELL)
    try:
        with _text_of(path, progress) as text:
            yield from _rows_of(path, text, needed, progress.bad)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise UnreadableData(f"{path} cannot be read to its end: {error}") from error


def _rows_of(
    path: Path, text: io.TextIOWrapper, needed: tuple[str, ...], bad: BadRows
) -> Iterator[dict[str, str]]:
    reader = csv.reader(text)
    header = next(reader, None)
    if not header:
        raise UnreadableData(f"{path} is empty; its first line must name the columns")
    missing = [column for column in needed if column not in header]
    if missing:
        raise UnreadableData(f"{path} has no column {', '.join(missing)}; it has {', '.join(header)}")
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise UnreadableData(f"{path} names a column twice: {', '.join(twice)}")
    width = len(header)
    while True:
        try:
            for cells in reader:
                if len(cells) == width:
                    yield dict(zip(header, cells, strict=True))
                elif cells:
                    bad.add(path, reader.line_num, f"{len(cells)} cells where the header has {width}")
        except csv.Error as error:
            bad.add(path, reader.line_num, str(error))
        else:
            return
