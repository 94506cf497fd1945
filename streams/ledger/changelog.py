"""The changelog of one partition: state that survives any crash, told apart from what a crash cut off.

Every flush writes the values that changed since the last one and a progress record at its end, all to one changelog
partition by one producer, so that they lie there in this order. A reader takes a flush as a whole: what no progress
record follows was cut off by a crash and is void, whatever part of it arrived.

A new owner first writes a *claim* with its epoch, then reads up to that claim. What lies before it is the state to
start from; what a paused worker of an older epoch delivers after it is void.

A void value may hide the good one before it from log compaction. So the reader names the keys to write again
(`rewrite`), and a value says whether its key had one before: if compaction has taken a good value away, that is found
and raised, never guessed.
"""

from collections.abc import Iterable

import msgspec

PROGRESS_KEY = b"progress"
CLAIM_PREFIX = b"claim/"


class ChangelogGap(Exception):
    """Log compaction took away the last good value of a key: the partition must be counted anew from its topic."""


class Progress(msgspec.Struct, array_like=True, gc=False):
    """How far a partition's state has come; the last record of each flush.

    Attributes:
        epoch: of the owner that wrote it.
        next_offset: the first record of the source partition that is not in the state.
        watermark: largest event time admitted, microseconds.
        clock: up to which instant dues have fallen, microseconds.
        partitions: of the source topic; another number would give a customer two ledgers.
        definitions: name and version under which the state was counted.
        counts: the accounting, packed by the caller.
    """

    epoch: int
    next_offset: int
    watermark: int
    clock: int
    partitions: int
    definitions: tuple[str, str]
    counts: bytes


class Value(msgspec.Struct, gc=False):
    """A key's new value: msgpack, or None to delete it; `had_one`: the changelog holds a value of this key."""

    key: bytes
    payload: bytes | None
    had_one: bool


class _Envelope(msgspec.Struct, array_like=True, gc=False):
    epoch: int
    had_one: bool
    payload: msgspec.Raw


_encoder = msgspec.msgpack.Encoder()
_envelopes = msgspec.msgpack.Decoder(_Envelope)
_progresses = msgspec.msgpack.Decoder(Progress)

Record = tuple[bytes, bytes | None]


def claim(epoch: int) -> Record:
    """The record by which a new owner begins its epoch. Claims are never compacted away: each has its own key."""
    return CLAIM_PREFIX + str(epoch).encode(), str(epoch).encode()


def flush_records(epoch: int, values: Iterable[Value], progress: Progress) -> list[Record]:
    """The records of one flush in the order in which they must be delivered."""
    records: list[Record] = [
        (
            value.key,
            None
            if value.payload is None
            else _encoder.encode(_Envelope(epoch, value.had_one, msgspec.Raw(value.payload))),
        )
        for value in values
    ]
    progress.epoch = epoch
    records.append((PROGRESS_KEY, _encoder.encode(progress)))
    return records


class ChangelogReader:
    """Reads one changelog partition, in order, into the values that are valid.

    Attributes:
        values: key to payload.
        progress: the newest valid progress record, None for an empty changelog.
        epoch: the newest epoch that claimed the partition.
        rewrite: keys behind whose valid value a void one stands in the log.
        damaged: records that could not be read, counted and skipped.
    """

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self.progress: Progress | None = None
        self.epoch = 0
        self.rewrite: set[bytes] = set()
        self.damaged = 0
        self._open: list[tuple[bytes, _Envelope | None]] = []

    def feed(self, records: Iterable[Record]) -> None:
        """Take the next records of the log.

        Raises:
            ChangelogGap: a void value hides a good one that is gone.
        """
        for key, value in records:
            try:
                if key.startswith(CLAIM_PREFIX):
                    self._claimed(int(value or b"0"))
                elif key == PROGRESS_KEY:
                    if value is not None:
                        self._close(_progresses.decode(value))
                elif value is None:
                    self._open.append((key, None))
                else:
                    self._take(key, _envelopes.decode(value))
            except (msgspec.DecodeError, msgspec.ValidationError, ValueError):
                self.damaged += 1

    def finish(self) -> None:
        """The log is at its end: what no progress record closed is void."""
        self._void_open()

    def _take(self, key: bytes, envelope: _Envelope) -> None:
        if envelope.epoch < self.epoch:
            self._void(key, envelope)
        else:
            self._open.append((key, envelope))

    def _claimed(self, epoch: int) -> None:
        if epoch > self.epoch:
            self._void_open()
            self.epoch = epoch

    def _close(self, progress: Progress) -> None:
        if progress.epoch < self.epoch:
            return
        self.epoch = progress.epoch
        self.progress = progress
        for key, envelope in self._open:
            self.rewrite.discard(key)
            if envelope is None:
                self.values.pop(key, None)
            else:
                self.values[key] = bytes(envelope.payload)
        self._open = []

    def _void_open(self) -> None:
        for key, envelope in self._open:
            if envelope is not None:
                self._void(key, envelope)
        self._open = []

    def _void(self, key: bytes, envelope: _Envelope) -> None:
        if envelope.had_one and key not in self.values:
            raise ChangelogGap(f"no valid value is left for {key!r}")
        self.rewrite.add(key)
