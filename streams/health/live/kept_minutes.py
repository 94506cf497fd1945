"""Minutes that the partitions told the company of, packed: until they are looked at, and while they may change."""

import msgspec

from streams.health.live.aside import Aside
from streams.health.live.parts import MinutePart
from streams.health.live.running import IN_MEMORY, LONGEST

_Told = dict[int, tuple[int, bytes]]  # by partition: epoch of its owner, and the part: names take ten times as much

_part = msgspec.msgpack.Decoder(MinutePart).decode
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Told).decode


class KeptMinutes:
    """Parts of minutes (since 1970) by partition; a day back, for late signals, most of it out of memory."""

    def __init__(self) -> None:
        self._minutes: dict[int, _Told] = {}
        self._aside = Aside()

    def put(self, minute: int, partition: int, epoch: int, part: bytes) -> None:
        """What a partition tells of a minute, in place of what it told."""
        told = self._minutes.get(minute)
        if told is None:
            data = self._aside.take(minute)
            told = self._minutes[minute] = {} if data is None else _decode(data)
        told[partition] = epoch, part

    def parts(self, minute: int) -> dict[int, MinutePart]:
        """What each partition told of a minute."""
        told = self._minutes.get(minute)
        if told is None:
            data = self._aside.look(minute)
            told = {} if data is None else _decode(data)
        return {number: _part(part) for number, (_, part) in told.items()}

    def void(self, partition: int, epoch: int, since: int) -> None:
        """What older owners of a partition told is void; minutes before `since` were looked at, and stand."""
        for minute, told in self._minutes.items():
            if minute >= since and partition in told and told[partition][0] < epoch:
                del told[partition]

    def ripe(self, first: int, end: int) -> list[int]:
        """Minutes of [first, end) of which anything was told, in order."""
        return sorted(minute for minute in self._minutes if first <= minute < end)

    def pass_to(self, passed: int) -> None:
        """Minutes before `passed` were looked at: let go of old ones, and of the memory of most."""
        for minute in [one for one in self._minutes if one < passed - IN_MEMORY]:
            if minute < passed - LONGEST or self._lay_aside(minute):
                del self._minutes[minute]
        for minute in [one for one in self._aside.minutes if one < passed - LONGEST]:
            self._aside.drop(minute)

    def _lay_aside(self, minute: int) -> bool:
        return self._aside.is_usable and self._aside.put(minute, _encode(self._minutes[minute]))
