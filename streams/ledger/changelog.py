"""The changelog of one partition: state that survives any crash, told apart from what a crash cut off.

Every flush has a number within its owner's epoch. It writes the values that changed since the last one and a
progress record at its end, all to one changelog partition by one producer, so that they lie there in this order. A
reader takes a flush as a whole: without its progress record it was cut off by a crash and is void, whatever part of
it arrived.

A new owner first writes a *claim* with its epoch, then reads up to that claim. Progress that an older epoch delivers
after it does not count. With its first flush it writes where the epoch before it *ended*: by that number a flush is
known to be whole or void for ever, also when log compaction has taken its progress record away.

A void value may hide from compaction what stands before it. So the reader names the keys to write again (`rewrite`)
and those to bury again (`dead`), and a value says whether its key had one before: if compaction has taken a good
value away, that is found and raised, never guessed.

A tombstone bears no epoch. It only ever follows a deletion that is valid: one that is found behind a valid value
comes from an owner who was late, and deletes nothing.
"""

from collections.abc import Iterable

import msgspec

PROGRESS_KEY = b"progress"
CLAIM_PREFIX = b"claim/"
ENDED_PREFIX = b"ended/"

DELETED = b"\xc0"
"""Payload that says that the key has no value any more: msgpack's nil."""


class ChangelogGap(Exception):
    """Log compaction took away the last good value of a key: the partition must be counted anew from its topic."""


class Progress(msgspec.Struct, array_like=True, gc=False):
    """How far a partition's state has come; the last record of each flush.

    Attributes:
        epoch: of the owner that wrote it; `flush`: number of the flush within the epoch, from 1.
        next_offset: the first record of the source partition that is not in the state.
        watermark: largest event time admitted, microseconds.
        clock: up to which instant dues have fallen, microseconds.
        partitions: of the source topic; another number would give a customer two ledgers.
        definitions: name and version under which the state was counted.
        counts: the accounting, packed by the caller.
        fresh: the newest record was fresh when it was appended: if nothing more comes, time goes on without it.
    """

    epoch: int
    flush: int
    next_offset: int
    watermark: int
    clock: int
    partitions: int
    definitions: tuple[str, str]
    counts: bytes
    fresh: bool = False


class Value(msgspec.Struct, gc=False):
    """A key's new value: msgpack, or None to delete it; `had_one`: the changelog holds a value of this key.

    A deletion is written as a value, too, so that it can be void. Once its flush is delivered the key may be buried
    (`flush_records`), which is what lets compaction forget it.
    """

    key: bytes
    payload: bytes | None
    had_one: bool


