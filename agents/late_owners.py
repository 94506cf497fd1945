"""What an owner before delivers late: a worker that was paused for long, and has a successor by then.

What it writes is void. But it is the last of its keys in the log, and compaction would keep it and forget the values
that count. So the owner of today notices offsets that are not its own, and writes again what they hide. A worker that
finds those of its successor in this way knows that it is itself the late one, and ends.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from agents.kafka_clients import aiokafka_options
from agents.transport.barrier import DeliveryBarrier
from agents.transport.log_reading import read_between
from config.settings import Settings
from streams.ledger.changelog import claimed_by
from streams.tables.part_records import epoch_of

logger = logging.getLogger(__name__)


class Succeeded(Exception):
    """Another worker has taken over the partition: whatever this one writes of it is void."""


class Rewriting(Protocol):
    """State of a partition that can write keys again."""

    epoch: int

    def rewrite(self, keys: Iterable[bytes], /) -> list[bytes]:
        """Write these keys of the changelog again; gives those that have no value."""

    def rewrite_parts(self, keys: Iterable[bytes], /) -> None:
        """Write these keys of the parts topic again."""


Bury = Callable[[int, Sequence[bytes]], None]
"""Writes tombstones of these keys to the changelog of a partition."""


class LateOwners:
    """Offsets of late owners in the logs of one stage, noted until its state is told of them."""

    def __init__(self, settings: Settings, stall: float, changelog: str, parts: str | None) -> None:
        """`stall`: seconds without a record after which reading has failed. Topics are without prefix."""
        self._settings = settings
        self._stall = stall
        self._parts = None if parts is None else settings.topic(parts)
        self._topics = {settings.topic(name) for name in (changelog, parts) if name is not None}
        self._noted: list[tuple[str, int, int, int]] = []

    def watch(self, barrier: DeliveryBarrier, partition: int) -> None:
        """From now on, the beginning of an epoch, nobody else is to write to the logs of the partition."""
        for topic in self._topics:
            barrier.on_others[topic] = self._note
            barrier.forget_place(topic, partition)

    def _note(self, topic: str, partition: int, first: int, end: int) -> None:
        self._noted.append((topic, partition, first, end))

    async def tell(self, states: Mapping[int, Rewriting], bury: Bury) -> None:
        """Have the next flush write again what late owners have written over; what has no value is buried again.

        Raises: Succeeded, RecoveryFailed, and aiokafka's errors; the process is to end then.
        """
        noted, self._noted = self._noted, []
        for topic, partition, first, end in noted:
            if partition not in states:
                continue
            client = aiokafka_options(self._settings)
            records = await read_between(client, topic, partition, first, end, stall=self._stall)
            of_partition = states.get(partition)
            if of_partition is None:
                continue  # Given up meanwhile.
            lines = [(record.key, record.value) for record in records if record.key is not None]
            of_parts = topic == self._parts
            newest = max((epoch_of(value) if of_parts else claimed_by(key, value) for key, value in lines), default=0)
            if newest > of_partition.epoch:
                raise Succeeded(f"{topic}-{partition} has an owner of epoch {newest}, here is {of_partition.epoch}")
            logger.warning(
                "%s-%d: offsets %d to %d are of an earlier owner, who was late; what they hide is written again",
                topic, partition, first, end - 1,
            )
            keys = [key for key, _ in lines]
            if of_parts:
                of_partition.rewrite_parts(keys)
            else:
                bury(partition, of_partition.rewrite(keys))

