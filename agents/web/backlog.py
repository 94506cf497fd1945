"""How many records lie in the ledger's input topic that are not in the company's tables, and where nobody counts.

A worker that dies leaves its partitions to the others; until one of them has taken over, the tables lack what comes
in there, and only the broker knows.
"""

from dataclasses import dataclass
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.company import Company
from agents.kafka_clients import aiokafka_options
from agents.transport.stopping import stop_consumer
from config.settings import Settings


class Backlog(NamedTuple):
    """Records not yet in the tables, and partitions in which nobody counted, until what waited there is counted."""

    records: int = 0
    stalled: tuple[int, ...] = ()


@dataclass(slots=True)
class _Seen:
    """Of a partition: where the tables stood, since when, and where the topic ended then."""

    offset: int
    since: float
    end: int


class BacklogWatch:
    """Asks the broker where the input ends, with a client of its own from the first question on."""

    def __init__(self, settings: Settings, topic: str, company: Company) -> None:
        self._settings = settings
        self._topic = topic
        self._company = company
        self._stalled_after_s = 4.0 * max(1.0, settings.flush_interval_s)
        self._consumer: AIOKafkaConsumer | None = None
        self._seen: dict[int, _Seen] = {}
        self._stalled: dict[int, int] = {}  # partition to where it ended when nobody counted there
        self.last: Backlog | None = None
        """What the last look found; None before the first, and when the broker did not answer."""

    async def look(self, now: float) -> None:
        """Compare once; `now` in seconds of a clock that only goes forward."""
        partitions = [TopicPartition(self._topic, number) for number in range(self._settings.partitions)]
        try:
            if self._consumer is None:
                consumer = AIOKafkaConsumer(**aiokafka_options(self._settings), enable_auto_commit=False)
                await consumer.start()
                self._consumer = consumer
            ends = await self._consumer.end_offsets(partitions)
        except (KafkaError, OSError):
            self.last = None
            return
        self.note({partition.partition: end for partition, end in ends.items()}, now)

    def note(self, ends: dict[int, int], now: float) -> None:
        """Take in where each partition ends."""
        offsets, states, own = self._company.offsets(), self._company.states(), set(self._company.owned())
        records, stalled = 0, []
        for number, end in ends.items():
            offset = offsets.get(number, 0)
            seen = self._seen.get(number)
            if seen is None or seen.offset != offset:
                seen = self._seen[number] = _Seen(offset, now, end)
            behind = max(0, end - offset)
            records += behind
            # An owner that says it has read all may have markers of transactions before it, which are no records.
            waits = behind and (end > seen.end or number not in states or not states[number].idle)
            # Of its own this worker knows that it counts them, however long a flush takes.
            if waits and number not in own and now - seen.since > self._stalled_after_s:
                self._stalled[number] = end
            # Whoever takes over counts what waited there in pieces: until all of it is in, the tables are a part.
            if not waits or offset >= self._stalled.get(number, 0):
                self._stalled.pop(number, None)
            else:
                stalled.append(number)
        self.last = Backlog(records, tuple(sorted(stalled)))

    async def close(self) -> None:
        """Let go of the client."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await stop_consumer(consumer)
