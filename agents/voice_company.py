"""The voice of the whole company, merged by every worker from the digests that all of them write."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from agents.input_ends import Ends, unread
from agents.topic_following import follow
from config.settings import Settings
from streams.facts.definitions.model import Definitions
from streams.facts.placement import partition_for
from streams.health.live.complaints import Complaints
from streams.ledger.rules import HOUR
from streams.surges.own_series import OwnCounting
from streams.surges.tables_counts import MentionCounts
from streams.tables.watermark import ClockRules, PartitionState, TablesClock
from streams.voice.digest_log import DigestLog
from streams.voice.mentions import Digest
from streams.voice.merged import MergedVoice
from streams.voice.now import accounting, source_states, voice_now
from streams.voice.running import RunningVoice

logger = logging.getLogger(__name__)

TOPIC: Final = "voice-digests"
POLL_MS: Final = 100
RECORDS_AT_ONCE: Final = 50
PIECE: Final = 200
"""Digests merged before others get their turn: some 8 ms."""

MOST_WAITING: Final = 50_000
"""Digests read and not yet merged, beyond which no more are read."""


class VoiceCompany:
    """Merged mentions at the clock of the mentions.

    Attributes:
        clock: smallest watermark of all partitions of `social-mentions`, microseconds; None before the first mention.
        complete: everything that lay in the digests when reading began is merged; before that nothing is told.
        voice: the merged mentions; its tables are the running ones.
        counts: happy and unhappy mentions by minute, for the detectors.
        complaints: told of every mention, if anybody asks what customers complain of.
        owned: which partitions of mentions this worker owns now.
    """

    def __init__(
        self, settings: Settings, definitions: Definitions, clock_rules: ClockRules,
        owned: Callable[[], Iterable[int]], input_ends: Ends,
    ) -> None:
        """Nothing merged yet; `input_ends` tells where these partitions of `social-mentions` end, if it can."""
        self.definitions = definitions
        self.owned = owned
        self.complete = False
        self.tables = RunningVoice()
        self.voice = MergedVoice(definitions.voice.copies, self.tables, changes=True)
        self.counts = MentionCounts(OwnCounting(definitions.series))
        self.complaints: Complaints | None = None
        self._settings = settings
        self._input_ends = input_ends
        self._log = DigestLog()
        self._waiting: deque[list[Digest]] = deque()
        self._waits = 0
        self._clock = TablesClock(clock_rules, settings.partitions)
        self._aged_hour = 0
        self._unsettled = False

    def states(self) -> dict[int, PartitionState]:
        """What each partition last told of its time."""
        return {number: progress.state for number, progress in self._log.progress.items()}

    @property
    def clock(self) -> int | None:
        """The clock of the mentions."""
        return self._clock.clock

    def owns(self, brand: str) -> bool:
        """Whether this worker exports a brand now."""
        return partition_for(f"brand={brand}".encode(), self._settings.partitions) in self.owned()

    def offsets(self) -> dict[int, int]:
        """The next offset of each partition of `social-mentions` that is merged."""
        return self._log.upto()

    async def read(self) -> None:
        """Read and merge the digests until cancelled.

        Raises: aiokafka's errors; the process is to end then.
        """
        topic = self._settings.topic(TOPIC)

        async def take(records: Sequence[Any]) -> None:
            for record in records:
                self.take(record.partition, record.value)
            while self._waits > (MOST_WAITING if self.complete else 0):
                await self._merge_piece()

        def complete() -> None:
            self.complete = True
            logger.info("%s is read back", topic)

        await follow(
            self._settings, {topic: self._settings.partitions}, take, complete, poll_ms=POLL_MS,
            records_at_once=RECORDS_AT_ONCE,
        )

    def take(self, partition: int, value: bytes | None) -> None:
        """The next record of a partition of the digests."""
        try:
            digests = self._log.take(partition, value or b"")
        except msgspec.MsgspecError:
            logger.warning("A record of %s-%d is not to be read and was passed over", TOPIC, partition)
            return
        for first in range(0, len(digests), PIECE):
            self._waiting.append(digests[first : first + PIECE])
        self._waits += len(digests)

    async def advance(self, now: int) -> int | None:
        """Merge what has come, and move the clock on; `now` is the wall clock, microseconds."""
        while self._waits:
            await self._merge_piece()
        if not self.complete:
            return None
        states = self.states()
        clock = self._clock.advance(states, now, await unread(self._clock, states, now, self._input_ends))
        if self._unsettled:
            self.voice.settle()
            self._unsettled = False
        if clock is not None:
            if clock // HOUR > self._aged_hour:
                self._aged_hour = clock // HOUR
                self.voice.advance(clock, self.definitions.horizon_us)
                self.counts.forget(clock)
                if self.complaints is not None:
                    self.complaints.forget()
            self.tables.advance(clock)
        self._count()
        return clock

    def _count(self) -> None:
        changes = self.voice.changes
        assert changes is not None
        self.counts.take(changes)
        changes.clear()

    def now(self) -> dict[str, Any] | None:
        """What customers say now, as `/api/v1/voice` shows it; None before the clock is known."""
        if self.clock is None or not self.complete:
            return None
        return voice_now(
            self.definitions, self.clock, self.voice, self.tables, self._log.progress.values(), self._log.lost
        )

    def sources(self) -> dict[str, tuple[int, int]]:
        """Source to its mentions ever and the largest event time of one, over all partitions."""
        return source_states(self._log.progress.values())

    def accounting(self) -> dict[str, Any]:
        """What became of all records."""
        return accounting(self._log.progress.values(), self.voice.duplicates, self._log.lost)

    async def _merge_piece(self) -> None:
        if not self._waiting:
            return
        digests = self._waiting.popleft()
        self._waits -= len(digests)
        self.voice.add(digests)
        if self.complaints is not None:
            self.complaints.hear(digests)
        self._unsettled = True
        if not self.complete:
            self._count()  # What is read back is much; it is not to be held twice.
            self.counts.late.clear()
        await asyncio.sleep(0)
