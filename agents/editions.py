"""Which edition of the count is in force, as every worker sees it, and taking over.

A new version of the definitions counts from the beginning beside the running one: an edition of its own, with its own
group and state (`NETGROWTH_EDITION`). Outputs that both would write are the business of the one in force alone. No
moment has two: the old one shows nothing once it has read of the take-over, or has not been able to read for the
length of a lease; the new one begins to show when that lease is over.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import monotonic

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from faust.types import TP

from agents.kafka_clients import aiokafka_options
from agents.transport import BatchTransport, CannotStart
from agents.transport.stopping import stop_consumer
from agents.wall_clock import wall_clock_us
from config.settings import Settings
from streams.editions import Editions, TakeOver, edition_record
from streams.tables.calendar import utc_text

logger = logging.getLogger(__name__)

TOPIC = "editions"
LOOK_S = 0.5
"""Between two looks at the log of editions, and between two comparisons of a candidate with the edition in force."""

WAIT = 2.0
"""Leases that the new edition waits: one until the old one shows nothing, the rest until all that it has sent is
delivered, or its process has failed over it (0.8 of a session timeout)."""


class Replaced(CannotStart):
    """Another edition has taken over from this worker's; it counts no longer."""


class EditionLog:
    """Reads the log of editions for as long as the worker runs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._own = settings.edition
        self._editions = Editions()
        self._lease_s = settings.session_timeout_s
        self._seen_at: float | None = None
        self._shows_from: float | None = None

    @property
    def in_force(self) -> str | None:
        """The edition in force; None: not known now."""
        seen = self._seen_at
        return None if seen is None or monotonic() - seen > self._lease_s else self._editions.in_force

    @property
    def shows(self) -> bool:
        """Whether this worker's tables are those to show and to write now."""
        return self.in_force == self._own and monotonic() >= (self._shows_from or 0.0)

    @property
    def has_replaced_another(self) -> bool:
        """Whether this worker's edition is in force after another one."""
        return self.shows and self._editions.last is not None

    @property
    def is_candidate(self) -> bool:
        """Whether this worker's edition counts beside the one in force, to take over from it."""
        return self.in_force not in (None, self._own) and self._own not in self._editions.replaced

    async def read(self) -> None:
        """Read until cancelled.

        Raises: Replaced; aiokafka's errors.
        """
        partition = TopicPartition(self._settings.topic(TOPIC), 0)
        consumer = AIOKafkaConsumer(
            **aiokafka_options(self._settings), enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            while True:
                asked = monotonic()
                try:
                    end = (await consumer.end_offsets([partition]))[partition]
                except KafkaError as error:
                    logger.warning("The log of editions cannot be asked for its end: %r", error)
                    await asyncio.sleep(LOOK_S)
                    continue
                while await consumer.position(partition) < end:
                    for records in (await consumer.getmany(partition, timeout_ms=100)).values():
                        for record in records:
                            self._take(record.value)
                self.heard(asked)
                await asyncio.sleep(LOOK_S)
        finally:
            await stop_consumer(consumer)

    def heard(self, asked: float) -> None:
        """The log has been read up to its end as it was not before `asked`, of the monotonic clock.

        Raises: Replaced.
        """
        self._seen_at = asked
        self._check()

    def _take(self, value: bytes | None) -> None:
        if self._editions.take(value) and self._editions.in_force == self._own:
            assert self._editions.last is not None
            # One that starts later need not wait what is over; a clock that is ahead must not make it shorter.
            since = (wall_clock_us() - self._editions.last.at) / 1_000_000
            is_old = self._seen_at is None and since > 0
            self._shows_from = monotonic() + max(0.0, WAIT * self._lease_s - (since if is_old else 0.0))

    def _check(self) -> None:
        last = self._editions.last
        if self._own in self._editions.replaced and last is not None:
            raise Replaced(
                f"the edition {edition_name(last.edition)}, by the definitions {' '.join(last.definitions)}, has "
                f"taken over from {edition_name(self._own)} at {utc_text(last.at)}: this worker counts no longer; "
                f"start it with NETGROWTH_EDITION={last.edition} and those definitions, or stop it for good"
            )


def edition_name(edition: str) -> str:
    """An edition as people read it."""
    return edition or "(the first)"


class Candidate:
    """An edition that counts beside the one in force, and takes over from it once it has caught up.

    Attributes:
        behind: records by which it is behind the one in force; None: not known.
    """

    def __init__(
        self, settings: Settings, definitions: tuple[str, str], log: EditionLog, transport: BatchTransport,
        counted: Mapping[str, Callable[[], Mapping[int, int]]], own_topics: Sequence[str],
        leads: Callable[[], bool],
    ) -> None:
        """Make a candidate.

        Args:
            counted: full name of each input topic, the ledger's first, to what tells the next offset of each
                partition that is in the tables of the whole edition, durably.
            own_topics: full names of those that intake reads, which writes to input topics.
            leads: whether this worker is the one of its edition that speaks for it now.
        """
        self.behind: int | None = None
        self._settings = settings
        self._definitions = definitions
        self._log = log
        self._transport = transport
        self._counted = counted
        self._own_topics = frozenset(own_topics)
        self._leads = leads
        self._goal: dict[TopicPartition, int] | None = None

    async def take_over(self) -> None:
        """Take over when the edition in force is caught up with; until cancelled.

        Raises: DeliveryFailed.
        """
        while True:
            await asyncio.sleep(LOOK_S)
            if self._log.is_candidate:
                await self._compare()
            else:
                self.behind = self._goal = None

    async def _compare(self) -> None:
        replaces = self._log.in_force
        if replaces is None:
            return
        if self._goal is None:
            try:
                self._goal = await self._ends(replaces)
            except KafkaError as error:
                logger.warning("How far the edition in force has come cannot be asked: %r", error)
            if self._goal is None:
                return
        counted = {topic: offsets() for topic, offsets in self._counted.items()}
        self.behind = sum(max(0, end - counted[at.topic].get(at.partition, 0)) for at, end in self._goal.items())
        if self.behind:
            return
        self._goal = None
        if self._leads() and self._log.in_force == replaces:
            await self._say(TakeOver(self._settings.edition, replaces, self._definitions, wall_clock_us()))

    async def _say(self, word: TakeOver) -> None:
        names = edition_name(word.edition), edition_name(word.replaces)
        logger.info("%s has caught up and takes over from %s", *names)
        source = TP(next(iter(self._counted)), 0)
        barrier = self._transport.barrier
        barrier.send(source, self._settings.topic(TOPIC), 0, *edition_record(word))
        await barrier.delivered(source)

    async def _ends(self, replaces: str) -> dict[TopicPartition, int] | None:
        """Where the input ends; None while intake has not read as much of own topics as that of the one in force.

        The end lies behind all that the one in force has committed, and all that this edition's intake has written.
        """
        options = aiokafka_options(self._settings)
        if self._own_topics:
            admin = AIOKafkaAdminClient(**options)
            await admin.start()
            try:
                theirs = await admin.list_consumer_group_offsets(self._group(replaces))
                mine = await admin.list_consumer_group_offsets(self._group(self._settings.edition))
            finally:
                await admin.close()
            self.behind = sum(
                max(0, found.offset - (mine[at].offset if at in mine else 0))
                for at, found in theirs.items()
                if at.topic in self._own_topics
            )
            if self.behind:
                return None
        consumer = AIOKafkaConsumer(**options)
        await consumer.start()
        try:
            numbers = range(self._settings.partitions)
            ends: dict[TopicPartition, int] = await consumer.end_offsets(
                [TopicPartition(topic, number) for topic in self._counted for number in numbers]
            )
        finally:
            await stop_consumer(consumer)
        return ends

    def _group(self, edition: str) -> str:
        return replace(self._settings, edition=edition).group("netgrowth")
