"""Minutes that the partitions told the company of, packed: until they are looked at, and while they may change."""

import zlib

import msgspec

from streams.health.live.aside import Aside
from streams.health.live.parts import MinutePart, unpacked
from streams.health.live.running import LONGEST

IN_MEMORY = 30
"""Minutes that were looked at and are at hand; older ones are rarely corrected."""

_Told = dict[int, tuple[int, bytes]]  # by partition: epoch of its owner, and the part: names take ten times as much

_part = msgspec.msgpack.Decoder(MinutePart).decode
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Told).decode


class KeptMinutes:
    """Parts of minutes (since 1970) by partition; a day back, for late signals, most of it out of memory."""

    def __init__(self) -> None:
        self._minutes: dict[int, _Told] = {}
        self._aside = Aside()

    def put(self, minute: int, partition: int, epoch: int, part: bytes) -> bytes | None:
        """What a partition tells of a minute, in place of what it told, which is given back; None: nothing."""
        told = self._minutes.get(minute)
        if told is None:
            data = self._aside.take(minute)
            told = self._minutes[minute] = {} if data is None else _decode(zlib.decompress(data))
        before = told.get(partition)
        told[partition] = epoch, part
        return None if before is None else before[1]

    def parts(self, minute: int) -> dict[int, MinutePart]:
        """What each partition told of a minute."""
        told = self._minutes.get(minute)
        if told is None:
            data = self._aside.look(minute)
            told = {} if data is None else _decode(zlib.decompress(data))
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
        if not self._aside.is_usable:
            return False
        return self._aside.put(minute, zlib.compress(_encode(self._minutes[minute]), 1))


def count_alike(one: bytes, other: bytes) -> bool:
    """Whether two packed parts count the same customers, as those of two owners of a partition do.

    Raises: msgspec.MsgspecError for a part that no worker wrote.
    """
    return _counted(_part(one)) == _counted(_part(other))


def _counted(part: MinutePart) -> tuple[dict[object, list[int]], dict[object, list[int]]]:
    """Customers by combination, without those of which spans alone are told, and by scope."""
    groups, scopes = unpacked(part.units, 2).tolist(), unpacked(part.scope_units, 2).tolist()
    return (
        {name: units for name, units in zip(part.groups, groups, strict=True) if any(units)},
        dict(zip(part.scopes, scopes, strict=True)),
    )
