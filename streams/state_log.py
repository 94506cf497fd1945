"""What a stage writes of its state: values of the changelog that changed, and parts that changed, each flush whole.

A stage puts values under their keys; what a flush writes, when a key is buried, and what must be written again after
a crash is kept track of here (`streams.ledger.changelog` says why).
"""

from collections.abc import Callable, Iterable
from hashlib import blake2b

from streams.ledger.changelog import ChangelogReader, Ended, Progress, Record, Value, flush_records


class StateLog:
    """The changelog of one partition's state.

    Attributes:
        epoch: of the owner.
        flushes: flushes made in it.
    """

    def __init__(self, payload_of: Callable[[bytes], bytes | None]) -> None:
        """`payload_of`: what a key's value is now, or anything that restores alike; None: it has none."""
        self.epoch = 0
        self.flushes = 0
        self._payload_of = payload_of
        self._values: dict[bytes, bytes | None] = {}
        self._written: set[bytes] = set()
        self._buried: list[bytes] = []
        self._ended: Ended | None = None

    @property
    def has_unwritten(self) -> bool:
        """Whether any value waits for the next flush."""
        return bool(self._values)

    def put(self, key: bytes, payload: bytes) -> None:
        """A key's value from the next flush on; msgpack."""
        self._values[key] = payload

    def delete(self, key: bytes) -> None:
        """The key has no value any more."""
        if key in self._written:
            self._values[key] = None
        else:
            self._values.pop(key, None)

    def restore(self, reader: ChangelogReader, epoch: int) -> None:
        """Go on from what was read; a void value may hide the good one from compaction, which is written again."""
        self.epoch = epoch
        self._ended = reader.ended()
        self._written = set(reader.values)
        for key in reader.rewrite:
            self._values[key] = reader.values[key]

    def rewrite(self, keys: Iterable[bytes]) -> list[bytes]:
        """Write these keys again with the next flush: a late owner has written over them.

        Gives those that have no value, nor had one in the last flush.
        """
        dead = []
        for key in keys:
            if key not in self._written:
                dead.append(key)
            elif key not in self._values:
                self._values[key] = self._payload_of(key)
        return dead

    def records(
        self, *, next_offset: int, watermark: int, clock: int, partitions: int, definitions: tuple[str, str],
        counts: bytes, fresh: bool,
    ) -> list[Record]:  # fmt: skip
        """One flush: every value that changed, then how far the state has come (`changelog.Progress`)."""
        self.flushes += 1
        values = []
        buried, self._buried = self._buried, []
        for key, payload in self._values.items():
            values.append(Value(key, payload, key in self._written))
            if payload is None:
                self._written.discard(key)
                self._buried.append(key)
            else:
                self._written.add(key)
        self._values = {}
        ended, self._ended = self._ended, None
        progress = Progress(
            self.epoch, self.flushes, next_offset, watermark, clock, partitions, definitions, counts, fresh
        )
        return flush_records(values, progress, ended, [key for key in buried if key not in self._written])


class PartsLog:
    """The parts of one partition: cumulative records, written when they changed, all of them once in an epoch."""

    def __init__(self) -> None:
        self._told: dict[bytes, bytes] = {}
        self._waiting: dict[bytes, bytes | None] = {}

    def put(self, key: bytes, value: bytes) -> bool:
        """A part as it is now; says whether it is another than was written."""
        digest = blake2b(value, digest_size=16).digest()
        if self._told.get(key) == digest:
            return False
        self._told[key] = digest
        self._waiting[key] = value
        return True

    def delete(self, key: bytes) -> None:
        """There is no such part any more."""
        if self._told.pop(key, None) is not None:
            self._waiting[key] = None

    def forget(self, key: bytes) -> bool:
        """The part is written again when it is put next; says whether there is one."""
        return self._told.pop(key, None) is not None

    def records(self) -> list[Record]:
        """What changed since this was last asked; deletions behind, since they bear no epoch."""
        waiting, self._waiting = self._waiting, {}
        return sorted(waiting.items(), key=lambda record: record[1] is None)
