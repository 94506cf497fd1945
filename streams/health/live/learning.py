"""Latencies by hour of the services for which no need is stated: what T is learnt from (`streams.health.needs`)."""

from collections.abc import Callable

import msgspec
import numpy as np

from streams.health.columns import Kind
from streams.health.live.counting import (
    FRUSTRATING,
    LOWEST_BIN,
    SATISFIED,
    TOLERATED,
    MinuteCounts,
    Places,
    whole_counts,
)
from streams.health.live.parts import HourPart
from streams.health.live.tally import Ints
from streams.ledger.rules import DAY

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(HourPart).decode


class _Hour:
    __slots__ = ("bins", "interactions")

    def __init__(self) -> None:
        self.interactions: dict[Kind, list[int]] = {}  # bad, all
        self.bins: dict[Kind, dict[int, int]] = {}


class HourlyLatencies:
    """Hours of one partition, by their start in microseconds.

    Attributes:
        dirty, untold: hours that changed since the caller last cleared it, when it saved or told them.
    """

    def __init__(self, is_stated: Callable[[Kind], bool], tolerating_is_bad: bool, days: int) -> None:
        self.dirty: set[int] = set()
        self.untold: set[int] = set()
        self._is_stated = is_stated
        self._tolerating_is_bad = tolerating_is_bad
        self._keep_us = (days + 2) * DAY
        self._hours: dict[int, _Hour] = {}

    def add(self, hour: int, counts: MinuteCounts, places: Places, whole_of: Ints, sign: int) -> None:
        """A minute of the hour comes (1) or goes (-1)."""
        wholes, sums = whole_counts(counts, whole_of)
        wanted = [place for place, whole in enumerate(wholes.tolist()) if not self._is_stated(_kind(places, whole))]
        if not wanted:
            return
        held = self._hours.setdefault(hour, _Hour())
        self._touch(hour)
        of_key = whole_of[counts.latencies >> 32]
        for place in wanted:
            whole = int(wholes[place])
            kind = _kind(places, whole)
            satisfied, tolerated, frustrated = sums[place, SATISFIED : FRUSTRATING + 1].tolist()
            bad = frustrated + (sums[place, TOLERATED] if self._tolerating_is_bad else 0)
            of_kind = held.interactions.setdefault(kind, [0, 0])
            of_kind[0] += sign * int(bad)
            of_kind[1] += sign * (satisfied + tolerated + frustrated)
            bins = held.bins.setdefault(kind, {})
            mine = of_key == whole
            found, inverse = np.unique((counts.latencies[mine] & 0xFFFFFFFF) - LOWEST_BIN, return_inverse=True)
            times = np.bincount(inverse, counts.latency_counts[mine], minlength=len(found)).astype(np.int64)
            for one, count in zip(found.tolist(), times.tolist(), strict=True):
                left = bins.get(one, 0) + sign * count
                if left:
                    bins[one] = left
                else:
                    bins.pop(one, None)

    def _touch(self, hour: int) -> None:
        self.dirty.add(hour)
        self.untold.add(hour)

    def part(self, hour: int) -> HourPart:
        """An hour as it is written."""
        held = self._hours.get(hour, _Hour())
        return HourPart(
            [
                (kind[0], kind[1], held.interactions[kind][0], held.interactions[kind][1], bins)
                for kind, bins in sorted(held.bins.items())
            ]
        )

    def pack(self, hour: int) -> bytes:
        """An hour as the changelog holds it."""
        return _encode(self.part(hour))

    def restore(self, hour: int, payload: bytes) -> None:
        """Take over an hour. Raises: msgspec.MsgspecError."""
        self.untold.add(hour)
        held = self._hours[hour] = _Hour()
        for service, stage, bad, count, bins in _decode(payload).kinds:
            held.interactions[service, stage] = [bad, count]
            held.bins[service, stage] = bins

    def reset(self, since: int) -> None:
        """Hours from this start on are counted anew from their signals."""
        for hour in [hour for hour in self._hours if hour >= since]:
            del self._hours[hour]
            self._touch(hour)

    def forget(self, now: int) -> list[int]:
        """Hours that nothing is learnt from any more; they are let go."""
        old = [hour for hour in self._hours if hour < now - self._keep_us]
        for hour in old:
            del self._hours[hour]
            self.dirty.discard(hour)
            self.untold.discard(hour)
        return old


def _kind(places: Places, whole: int) -> Kind:
    name = places.scopes[whole]
    return name.service, name.stage
