"""Reading zstd in constant memory, where a file that was cut short is an error.

The reader of the zstandard library ends such a file without a word, so that lost records would go unnoticed.
"""

import io
from typing import BinaryIO

import zstandard

CHUNK_BYTES = 1 << 17


class ZstdReader(io.RawIOBase):
    """The bytes of a zstd file of one or more frames.

    Raises, while reading: EOFError when the file ends inside a frame; zstandard.ZstdError when it is no zstd.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decompressor = zstandard.ZstdDecompressor()
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._decoded = memoryview(b"")
        self._raw = b""

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill the buffer as far as decoded bytes are at hand; 0 at the end."""
        while not self._decoded:
            if not self._raw:
                self._raw = self._file.read(CHUNK_BYTES)
                if not self._raw:
                    if self._frame is not None:
                        raise EOFError("the zstd file ends inside a frame; it was cut short")
                    return 0
            self._decode()
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # any writable buffer
        count = min(len(target), len(self._decoded))
        target[:count] = self._decoded[:count]
        self._decoded = self._decoded[count:]
        return count

    def close(self) -> None:
        """Close the file below, too."""
        self._file.close()
        super().close()

    def _decode(self) -> None:
        frame = self._frame if self._frame is not None else self._decompressor.decompressobj()
        self._decoded = memoryview(frame.decompress(self._raw))
        self._raw = frame.unused_data if frame.eof else b""
        self._frame = None if frame.eof else frame
