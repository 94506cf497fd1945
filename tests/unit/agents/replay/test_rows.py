import gzip
from pathlib import Path

import pytest
import zstandard

from agents.replay.rows import Progress, UnreadableData, read_rows

CSV = 'id,at,text\n1,2024-01-01,"a ""b"", c\nsecond line"\n2,,  spaced  \n'
FIRST, SECOND = CSV[:20].encode(), CSV[20:].encode()
ROWS = [
    {"id": "1", "at": "2024-01-01", "text": 'a "b", c\nsecond line'},
    {"id": "2", "at": "", "text": "  spaced  "},
]


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def rows_of(path: Path, progress: Progress | None = None) -> list[dict[str, str]]:
    return list(read_rows(path, ("id",), progress or Progress()))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("a.csv", CSV.encode(), id="plain"),
        pytest.param("a.csv", b"\xef\xbb\xbf" + CSV.encode(), id="byte_order_mark"),
        pytest.param("a.csv", CSV.encode() + b"\n\n", id="empty_lines"),
        pytest.param("a.csv.gz", gzip.compress(CSV.encode()), id="gzip"),
        pytest.param("a.csv.gz", gzip.compress(FIRST) + gzip.compress(SECOND), id="two_members"),
        pytest.param("a.csv.zst", zstandard.compress(CSV.encode()), id="zstd"),
        pytest.param("a.csv.zst", zstandard.compress(FIRST) + zstandard.compress(SECOND), id="two_frames"),
    ],
)
def test_cells_are_the_texts_of_the_file(tmp_path: Path, name: str, content: bytes) -> None:
    progress = Progress()
    assert rows_of(write(tmp_path / name, content), progress) == ROWS
    assert progress.read == len(content)
    assert progress.bad.count == 0


def test_long_cells_and_line_ends_inside_cells_are_kept(tmp_path: Path) -> None:
    text = "x" * 200_000
    path = write(tmp_path / "a.csv", f'id,text\r\n1,{text}\r\n2,"a\r\nb"\r\n'.encode())
    assert rows_of(path) == [{"id": "1", "text": text}, {"id": "2", "text": "a\r\nb"}]


def test_a_row_of_another_width_is_left_out_and_told(tmp_path: Path) -> None:
    progress = Progress()
    path = write(tmp_path / "a.csv", b"id,at\n1,x\n2\n3,x,y\n4,x\n")
    assert [row["id"] for row in rows_of(path, progress)] == ["1", "4"]
    assert progress.bad.count == 2
    assert progress.bad.first == "a.csv, line 3: 1 cells where the header has 2"


def test_a_cell_beyond_every_measure_is_one_bad_row(tmp_path: Path) -> None:
    progress = Progress()
    path = write(tmp_path / "a.csv", b"id,text\n1," + b"x" * (17 << 20) + b"\n2,x\n")
    assert rows_of(path, progress)[-1]["id"] == "2"
    assert progress.bad.count >= 1


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        pytest.param("a.csv", b"", "is empty", id="empty"),
        pytest.param("a.csv", b"key,at\n1,2\n", "has no column id; it has key, at", id="column_missing"),
        pytest.param("a.csv", b"id,at,at\n1,2,3\n", "a column twice: at", id="column_twice"),
        pytest.param("a.csv.gz", gzip.compress(CSV.encode() * 500)[:-20], "cannot be read", id="gzip_cut_short"),
        pytest.param("a.csv.gz", CSV.encode(), "cannot be read", id="no_gzip"),
        pytest.param("a.csv.zst", CSV.encode(), "cannot be read", id="no_zstd"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(UnreadableData, match=told) as caught:
        rows_of(path)
    assert name in str(caught.value)


def test_a_zstd_file_cut_short_is_named(tmp_path: Path) -> None:
    rows = "".join(f"{n},{n * 7919 % 10007},{n}\n" for n in range(20_000))
    path = write(tmp_path / "a.csv.zst", zstandard.compress(b"id,at,text\n" + rows.encode())[:-30_000])
    with pytest.raises(UnreadableData, match="cannot be read"):
        rows_of(path)
