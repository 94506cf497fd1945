import io
import os

import pytest
import zstandard

from agents.zstd_reader import CHUNK_BYTES, ZstdReader

DATA = os.urandom(CHUNK_BYTES) + b"again " * CHUNK_BYTES


def read(raw: bytes) -> bytes:
    return io.BufferedReader(ZstdReader(io.BytesIO(raw))).read()


def test_frames_are_joined() -> None:
    assert read(b"") == b""
    assert read(zstandard.compress(DATA)) == DATA
    assert read(zstandard.compress(DATA[:7]) + zstandard.compress(b"") + zstandard.compress(DATA[7:])) == DATA


@pytest.mark.parametrize("lost", [1, 4, 1000, CHUNK_BYTES])
def test_a_file_cut_short_is_an_error(lost: int) -> None:
    with pytest.raises(EOFError, match="cut short"):
        read(zstandard.compress(DATA)[:-lost])


def test_other_bytes_are_an_error() -> None:
    with pytest.raises(zstandard.ZstdError):
        read(b"no zstd at all")
    with pytest.raises(zstandard.ZstdError):
        read(zstandard.compress(DATA) + b"rest that is no frame")
