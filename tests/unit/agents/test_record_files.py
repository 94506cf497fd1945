"""Which lines of a file are records."""

import gzip
from pathlib import Path

import pytest

from agents.record_files import read_records
from config.definitions_file import load
from streams.recount import Recount


def values(path: Path) -> list[tuple[int, bytes | None]]:
    return [(record.offset, record.value) for records in read_records(str(path), "t") for record in records]


@pytest.mark.parametrize(
    ("content", "records"),
    [
        (b"", []),
        (b"a\nb\n", [(0, b"a"), (1, b"b")]),
        (b"a\r\nb", [(0, b"a"), (1, b"b")]),
        (b"a\n\n \nb\n", [(0, b"a"), (1, b""), (2, b" "), (3, b"b")]),
        (b"a\n\n", [(0, b"a"), (1, b"")]),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", [(0, b"a"), (1, b"\xef\xbb\xbfb")]),
        (b"\xef\xbb\xbf", []),
        (b"\xef\xbb\xbf\na\n", [(0, b""), (1, b"a")]),
    ],
)
def test_every_line_is_a_record(content: bytes, records: list[tuple[int, bytes]], tmp_path: Path) -> None:
    plain, packed = tmp_path / "facts.jsonl", tmp_path / "facts.jsonl.gz"
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))
    assert values(plain) == values(packed) == records


def test_lines_without_content_are_counted_by_reason(tmp_path: Path) -> None:
    path = tmp_path / "facts.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"fact":"heartbeat","at":1}\n\n  \n')
    recount = Recount(load("native"))
    for records in read_records(str(path), "customer-events"):
        recount.add(records)
    accounting = recount.finish()["accounting"]
    assert accounting["records"] == 3
    assert accounting["no_fact"] == {"heartbeat": 1}
    assert accounting["dead_lettered"] == {"empty": 1, "not_json": 1}
