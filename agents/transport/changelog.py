"""Recovery of state from changelog topics, in batches, before the gate of an input partition opens."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from faust import App
from faust.types import TP

from agents.transport.failure import CannotStart
from agents.transport.freed_memory import give_back
from agents.transport.log_reading import ReadingProgress, read_to_end
from agents.transport.options import TransportOptions, client_options

logger = logging.getLogger(__name__)

#: Takes a partition and its next records, in order: key, and value or None for a tombstone.
Restore = Callable[[int, Sequence[tuple[bytes, bytes | None]]], None]


class Changelog:
    """State of one changelog topic, partition by partition as the input is assigned.

    Partition n of the changelog belongs to partition n of the input topics in `sources` (None: of all batch
    topics). When such a partition is assigned, `reset(n)` drops whatever is held of n and `begin(n)` is awaited; what
    it has delivered to the log is read, too, so it is the place to claim the partition. Then `restore(n, records)` is
    called with all records of the log in order, then `ready(n)` is awaited, and only then input of partition n
    flows. When none is assigned any longer, `reset(n)` is called at the assignment that took it away.

    State stays as it is, without a restore, if the worker had the partition in the generation just before: nobody
    else can have written in between. A restore may see records twice (a log that is read again from its start) and
    records of a zombie after newer ones, so it should keep the larger stamp per key.
    """

    def __init__(
        self, app: App, topic: str, partitions: int, restore: Restore, reset: Callable[[int], None], *,
        sources: Iterable[str] | None = None,
        begin: Callable[[int], Awaitable[None]] | None = None,
        ready: Callable[[int], Awaitable[None]] | None = None,
        on_progress: Callable[[ReadingProgress], None] | None = None,
    ) -> None:
        self.topic = topic
        self.partitions = partitions
        self.restore = restore
        self.reset = reset
        self.begin = begin
        self.ready = ready
        self.on_progress = on_progress
        #: Progress of the newest reading of each partition.
        self.progress: dict[int, ReadingProgress] = {}
        #: Partitions whose state is complete.
        self.held: set[int] = set()
        self._sources = None if sources is None else frozenset(sources)
        self._batch_topics: set[str] = app.transport.batch_topics
        app.transport.recovery.add(self)

    def gates(self, topic: str) -> bool:
        """Whether input of this topic waits for this changelog."""
        return topic in (self._batch_topics if self._sources is None else self._sources)

    def note(self, progress: ReadingProgress) -> None:
        """Keep and pass on how far the reading has come."""
        self.progress[progress.partition] = progress
        if self.on_progress is not None:
            self.on_progress(progress)


class Recovery:
    """Reads the changelogs of newly assigned partitions; one reading at a time, the newest assignment's."""

    def __init__(self, app: App, options: TransportOptions, fail: Callable[[BaseException], None]) -> None:
        self._app = app
        self._options = options
        self._fail = fail
        self._changelogs: list[Changelog] = []
        self._generation = 0
        self._assigned = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def changelogs(self) -> Sequence[Changelog]:
        """The changelogs declared for the app."""
        return tuple(self._changelogs)

    @property
    def is_assigned(self) -> bool:
        """Whether the group has given this worker its partitions, or none, and not taken them back."""
        return self._assigned

    def add(self, changelog: Changelog) -> None:
        """Declare a changelog; before the app starts."""
        self._changelogs.append(changelog)

    def is_recovered(self, tp: TP) -> bool:
        """Whether the state that input of this partition needs is complete."""
        return self._assigned and all(tp.partition in c.held for c in self._changelogs if c.gates(tp.topic))

    def revoked(self) -> None:
        """All partitions were taken away; which of them come back is not known yet."""
        self._assigned = False
        self._cancel()

    def assigned(self, tps: set[TP], generation: int) -> None:
        """Drop the state of what is gone, and begin to read the state of what is new."""
        self._cancel()
        retains = generation == self._generation + 1
        self._generation = generation
        for changelog in self._changelogs:
            needed = {tp.partition for tp in tps if changelog.gates(tp.topic)}
            kept = changelog.held & needed if retains else set()
            for partition in changelog.held - kept:
                changelog.held.discard(partition)
                changelog.progress.pop(partition, None)
                changelog.reset(partition)
            wanted = sorted(needed - kept)
            if wanted:
                self._tasks.append(asyncio.ensure_future(self._recover(changelog, wanted)))
        self._assigned = True

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks = []

    async def _recover(self, changelog: Changelog, partitions: Sequence[int]) -> None:
        try:
            for partition in partitions:
                changelog.reset(partition)
                if changelog.begin is not None:
                    await changelog.begin(partition)
            reading = read_to_end(
                client_options(self._app), changelog.topic, partitions,
                expected_partitions=changelog.partitions,
                max_records=self._options.recovery_records,
                fetch_bytes=self._options.recovery_fetch_bytes,
                stall=self._options.recovery_stall,
                on_progress=changelog.note,
            )
            async for progress, records in reading:
                if records:
                    changelog.restore(progress.partition, [(record.key, record.value) for record in records])
                elif progress.done:
                    await self._finish(changelog, progress)
            give_back()
        except Exception as error:
            if self._app.should_stop:
                return  # An end in order has stopped what it reads with.
            if not isinstance(error, CannotStart):
                logger.exception("Recovery of %s failed", changelog.topic)
            self._fail(error)

    async def _finish(self, changelog: Changelog, progress: ReadingProgress) -> None:
        if changelog.ready is not None:
            await changelog.ready(progress.partition)
        changelog.held.add(progress.partition)
        logger.info(
            "%s-%d: recovered %d records, %d bytes in %.1f s", changelog.topic, progress.partition, progress.records,
            progress.bytes, progress.seconds,
        )
        consumer: Any = self._app.consumer
        consumer.wake()
