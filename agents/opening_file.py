"""The existing base as a file: rows of a CSV with a header, or one JSON object a line; plain, gzip or zstd."""

import csv
from collections.abc import Callable, Iterator
from typing import Any

from agents.record_files import UnreadableFile, read_records
from streams.facts.refusal import Refused
from streams.facts.strict_json import read_exactly, read_quickly
from streams.openings import CUSTOMER, FIELDS, RowFault

LONGEST_CELL = 1 << 20
"""Characters of one cell of a CSV; a quotation mark that is never closed would swallow the rest of the file."""

DELIMITERS = (",", ";", "\t")

Row = tuple[int, dict[str, Any] | RowFault]
"""The line at which a row ends, from 1, and its fields, or why it has none."""


def read_rows(name: str, on_read: Callable[[int], None] = lambda _: None) -> Iterator[Row]:
    """Each row of a file; `-` is standard input. Blank lines are no rows.

    The first line that is not blank decides: it begins with `{`, or it names the columns of a CSV, parted by commas,
    semicolons or tabs, in small or capital letters.

    Raises: UnreadableFile, also when a CSV has no column of the customer.
    """
    lines = (
        (record.offset + 1, record.value or b"")
        for batch in read_records(name, "customer-events", on_read=on_read)
        for record in batch
    )
    for number, line in lines:
        start = line.strip()
        if not start:
            continue
        if start.startswith(b"["):
            raise UnreadableFile(f"{name}: it begins with `[`; write one JSON object a line, and no list around them")
        if start.startswith(b"{"):
            yield number, _object(line)
            yield from ((number, _object(line)) for number, line in lines if line.strip())
        else:
            yield from _cells(name, number, line, (line for _, line in lines))
        return
    raise UnreadableFile(f"{name}: it holds no rows; give CSV with a header, or one JSON object a line")


def _object(line: bytes) -> dict[str, Any] | RowFault:
    try:
        document = read_quickly(line)
        return read_exactly(line) if document is None else document
    except Refused as refused:
        return RowFault("row", refused.detail, 'write one JSON object a line: {"customer": "c-1", "value": 99}')


def _cells(name: str, first_number: int, first: bytes, rest: Iterator[bytes]) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_CELL)
    delimiter, header = _header(name, first)
    # What is no UTF-8 becomes half a surrogate pair, which the row's field is then refused for.
    rows = csv.reader((line.decode("utf-8", "surrogateescape") + "\n" for line in rest), delimiter=delimiter)
    while True:
        try:
            for cells in rows:
                number = first_number + rows.line_num
                if len(cells) == len(header):
                    yield number, dict(zip(header, cells, strict=True))
                elif cells and (len(cells) > 1 or cells[0].strip()):
                    yield number, RowFault(
                        "row", f"it has {len(cells)} cells where the header has {len(header)}",
                        "put a text that holds the separator or a quotation mark in quotation marks",
                    )  # fmt: skip
        except csv.Error as error:
            yield first_number + rows.line_num, RowFault("row", str(error), "close every quotation mark")
        else:
            return


def _header(name: str, line: bytes) -> tuple[str, list[str]]:
    text = line.decode("utf-8", "replace")
    for delimiter in DELIMITERS:
        try:
            header = [cell.strip().lower() for cell in next(csv.reader([text], delimiter=delimiter))]
        except csv.Error as error:
            raise UnreadableFile(f"{name}: its first line is no header of a CSV: {error}") from error
        if any(customer in header for customer in CUSTOMER):
            twice = sorted({column for column in header if column in FIELDS and header.count(column) > 1})
            if twice:
                raise UnreadableFile(f"{name}: the header names a column twice: {', '.join(twice)}; leave one out")
            return delimiter, header
    raise UnreadableFile(
        f"{name}: its first line names no column `customer`; it is {text[:80]!r}. Name the columns: "
        "customer, segment, value, activity, since"
    )
