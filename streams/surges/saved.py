"""A detector's state as it is kept: plain data, fit for a changelog."""

import msgspec


class Saved(msgspec.Struct, array_like=True, gc=False):
    """What `SurgeDetector.snapshot` packs; the fields are the detector's own, grouped."""

    grid: tuple[float, bool, int]
    line: float
    anchor: int | None
    slots: tuple[int | None, int, int]
    cell: tuple[float, int, int]
    state: str
    lasting: tuple[int, float, float, bool, float]
    recent: tuple[int, bytes, bytes, list[float]]
    past: tuple[int, float, bytes, bytes]
    renewed: int
    expected: bytes | None
    weekdays: bytes = b""
    cusum: tuple[float, int, float, int] | None = None
    origin: int | None = None
    scale: float = 1.0
    least_unit: float = 0.0
