"""The base as a file: CSV of any separator and JSON lines, and what cannot be read."""

import gzip
from pathlib import Path
from typing import Any

import pytest
import zstandard

from agents.opening_file import read_rows
from agents.record_files import UnreadableFile
from streams.openings import RowFault


def rows_of(folder: Path, content: bytes) -> list[tuple[int, Any]]:
    path = folder / "base"
    path.write_bytes(content)
    return list(read_rows(str(path)))


@pytest.mark.parametrize("separator", [b",", b";", b"\t"])
@pytest.mark.parametrize("packed", [bytes, gzip.compress, zstandard.compress])
def test_csv(tmp_path: Path, separator: bytes, packed: Any) -> None:
    lines = [b"\xef\xbb\xbfCustomer,Value", b'c-1,"1', b'2"', b"", b"c-2,"]
    content = b"\r\n".join(line.replace(b",", separator) for line in lines)
    assert rows_of(tmp_path, packed(content)) == [
        (3, {"customer": "c-1", "value": "1\n2"}), (5, {"customer": "c-2", "value": ""}),
    ]  # fmt: skip


def test_rows_that_are_none_do_not_end_the_file(tmp_path: Path) -> None:
    found = rows_of(tmp_path, b"customer,value\na,1,2\n" + b'"' + b"x" * (1 << 21) + b'",1\nb,\xe9\n')
    assert [line for line, _ in found] == [2, 3, 4]
    assert "3 cells where the header has 2" in str(found[0][1])
    assert isinstance(found[1][1], RowFault)
    assert found[2][1] == {"customer": "b", "value": "\udce9"}


def test_json_lines(tmp_path: Path) -> None:
    found = rows_of(tmp_path, b'\n{"customer": "a", "value": 0.1}\n{"customer": \n\n{"a": 1, "a": 2}\n[]\n')
    assert [line for line, _ in found] == [2, 3, 5, 6]
    assert str(found[0][1]["value"]) == "0.1"
    assert all(isinstance(row, RowFault) for _, row in found[1:])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no rows"), (b"\n \n", "no rows"), (b'[{"customer": "a"}]', "begins with `["),
        (b"id,value\n1,2\n", "no column `customer`"), (b"customer,value,VALUE\n", "twice: value"),
        (gzip.compress(b"customer\n" + bytes(range(65, 91)) * 900)[:-30], "base"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_at_all(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(UnreadableFile, match=why.replace("[", r"\[")):
        rows_of(tmp_path, content)
