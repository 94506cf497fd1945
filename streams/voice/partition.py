"""Stage one of a source partition: what it has read, and the digests that wait to be written.

It keeps no mention. Its state is the offset of the next record, the counts of what became of the records, and how far
each source has come; that is a single progress record. Digests go to a topic of their own, packed: each record of it
says which offsets it covers, so that one written twice, or by an owner before, counts once (`DigestLog`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from streams.facts.models import DeadLetter, RawRecord
from streams.ledger.changelog import ChangelogReader, Ended, Progress, Record, flush_records
from streams.ledger.remembered import NEVER
from streams.ledger.rules import MINUTE
from streams.tables.watermark import ClockRules, PartitionState, PartitionWatermark
from streams.voice.mentions import Digest
from streams.voice.stage import DigestedBatch, VoiceStage

DIGESTS_AT_ONCE: Final = 2_000
"""Digests in one record: some 400 kB, and a tenth of a second of merging."""

TOLD_AGAIN_US: Final = 10 * MINUTE
"""After so long without news progress is told again: the topic forgets with time, and a reader must find it."""


class VoiceCounts(msgspec.Struct, gc=False):
    """What became of a partition's records: records = dead letters + unmapped + mentions.

    `sources`: source to its mentions and the largest event time of one.
    """

    records: int = 0
    unmapped: int = 0
    mentions: int = 0
    dead_lettered: dict[str, int] = msgspec.field(default_factory=dict)
    sources: dict[str, tuple[int, int]] = msgspec.field(default_factory=dict)


class _Saved(msgspec.Struct, array_like=True, gc=False):
    """What the changelog holds beside the offset; `covered`: the digests of all offsets below are written."""

    covered: int
    counts: VoiceCounts


class VoiceProgress(msgspec.Struct, gc=False, frozen=True):
    """What the partition tells the others with its newest digests; times in microseconds.

    `end`: up to which offset it was read when it became idle; None: it is not idle, or an earlier version told it.
    """

    largest: int | None
    idle: bool
    fresh: bool
    counts: VoiceCounts
    end: int | None = None

    @property
    def state(self) -> PartitionState:
        """What the clock needs of it."""
        return PartitionState(self.largest, self.idle, self.fresh, self.end)


class DigestRecord(msgspec.Struct, array_like=True, gc=False):
    """One record between the stages: the digests of the source's offsets [begins, ends).

    Attributes:
        epoch: of the owner that wrote it.
        progress: with the last record of a flush only.
        offsets: of the record that gave each digest, rising.
    """

    epoch: int
    begins: int
    ends: int
    progress: VoiceProgress | None
    offsets: list[int]
    digests: list[Digest]


@dataclass(slots=True)
class VoiceFlush:
    """What one flush writes; everything but the changelog is delivered before it."""

    changelog: list[Record]
    digests: list[bytes]
    dead_letters: list[DeadLetter]


@dataclass(slots=True)
class _Unwritten:
    digests: list[Digest] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    anything: bool = False


class PartitionVoice:
    """State of one partition of `social-mentions`.

    Attributes:
        next_offset: the first record that has not been applied; None: nothing has been, and no state was restored.
        epoch: of this owner.
        watermark: what the partition's reading tells of time.
        counts: what became of its records, ever.
    """

    def __init__(
        self, partition: int, partitions: int, definitions: tuple[str, str], stage: VoiceStage,
        clock_rules: ClockRules,
    ) -> None:
        """`definitions`: name and version."""
        self.partition = partition
        self.next_offset: int | None = None
        self.epoch = 0
        self.watermark = PartitionWatermark(clock_rules)
        self.counts = VoiceCounts()
        self._partitions = partitions
        self._definitions = definitions
        self._stage = stage
        self._clock_rules = clock_rules
        self._unwritten = _Unwritten()
        self._covered = 0
        self._told: PartitionState | None = None
        self._told_at = 0
        self._flushes = 0
        self._ended: Ended | None = None

    @property
    def has_unwritten(self) -> bool:
        """Whether records wait for the next flush."""
        return self._unwritten.anything

    def apply(self, records: Sequence[RawRecord], next_offset: int) -> DigestedBatch:
        """Read the next records; `next_offset` is the offset after the last of them."""
        batch = self._stage.read(records)
        counts, unwritten = self.counts, self._unwritten
        counts.records += batch.records
        counts.unmapped += batch.unmapped
        counts.mentions += len(batch.digests)
        for letter in batch.dead_letters:
            reason = letter.reason.value
            counts.dead_lettered[reason] = counts.dead_lettered.get(reason, 0) + 1
        newest = NEVER
        sources = counts.sources
        for digest in batch.digests:
            mentions, last_at = sources.get(digest.source, (0, NEVER))
            sources[digest.source] = mentions + 1, max(last_at, digest.at)
            newest = max(newest, digest.at)
        if newest > (NEVER if self.watermark.largest is None else self.watermark.largest):
            appended = records[-1].timestamp_ms
            self.watermark.admit(newest, None if appended is None else appended * 1000)
        self.watermark.read()
        unwritten.digests += batch.digests
        unwritten.offsets += batch.offsets
        unwritten.dead_letters += batch.dead_letters
        unwritten.anything = True
        self.next_offset = next_offset
        return batch

    def flush(self, now: int) -> VoiceFlush | None:
        """What came since the last flush; None when there is nothing to tell. `now`: wall clock."""
        state = self.watermark.state(now)
        if not (self._unwritten.anything or state != self._told or now - self._told_at >= TOLD_AGAIN_US):
            return None
        unwritten, self._unwritten = self._unwritten, _Unwritten()
        self._told, self._told_at = state, now
        told = VoiceProgress(state.largest, state.idle, state.fresh, self.counts, state.end)
        digests = self._digest_records(unwritten, told)
        self._flushes += 1
        largest = NEVER if state.largest is None else state.largest
        progress = Progress(
            self.epoch, self._flushes, self.next_offset or 0, largest, largest, self._partitions,
            self._definitions, msgspec.msgpack.encode(_Saved(self._covered, self.counts)), state.fresh,
        )  # fmt: skip
        ended, self._ended = self._ended, None
        return VoiceFlush(flush_records((), progress, ended), digests, unwritten.dead_letters)

    def restore(self, reader: ChangelogReader, epoch: int) -> None:
        """Take over what the changelog holds; for fresh state only.

        Raises: msgspec.MsgspecError: it was written by another version of this program.
        """
        self.epoch = epoch
        self._ended = reader.ended()
        saved = reader.progress
        if saved is None:
            return
        state = msgspec.msgpack.decode(saved.counts, type=_Saved)
        self.counts, self._covered, self.next_offset = state.counts, state.covered, saved.next_offset
        if saved.watermark > NEVER:
            self.watermark = PartitionWatermark(self._clock_rules, saved.watermark, saved.fresh)

    def rewrite(self, keys: Iterable[bytes]) -> list[bytes]:
        """Write the progress again with the next flush: an owner before has written over it. No key has a value."""
        self._told = None
        return []

    def rewrite_parts(self, keys: Iterable[bytes]) -> None:
        """Nothing: each record of digests says what it covers, so that a late one hides none."""

    def _digest_records(self, unwritten: _Unwritten, progress: VoiceProgress) -> list[bytes]:
        found = []
        digests, offsets = unwritten.digests, unwritten.offsets
        ends = max(self.next_offset or 0, self._covered)
        for first in range(0, max(1, len(digests)), DIGESTS_AT_ONCE):
            last = first + DIGESTS_AT_ONCE >= len(digests)
            piece = offsets[first : first + DIGESTS_AT_ONCE]
            upto = ends if last else piece[-1] + 1
            record = DigestRecord(
                self.epoch, self._covered, upto, progress if last else None, piece,
                digests[first : first + DIGESTS_AT_ONCE],
            )  # fmt: skip
            found.append(msgspec.msgpack.encode(record))
            self._covered = upto
        return found
