"""What a stage that keeps state per source partition gives and gets, and why it may refuse to start."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from agents.transport import CannotStart, RecordBatch
from agents.transport.barrier import KeyValue
from streams.facts.models import DeadLetter, RawRecord
from streams.ledger.changelog import ChangelogReader
from streams.tables.watermark import PartitionWatermark

F_co = TypeVar("F_co", covariant=True)


OTHER_DEFINITIONS = (
    "start the worker with the file of those (NETGROWTH_DEFINITIONS or --definitions), or have it count from the "
    "beginning beside the running ones and take over: NETGROWTH_EDITION=name (docs/operations.md)"
)
"""What to do about it, as the end of a sentence."""


class HoleInInput(Exception):
    """Records between the state and the next batch never arrived: going on would lose them unseen."""


class OtherDefinitions(CannotStart):
    """The state was counted under other definitions: numbers of two agreements must not be mixed."""


class OtherPartitions(CannotStart):
    """The state was counted on another number of partitions: customers would have two ledgers."""


class UnreadableState(CannotStart):
    """The changelog holds what this version cannot read: going on would count from nothing."""


class PartitionState(Protocol[F_co]):
    """What a stage keeps of one source partition; pure, see `streams.books.PartitionBooks` for the ledger's.

    Attributes:
        next_offset: the first record that has not been applied; None: nothing has been, and no state was restored.
        epoch: of the owner, from `restore`; every record of its changelog and parts carries it.
        watermark: what the partition's reading tells of time.
    """

    partition: int
    next_offset: int | None
    epoch: int
    watermark: PartitionWatermark

    @property
    def has_unwritten(self) -> bool:
        """Whether anything waits for the next flush."""

    def apply(self, records: Sequence[RawRecord], next_offset: int, /) -> "Admitted":
        """Apply the next records; `next_offset` is the offset after the last of them. Never raises for their content.
        """

    def flush(self, now: int, /) -> F_co | None:
        """What changed since the last flush; None: nothing. `now`: wall clock, microseconds."""

    def restore(self, reader: ChangelogReader, epoch: int, /) -> None:
        """Take over what the changelog holds; for fresh state only."""

    def rewrite(self, keys: Iterable[bytes], /) -> list[bytes]:
        """Write these keys of the changelog again with the next flush: a late owner has written over them.

        Gives those that have no value, nor had one in the last flush.
        """

    def rewrite_parts(self, keys: Iterable[bytes], /) -> None:
        """Write these keys of the parts topic again with the next flush."""


class Elsewhere(NamedTuple):
    """A record for another partition; the topic is without prefix."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(slots=True)
class Output:
    """What one flush of one partition writes; topics without prefix, each record into the same partition's number.

    Attributes:
        once: what no later flush writes again, such as dead letters. It is delivered before the changelog is sent:
            once that is whole, the records it comes from are never applied again.
        elsewhere: written once like these, each to the partition that it names.
        again: cumulative records, such as parts, which a lost flush's successor writes anew.
        changelog: ends with the progress record.
    """

    changelog: Sequence[KeyValue]
    elsewhere: Sequence[Elsewhere] = ()
    once: Sequence[tuple[str, Sequence[KeyValue]]] = ()
    again: Sequence[tuple[str, Sequence[KeyValue]]] = ()


class Admitted(Protocol):
    """What became of the records of a batch.

    Attributes:
        records: how many were read.
        outcomes: outcome to records; sums to all of them. The outcomes are those of the feed (`agents.feeds`).
        dead_letters: of the records that could not be admitted.
        gave: facts, mentions, whatever the records gave.
        event_times: of all that was admitted, microseconds.
    """

    records: int
    dead_letters: list[DeadLetter]

    @property
    def outcomes(self) -> Mapping[str, int]: ...

    @property
    def gave(self) -> int: ...

    @property
    def event_times(self) -> Sequence[int]: ...


class Watcher(Protocol):
    """What is told of batches and flushes, once each; for metrics."""

    def batch_read(self, feed: str, batch: RecordBatch, admitted: Admitted, now_us: int) -> None:
        """A batch was applied. `feed` is the input topic without prefix; `admitted` what `apply` returned."""

    def flushed(self, seconds: float, records: int, size: int) -> None:
        """A flush was delivered."""
