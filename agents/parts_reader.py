"""Reads a topic of parts: what every worker reads whole and adds up for the company.

Each record is cumulative and carries the epoch of its partition's owner; the last record of every flush is the
progress of its partition. A flush is held until that record is there: torn, it would not balance. What this worker
wrote itself it takes in once it is delivered, and passes over here: read back before that, its progress would tell of
minutes that are not there yet.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

import msgspec

from agents.topic_following import follow
from agents.transport.freed_memory import give_back
from config.settings import Settings

logger = logging.getLogger(__name__)

POLL_MS = 100
RECORDS_AT_ONCE = 2000

PIECE_S = 0.005
"""How long taking in what holds may hold up everything else."""


@dataclass(frozen=True, slots=True)
class PartFormat:
    """How the records of a topic of parts are told apart; each for what cannot be read, too.

    Attributes:
        is_progress: of a key: whether it is that of a progress record.
        epoch_of: of a value: the epoch of who wrote it, 0 for a tombstone and for what cannot be read.
        is_part_of: of an epoch and a value: whether it is a part of that epoch, and no progress record.
    """

    is_progress: Callable[[bytes], bool]
    epoch_of: Callable[[bytes | None], int]
    is_part_of: Callable[[int, bytes], bool]


class InForce(Protocol):
    """What holds of the records of a topic, found without merging them."""

    def take(self, key: bytes, value: bytes | None) -> None:
        """The next record of a whole flush. Raises: msgspec.MsgspecError for what cannot be read."""

    def give(self) -> Iterator[tuple[bytes, bytes | None]]:
        """The records that hold; merged, they give what all records give."""


class PartsReader:
    """Reads all partitions of a topic of parts until it is cancelled.

    Attributes:
        complete: all that lay in the topic when reading began has been read; before that nothing is to be told.
    """

    def __init__(
        self, settings: Settings, topic: str, form: PartFormat, take: Callable[[bytes, bytes | None], object],
        in_force: InForce | None = None,
    ) -> None:
        """`topic` is without prefix. `take` is given the records of whole flushes, in order; what it cannot read,
        that is what it raises msgspec.MsgspecError for, is logged and passed over. With `in_force` it is given only
        those that hold of what lay in the topic when reading began, at once when all of that is read.
        """
        self.complete = False
        self._settings = settings
        self._topic = topic
        self._form = form
        self._merge = take
        self._in_force = in_force
        self._take_in: Callable[[bytes, bytes | None], object] = take if in_force is None else in_force.take
        self._held: dict[int, list[tuple[bytes, bytes | None]]] = {}
        self._own_epochs: dict[int, int] = {}

    def pass_over(self, partition: int, epoch: int) -> None:
        """Parts of this epoch are this worker's own, and have been taken in."""
        self._own_epochs[partition] = epoch

    async def read(self) -> None:
        """Read until cancelled.

        Raises: aiokafka's errors; the process is to end then.
        """
        topic = self._settings.topic(self._topic)

        async def take(records: Sequence[Any]) -> None:
            for record in records:
                if record.key is not None:
                    self.feed(record.partition, record.key, record.value)

        async def complete() -> None:
            await self.finish()
            give_back()
            logger.info("%s is read back", topic)

        await follow(
            self._settings, {topic: self._settings.partitions}, take, complete, poll_ms=POLL_MS,
            records_at_once=RECORDS_AT_ONCE,
        )

    async def finish(self) -> None:
        """All that lay in the topic has been fed."""
        in_force, self._in_force, self._take_in = self._in_force, None, self._merge
        if in_force is not None:
            end = monotonic() + PIECE_S
            for key, value in in_force.give():
                self._take(key, value)
                if monotonic() > end:
                    await asyncio.sleep(0)
                    end = monotonic() + PIECE_S
        self.complete = True

    def feed(self, lane: int, key: bytes, value: bytes | None) -> None:
        """The next record of a partition of the topic."""
        epoch = self._own_epochs.get(lane)
        if epoch is None or value is None or not self._form.is_part_of(epoch, value):
            self._hold(lane, key, value)

    def _hold(self, lane: int, key: bytes, value: bytes | None) -> None:
        """Hold the records of a flush until its progress record is there.

        That of an owner before, who is late, releases nothing of the flush of today's into which it may fall. This
        worker's own releases what is held, and is passed over itself.
        """
        held = self._held.setdefault(lane, [])
        held.append((key, value))
        if not self._form.is_progress(key):
            return
        upto = self._form.epoch_of(value)
        of_record = upto
        still = []
        for part in held:
            # A tombstone has no epoch; it comes behind the parts of its flush.
            if part[1] is not None:
                of_record = self._form.epoch_of(part[1])
            if of_record > upto:
                still.append(part)
            elif upto != self._own_epochs.get(lane) or not self._form.is_progress(part[0]):
                self._take(*part)
        self._held[lane] = still

    def _take(self, key: bytes, value: bytes | None) -> None:
        try:
            self._take_in(key, value)
        except msgspec.MsgspecError:
            logger.warning("A record of %s is not to be read and was passed over: key %r", self._topic, key[:80])
