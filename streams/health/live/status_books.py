"""What operations say, live: the words of one partition of `service-status`, kept and told to the company."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from streams.facts.definitions.model import Definitions
from streams.facts.models import DeadLetter, RawRecord
from streams.health.admission import AdmittedSignals, StatusAdmission
from streams.health.live.parts import (
    PROGRESS_PART,
    STATUS_PART,
    HealthKey,
    HealthProgress,
    Record,
    StatusPart,
    key_of_part,
    pack_part,
)
from streams.health.recount import SignalCounts
from streams.health.status import KEPT_MINUTES, Feed, StatusBook
from streams.ledger.changelog import ChangelogReader
from streams.ledger.remembered import NEVER
from streams.ledger.rules import MINUTE
from streams.state_log import PartsLog, StateLog
from streams.tables.watermark import ClockRules, PartitionWatermark

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode
_decode_part = msgspec.msgpack.Decoder(StatusPart).decode
_feed_key = msgspec.json.Encoder().encode
_read_feed = msgspec.json.Decoder(Feed).decode


@dataclass(slots=True)
class StatusFlush:
    """What one flush writes."""

    changelog: list[Record]
    parts: list[Record]
    dead_letters: list[DeadLetter]
    epoch: int


@dataclass(slots=True)
class _Unwritten:
    dead_letters: list[DeadLetter] = field(default_factory=list)
    feeds: set[Feed] = field(default_factory=set)
    anything: bool = False


class StatusBooks:
    """State of one partition of `service-status` (`agents.partition_state.PartitionState`)."""

    def __init__(
        self, partition: int, partitions: int, definitions: Definitions, admission: StatusAdmission,
        clock_rules: ClockRules,
    ) -> None:  # fmt: skip
        self.partition = partition
        self.next_offset: int | None = None
        self.epoch = 0
        self.watermark = PartitionWatermark(clock_rules)
        self.records = SignalCounts()
        self._partitions = partitions
        self._named = definitions.name, definitions.version
        self._admission = admission
        self._clock_rules = clock_rules
        self._largest = NEVER
        self._book = StatusBook()
        self._log = StateLog(self._payload_of)
        self._parts = PartsLog()
        self._unwritten = _Unwritten()
        self._told: HealthProgress | None = None

    @property
    def has_unwritten(self) -> bool:
        """Whether records wait for the next flush."""
        return self._unwritten.anything

    def apply(self, records: Sequence[RawRecord], next_offset: int) -> AdmittedSignals:
        """Apply the next records of the partition; `next_offset` is the offset after the last of them."""
        batch = self._admission.admit(records)
        self.records.count(batch)
        unwritten = self._unwritten
        unwritten.dead_letters.extend(batch.dead_letters)
        self._book.add(batch.statuses)
        unwritten.feeds.update((one.service, one.stage, one.region) for one in batch.statuses)
        largest = max((one.at for one in batch.statuses), default=NEVER)
        if largest > self._largest:
            self._largest = largest
            appended = records[-1].timestamp_ms
            self.watermark.admit(largest, None if appended is None else appended * 1000)
        self.watermark.read()
        self.next_offset = next_offset
        unwritten.anything = True
        return batch

    def flush(self, now: int) -> StatusFlush | None:
        """What changed since the last flush; None when there is nothing to write. `now`: wall clock."""
        unwritten = self._unwritten
        state = self.watermark.state(now)
        progress = HealthProgress(
            self.next_offset or 0, state.largest, state.idle, state.fresh, 0, self._named,
            self.records.told("statuses"),
        )  # fmt: skip
        if not (unwritten.anything or unwritten.feeds or self._log.has_unwritten or progress != self._told):
            return None
        self._unwritten, self._told = _Unwritten(), progress
        for feed in unwritten.feeds:
            self._book.forget(feed, self._largest // MINUTE - KEPT_MINUTES)
            part = self._part(feed)
            self._log.put(_feed_key(feed), _encode(part))
            self._parts.put(self._key(feed), pack_part(progress.next_offset, part, self.epoch))
        changelog = self._log.records(
            next_offset=self.next_offset or 0, watermark=self._largest, clock=NEVER, partitions=self._partitions,
            definitions=self._named, counts=_encode(self.records.told("statuses")), fresh=state.fresh,
        )
        parts = self._parts.records()
        key = key_of_part(HealthKey(self.partition, PROGRESS_PART))
        parts.append((key, pack_part(progress.next_offset, progress, self.epoch, is_progress=True)))
        return StatusFlush(changelog, parts, unwritten.dead_letters, self.epoch)

    def restore(self, reader: ChangelogReader, epoch: int) -> None:
        """Take over what the changelog holds; for fresh books only.

        Raises: msgspec.MsgspecError for what another version wrote.
        """
        self.epoch = epoch
        self._log.restore(reader, epoch)
        saved = reader.progress
        if saved is None:
            return
        self.records.restore(_decode(saved.counts), "statuses")
        for key, payload in reader.values.items():
            feed = _read_feed(key)
            self._book.replace(feed, _decode_part(payload).steps)
            self._unwritten.feeds.add(feed)
        self._largest, self.next_offset = saved.watermark, saved.next_offset
        if saved.watermark > NEVER:
            self.watermark = PartitionWatermark(self._clock_rules, saved.watermark, saved.fresh)

    def rewrite(self, keys: Iterable[bytes]) -> list[bytes]:
        """Write these keys of the changelog again with the next flush; gives those that have no value."""
        return self._log.rewrite(keys)

    def rewrite_parts(self, keys: Iterable[bytes]) -> None:
        """Write these records of `status-parts` again with the next flush."""
        wanted = set(keys)
        for feed in self._book.feeds:
            key = self._key(feed)
            if key in wanted and self._parts.forget(key):
                self._unwritten.feeds.add(feed)

    def _part(self, feed: Feed) -> StatusPart:
        return StatusPart(feed, self._book.steps(feed))

    def _payload_of(self, key: bytes) -> bytes | None:
        return _encode(self._part(_read_feed(key)))

    def _key(self, feed: Feed) -> bytes:
        return key_of_part(HealthKey(self.partition, STATUS_PART, _feed_key(feed).decode()))
