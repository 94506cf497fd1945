"""What a partition writes of its health to the changelog: signals, counts, latencies, who is in trouble."""

from collections.abc import Iterable
from struct import Struct

import msgspec

from streams.health.live.counting import MinuteCounts, Places
from streams.health.live.exposures import Exposures
from streams.health.live.followed import FollowedTroubles
from streams.health.live.held import HeldSignals
from streams.health.live.learning import HourlyLatencies
from streams.health.live.minute_state import pack_minute, unpack_minute
from streams.health.live.running import LONGEST, Running
from streams.health.live.troubles import Troubles
from streams.ledger.rules import HOUR, MINUTE
from streams.state_log import StateLog

CHUNK, CLOSED, LEARNT, TROUBLE, FOLLOWED, EXPOSED = b"r", b"c", b"h", b"t", b"f", b"e"
"""First bytes of keys: signals of an hour, a minute whose signals are let go, latencies of an hour, a customer in
trouble, a trouble and what came of it, customers and when they were disrupted."""

SETTLED = -1
"""In place of the number of a piece of these customers: up to which minute it is known."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(int).decode

_chunk_key = Struct(">cIIq")  # CHUNK, hour since 1970, number within the hour, epoch
_number_key = Struct(">cq")


class SavedHealth:
    """The changelog of a partition's health.

    Attributes:
        log: what waits to be written.
        closed: restored minutes that outlived their signals, packed, until the windows take them in.
    """

    def __init__(
        self, held: HeldSignals, places: Places, running: Running, hours: HourlyLatencies, troubles: Troubles,
        followed: FollowedTroubles, exposures: Exposures,
    ) -> None:  # fmt: skip
        self.log = StateLog(self._payload_of)
        self.closed: dict[int, bytes] = {}
        self._held = held
        self._places = places
        self._running = running
        self._hours = hours
        self._troubles = troubles
        self._followed = followed
        self._exposures = exposures
        self._chunks: dict[int, set[bytes]] = {}  # keys by hour
        self._retired = 0  # chunks whose keys are not used again
        self._kept: set[int] = set()  # minutes whose counts have outlived their signals

    def save(self) -> None:
        """Signals that came, hours that changed, and troubles."""
        for hour, chunk in self._held.unsaved():
            chunks = self._chunks.setdefault(hour, set())
            key = _chunk_key.pack(CHUNK, hour, len(chunks) + self._retired, self.log.epoch)
            chunks.add(key)
            self.log.put(key, chunk)
        for hour in self._hours.dirty:
            self.log.put(_number_key.pack(LEARNT, hour), self._hours.pack(hour))
        self._hours.dirty = set()
        followed = self._followed
        for number in followed.gone:
            self.log.delete(_number_key.pack(FOLLOWED, number))
        followed.gone = []
        for number, payload in followed.to_save():
            self.log.put(_number_key.pack(FOLLOWED, number), payload)

    def save_troubles(self, customers: Iterable[str]) -> None:
        """Of these customers something else is known."""
        for customer_id in customers:
            payload, key = self._troubles.payload(customer_id), TROUBLE + customer_id.encode()
            if payload is None:
                self.log.delete(key)
            else:
                self.log.put(key, payload)

    def settle(self, before: int) -> None:
        """Disruptions of minutes before this one are final; they are kept by customer from now on."""
        self._exposures.settle(before)
        for piece, payload in self._exposures.unsaved():
            self.log.put(_number_key.pack(EXPOSED, piece), payload)
        self.log.put(_number_key.pack(EXPOSED, SETTLED), _encode(self._exposures.settled))

    def outlive(self, since: int, before: int) -> None:
        """The signals of minutes in [since, before) are let go; their counts are kept as long as the windows."""
        for minute in [one for one in self._running.minutes.customers if since <= one < before]:
            counts = self._running.minutes.get(minute)
            if counts is not None:
                self.log.put(_number_key.pack(CLOSED, minute), pack_minute(counts, self._held, self._places))
                self._kept.add(minute)
        for hour in [hour for hour in self._chunks if hour < before * MINUTE // HOUR]:
            for key in self._chunks.pop(hour):
                self.log.delete(key)

    def forget(self, hours: Iterable[int]) -> None:
        """Minutes that have left all windows go, and these hours, from which nothing is learnt any more."""
        gone = min(self._running.minute - LONGEST + 1, self._exposures.settled)
        for minute in [minute for minute in self._kept if minute < gone]:
            self._kept.discard(minute)
            self.log.delete(_number_key.pack(CLOSED, minute))
        for hour in hours:
            self.log.delete(_number_key.pack(LEARNT, hour))

    def take_closed(self, minute: int) -> MinuteCounts | None:
        """A restored minute has come into sight: put it into the windows; its counts, None: it has none."""
        payload = self.closed.pop(minute, None)
        if payload is None:
            return self._running.minutes.look(minute)
        counts = unpack_minute(payload, self._held, self._places)
        self._running.put(minute, counts)
        return counts

    def restore(self, key: bytes, payload: bytes) -> None:
        """Take over a value.

        Raises: msgspec.MsgspecError, ValueError for one of another version.
        """
        what = key[:1]
        if what == CHUNK:
            self._chunks.setdefault(_chunk_key.unpack(key)[1], set()).add(key)
            self._held.restore(payload)
        elif what == CLOSED:
            minute = _number_key.unpack(key)[1]
            self.closed[minute] = payload
            self._kept.add(minute)
        elif what == LEARNT:
            self._hours.restore(_number_key.unpack(key)[1], payload)
        elif what == TROUBLE:
            self._troubles.restore(key[1:].decode(), payload)
        elif what == FOLLOWED:
            self._followed.restore(_number_key.unpack(key)[1], payload)
        elif what == EXPOSED:
            piece = _number_key.unpack(key)[1]
            if piece == SETTLED:
                self._exposures.settled = _decode(payload)
            else:
                self._exposures.restore(piece, payload)
        else:
            raise ValueError(f"a value of another version: {key[:20]!r}")

    def rewrite(self, keys: Iterable[bytes]) -> list[bytes]:
        """Write these keys again with the next flush, as `StateLog.rewrite` does."""
        others = []
        for key in keys:
            hour = _chunk_key.unpack(key)[1] if key[:1] == CHUNK and len(key) == _chunk_key.size else None
            if hour is None or key not in self._chunks.get(hour, ()):
                others.append(key)
            else:
                # Which signals lay there is not known any more: all of the hour are written, under other keys.
                self._chunks[hour].discard(key)
                self._retired += 1
                self.log.delete(key)
                self._held.save_again(hour)
        return self.log.rewrite(others)

    def _payload_of(self, key: bytes) -> bytes | None:
        what = key[:1]
        if what == TROUBLE:
            return self._troubles.payload(key[1:].decode())
        number = _number_key.unpack(key)[1]
        if what == LEARNT:
            return self._hours.pack(number)
        if what == FOLLOWED:
            return self._followed.payload(number)
        if what == EXPOSED:
            return _encode(self._exposures.settled) if number == SETTLED else self._exposures.payload(number)
        counts = self._running.minutes.get(number)
        return self.closed.get(number) if counts is None else pack_minute(counts, self._held, self._places)
