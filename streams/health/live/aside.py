"""What is rarely wanted again, out of memory: files without a name, one an hour, that vanish with the process."""

import tempfile
from typing import IO, NamedTuple

HOUR_MINUTES = 60


class _Place(NamedTuple):
    hour: int
    offset: int
    size: int


class Aside:
    """Bytes by minute (since 1970)."""

    def __init__(self) -> None:
        self._files: dict[int, IO[bytes]] = {}
        self._places: dict[int, _Place] = {}

    def __contains__(self, minute: int) -> bool:
        return minute in self._places

    @property
    def minutes(self) -> list[int]:
        """Minutes of which something lies here."""
        return list(self._places)

    def put(self, minute: int, data: bytes) -> None:
        """Lay bytes aside. Raises: OSError where no file can be written (TMPDIR says where it is)."""
        hour = minute // HOUR_MINUTES
        file = self._files.get(hour)
        if file is None:
            file = self._files[hour] = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `forget`
        offset = file.seek(0, 2)
        file.write(data)
        self._places[minute] = _Place(hour, offset, len(data))

    def take(self, minute: int) -> bytes | None:
        """What was laid aside of a minute, which is no longer here then; None: nothing."""
        place = self._places.get(minute)
        if place is None:
            return None
        file = self._files[place.hour]
        file.seek(place.offset)
        data = file.read(place.size)
        self.drop(minute)
        return data

    def drop(self, minute: int) -> None:
        """Let go of a minute; the file of an hour goes with the last of its minutes."""
        place = self._places.pop(minute, None)
        if place is not None and not any(one.hour == place.hour for one in self._places.values()):
            self._files.pop(place.hour).close()
