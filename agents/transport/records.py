"""The message an agent receives: a slice of the records of one partition, as they lie in the log."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any


@dataclass(slots=True, eq=False, repr=False)
class RecordBatch:
    """Consecutive records of one partition, undecoded: one unit of work, of acknowledgement and of commit.

    Whoever stamps its state with the next offset to apply, `o`, checks `o >= follows` before applying: if not,
    records before this batch never arrived. `first_offset - follows` offsets hold no record (compaction, control
    records, retention). Two batches are equal only if they are the same object.
    """

    topic: str
    partition: int
    #: Generation of the consumer group in which the batch was read.
    generation_id: int
    first_offset: int
    last_offset: int
    #: The offset that was expected here: where the partition was sought to, or one after the previous batch.
    follows: int
    #: aiokafka's `ConsumerRecord`, with `key` and `value` as raw bytes, in offset order; empty once released.
    records: Sequence[Any]
    #: Serialised keys and values of the records, in bytes.
    size: int
    _given_back: Callable[[int], None] | None = field(default=None)

    def release(self) -> None:
        """Let go of the records; the batch can still be acknowledged.

        Call it when the batch is applied and its acknowledgement waits for a flush: the bytes stop counting against
        the bound on what is in flight, and the memory is free.
        """
        self.records = ()
        self.uncount()

    def uncount(self) -> None:
        """Stop counting the bytes as in flight; the records stay."""
        given_back, self._given_back = self._given_back, None
        if given_back is not None:
            given_back(self.size)

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        # Never the values: they are other people's data, and may be large.
        where = f"{self.topic}-{self.partition} {self.first_offset}..{self.last_offset}"
        return f"<RecordBatch {where} {self.size} bytes>"


_keys = attrgetter("key")
_values = attrgetter("value")


def serialized_size(records: Iterable[Any]) -> int:
    """Bytes of the keys and values of records."""
    # Loops in C: this is the only thing that is done per record.
    return sum(map(len, filter(None, map(_keys, records)))) + sum(map(len, filter(None, map(_values, records))))


def slices(records: Sequence[Any], max_records: int, max_bytes: int) -> Iterator[tuple[Sequence[Any], int]]:
    """Cut fetched records into slices of at most `max_records` records and `max_bytes` bytes, with their bytes.

    A record larger than `max_bytes` is a slice of its own, since a record cannot be cut.
    """
    start = 0
    while start < len(records):
        part = records if start == 0 and len(records) <= max_records else records[start : start + max_records]
        size = serialized_size(part)
        if size > max_bytes:
            part, size = _fitting(part, max_bytes)
        yield part, size
        start += len(part)


def _fitting(records: Sequence[Any], max_bytes: int) -> tuple[Sequence[Any], int]:
    """The first records that fit, at least one, and their bytes."""
    size = 0
    for index, record in enumerate(records):
        added = serialized_size((record,))
        if index and size + added > max_bytes:
            return records[:index], size
        size += added
    return records, size