class Ended(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The last whole flush of the epoch before."""

    epoch: int
    flush: int


class _Envelope(msgspec.Struct, array_like=True, gc=False):
    epoch: int
    flush: int
    had_one: bool
    payload: msgspec.Raw


_encoder = msgspec.msgpack.Encoder()
_envelopes = msgspec.msgpack.Decoder(_Envelope)
_progresses = msgspec.msgpack.Decoder(Progress)
_ends = msgspec.msgpack.Decoder(Ended)

Record = tuple[bytes, bytes | None]


def claim(epoch: int) -> Record:
    """The record by which a new owner begins its epoch. Compaction keeps every claim: each has its own key."""
    return CLAIM_PREFIX + str(epoch).encode(), str(epoch).encode()


def claimed_by(key: bytes, value: bytes | None) -> int:
    """The epoch that a record claims; 0 for any other record, though a customer's key may look alike."""
    number = key[len(CLAIM_PREFIX) :]
    return int(number) if key.startswith(CLAIM_PREFIX) and number == value and number.isdigit() else 0


def burials(keys: Iterable[bytes]) -> list[Record]:
    """Tombstones of keys that have no value, behind which a late owner has written.

    Records that tell of flushes and claims are no state, and never buried.
    """
    kept = (CLAIM_PREFIX, ENDED_PREFIX)
    return [(key, None) for key in sorted(keys) if key != PROGRESS_KEY and not key.startswith(kept)]


def flush_records(
    values: Iterable[Value], progress: Progress, ended: Ended | None = None, buried: Iterable[bytes] = ()
) -> list[Record]:
    """The records of one flush in the order in which they must be delivered.

    `progress` names epoch and number of the flush. The first flush of an epoch gives `ended`, if there was an epoch
    before it. `buried` are keys whose deletion an earlier flush of this epoch has delivered.
    """
    epoch, flush = progress.epoch, progress.flush
    records: list[Record] = [(key, None) for key in buried]
    if ended is not None:
        records.append((ENDED_PREFIX + str(epoch).encode(), _encoder.encode(ended)))
    # All but the payload is the same for all values: written once, it is put before each of them.
    again = _encoder.encode(_Envelope(epoch, flush, True, msgspec.Raw(b"")))
    first = _encoder.encode(_Envelope(epoch, flush, False, msgspec.Raw(b"")))
    records.extend(
        (value.key, (again if value.had_one else first) + (DELETED if value.payload is None else value.payload))
        for value in values
    )
    records.append((PROGRESS_KEY, _encoder.encode(progress)))
    return records


class ChangelogReader:
    """Reads one changelog partition, in order, into the values that are valid.

    Attributes:
        values: key to payload.
        progress: the newest valid progress record, None for an empty changelog.
        epoch: the newest epoch that claimed the partition.
        rewrite: keys behind whose valid value a void one, or a tombstone that deletes nothing, stands in the log.
        dead: deleted keys behind whose deletion a void value stands; it would outlive the deletion.
        damaged: records that could not be read, counted and skipped.
    """

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self.progress: Progress | None = None
        self.epoch = 0
        self.rewrite: set[bytes] = set()
        self.dead: set[bytes] = set()
        self.damaged = 0
        self._open: list[tuple[bytes, _Envelope | None]] = []
        self._ended: dict[int, int] = {}
        self._deleted: set[bytes] = set()
        self._missing: set[bytes] = set()

    def feed(self, records: Iterable[Record]) -> None:
        """Take the next records of the log."""
        for key, value in records:
            try:
                if key.startswith(CLAIM_PREFIX) and (claimed := claimed_by(key, value)):
                    self.epoch = max(self.epoch, claimed)
                elif key.startswith(ENDED_PREFIX):
                    if value is not None:
                        ended = _ends.decode(value)
                        self._ended[ended.epoch] = ended.flush
                        self._decide(ended.epoch, ended.flush)
                elif key == PROGRESS_KEY:
                    if value is not None:
                        self._close(_progresses.decode(value))
                else:
                    self._open.append((key, None if value is None else _envelopes.decode(value)))
            except (msgspec.DecodeError, msgspec.ValidationError, ValueError):
                self.damaged += 1

    def finish(self) -> None:
        """The log is at its end: what is still open is void.

        Raises: ChangelogGap: a void value hid a good one that is gone, and no later one took its place.
        """
        opened, self._open = self._open, []
        for key, envelope in opened:
            self._void(key, envelope)
        if self._missing:
            raise ChangelogGap(f"no valid value is left for {min(self._missing)!r}")

    def ended(self) -> Ended | None:
        """What the first flush of the next epoch says of this one; after `finish`."""
        return None if self.progress is None else Ended(self.progress.epoch, self.progress.flush)

    def _close(self, progress: Progress) -> None:
        if progress.epoch < self.epoch:
            return
        self.epoch = progress.epoch
        self.progress = progress
        self._decide(progress.epoch, progress.flush)

    def _decide(self, epoch: int, last: int) -> None:
        """Flushes of this epoch up to the last are whole. Those of epochs that have ended are known, too."""
        still: list[tuple[bytes, _Envelope | None]] = []
        undecided: set[bytes] = set()
        for key, envelope in self._open:
            if envelope is None:
                if key in undecided:
                    still.append((key, None))
                else:
                    self._bury(key)
                continue
            payload = bytes(envelope.payload)
            upto = last if envelope.epoch == epoch else self._ended.get(envelope.epoch)
            if upto is not None and envelope.flush <= upto:
                self.rewrite.discard(key)
                if payload == DELETED:
                    self._delete(key)
                else:
                    self.values[key] = payload
                    self._deleted.discard(key)
                    self._missing.discard(key)
                    self.dead.discard(key)
            elif envelope.epoch in self._ended:
                self._void(key, envelope)
            else:
                still.append((key, envelope))
                undecided.add(key)
        self._open = still

    def _delete(self, key: bytes) -> None:
        self.values.pop(key, None)
        self._deleted.add(key)
        self._missing.discard(key)
        self.dead.discard(key)

    def _bury(self, key: bytes) -> None:
        if key in self.values:
            self.rewrite.add(key)
        else:
            self._delete(key)

    def _void(self, key: bytes, envelope: _Envelope | None) -> None:
        if envelope is None:
            self._bury(key)
            return
        # An owner that was paused may still write what a newer one has deleted since. And compaction may have taken
        # the good value before it came to the one that the next owner wrote again: that one follows in the log.
        if envelope.had_one and key not in self.values and key not in self._deleted:
            self._missing.add(key)
        if key in self.values:
            self.rewrite.add(key)
        elif key in self._deleted:
            self.dead.add(key)
