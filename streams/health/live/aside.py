"""What is rarely wanted again, out of memory: files without a name, one an hour, that vanish with the process."""

import tempfile
from typing import IO, NamedTuple

HOUR_MINUTES = 60


class _Place(NamedTuple):
    hour: int
    offset: int
    size: int


class Aside:
    """Bytes by minute (since 1970).

    Attributes:
        is_usable: whether files can be written; if not (TMPDIR says where), what is given stays with its owner.
    """

    def __init__(self) -> None:
        self.is_usable = True
        self._files: dict[int, IO[bytes]] = {}
        self._places: dict[int, _Place] = {}

    def __contains__(self, minute: int) -> bool:
        return minute in self._places

    @property
    def minutes(self) -> list[int]:
        """Minutes of which something lies here."""
        return list(self._places)

    def put(self, minute: int, data: bytes) -> bool:
        """Lay bytes aside; says whether that was possible."""
        hour = minute // HOUR_MINUTES
        try:
            file = self._files.get(hour)
            if file is None:
                file = self._files[hour] = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `drop`
            offset = file.seek(0, 2)
            file.write(data)
            file.flush()
        except OSError:
            self.is_usable = False
            return False
        self._places[minute] = _Place(hour, offset, len(data))
        return True

    def look(self, minute: int) -> bytes | None:
        """What was laid aside of a minute, which stays here; None: nothing."""
        place = self._places.get(minute)
        if place is None:
            return None
        file = self._files[place.hour]
        file.seek(place.offset)
        return file.read(place.size)

    def take(self, minute: int) -> bytes | None:
        """What was laid aside of a minute, which is no longer here then; None: nothing."""
        data = self.look(minute)
        self.drop(minute)
        return data

    def drop(self, minute: int) -> None:
        """Let go of a minute; the file of an hour goes with the last of its minutes."""
        place = self._places.pop(minute, None)
        if place is not None and not any(one.hour == place.hour for one in self._places.values()):
            self._files.pop(place.hour).close()
