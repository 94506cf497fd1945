"""The newest cells of a series: the root of each in two bytes, in a ring, packed while the series rests.

Roots, as counts stray as far on that scale whatever their mean: two bytes tell each to a twentieth of a percent.
"""

import struct
import zlib
from math import nan, sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

LARGEST: Final = 60_000.0
"""Two bytes hold roots up to 65,504."""
SCALED: Final = 1_024.0
"""Larger ones are told in so many times the unit: a power of two, so that the smaller ones stay what they are."""
PACKED_AFTER: Final = 24
"""Cells that came after it was packed last, until it is packed anew."""
_HALF: Final = struct.Struct("<e")
_DTYPE: Final = np.dtype("<f2")


class Ring:
    """Cells by their number; the newest overwrite the oldest.

    Attributes:
        kept: how many.
    """

    __slots__ = ("_first", "_packed", "_scale", "_since", "_whole", "kept")

    def __init__(self, kept: int) -> None:
        """A ring whose cells are all unknown."""
        self.kept = kept
        self._scale = 1.0
        self._whole: npt.NDArray[np.float16] | None = np.full(kept, np.nan, dtype=_DTYPE)
        self._packed = b""
        self._since = b""
        self._first = 0

    def enter(self, number: int, count: float | None) -> None:
        """Set a cell; None: unknown. While the series rests the cells must come one after the other."""
        root = nan if count is None else sqrt(max(count, 0.0)) / self._scale
        while root > LARGEST:
            self._rescale()
            root /= SCALED
        if self._whole is not None:
            self._whole[number % self.kept] = root
            return
        if not self._since:
            self._first = number
        self._since += _HALF.pack(root)

    def counts(self, numbers: Numbers) -> Floats:
        """What these cells hold; NaN where unknown."""
        roots = self._roots()[numbers % self.kept].astype(np.float64)
        counts: Floats = np.square(roots, out=roots)
        if self._scale != 1.0:
            counts *= self._scale * self._scale
        return counts

    def grow(self, numbers: Numbers, factor: float) -> None:
        """Multiply what these cells hold."""
        whole = self._unpack()
        whole[numbers % self.kept] *= sqrt(factor)

    def rest(self) -> None:
        """Pack it: a series of counts takes a third to two thirds of the bytes then."""
        if self._whole is None and len(self._since) < PACKED_AFTER * _HALF.size:
            return
        self._packed = zlib.compress(self._roots().tobytes(), 1)
        self._since, self._whole = b"", None

    def saved(self) -> tuple[bytes, float]:
        """All cells, and how many times larger they are, for `restore`."""
        return self._roots().tobytes(), self._scale

    def restore(self, roots: bytes, scale: float) -> None:
        """Take over what `saved` gave."""
        self._whole, self._scale = np.frombuffer(roots, dtype=_DTYPE).copy(), scale
        self._packed = self._since = b""

    def _roots(self) -> npt.NDArray[np.float16]:
        """Of all cells; not to be changed."""
        if self._whole is not None:
            return self._whole
        whole = np.frombuffer(bytearray(zlib.decompress(self._packed)), dtype=_DTYPE)
        since = np.frombuffer(self._since, dtype=_DTYPE)
        whole[np.arange(self._first, self._first + len(since)) % self.kept] = since
        return whole

    def _unpack(self) -> npt.NDArray[np.float16]:
        self._whole = self._roots()
        self._packed = self._since = b""
        return self._whole

    def _rescale(self) -> None:
        whole = self._unpack()
        whole /= np.float16(SCALED)
        self._scale *= SCALED
