"""The ledger agent: batches of customer events into the books of their partitions, and flushes out of them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence

import faust

from agents.customer_links import TOPIC as LINKS
from agents.customer_links import link_records
from agents.dead_letters import encode_dead_letter
from agents.movement_records import movement_records
from agents.partition_stage import PartitionStage
from agents.partition_state import Elsewhere, Output, Watcher
from agents.transport.freed_memory import GivingBack
from agents.wall_clock import wall_clock_us
from config.settings import Settings
from streams.books import Flush, PartitionBooks
from streams.facts.admission import Admission
from streams.facts.definitions.model import Definitions
from streams.facts.placement import partition_for
from streams.tables.tables import TableRules
from streams.tables.watermark import ClockRules

logger = logging.getLogger(__name__)

SWEEPS, SWEPT_AT_ONCE = 4, 500
"""Customers of a partition looked at with each tick of the clock: whether facts can be let go, whether they can rest.

Looking at all takes about a millisecond, and so does putting to rest as many as count the same."""

PACKED_AT_ONCE = 200
"""Customers packed for a flush while nothing else gets its turn: a millisecond or two."""

RESTED_AT_ONCE = 10_000
"""Customers fewer awake than there were, some 2,000 bytes each, for which freed memory is given back."""


class LedgerAgent(PartitionStage[PartitionBooks, Flush]):
    """The books of the partitions that this worker owns now."""

    feed = "customer-events"
    changelog = "ledger-changelog"
    parts = "scope-parts"

    def __init__(
        self, app: faust.App, settings: Settings, definitions: Definitions, table_rules: TableRules,
        clock_rules: ClockRules, watchers: Sequence[Watcher], topic: str | None = None,
        on_delivered: Callable[[int, Flush], Awaitable[None]] | None = None, *, tells_links: bool = False,
    ) -> None:
        """Make an agent that owns nothing yet; `topic` and `on_delivered` as of `PartitionStage`.

        `tells_links`: whoever asks for links of other partitions reads `customer-links`.
        """
        self.definitions = definitions
        self._tells_links = tells_links
        self._table_rules = table_rules
        self._clock_rules = clock_rules
        self._admission = Admission(
            definitions, now_us=wall_clock_us, partitions=settings.partitions, check_keys=True,
            max_bytes=settings.max_record_bytes,
        )
        self._awake = GivingBack(RESTED_AT_ONCE)
        super().__init__(app, settings, (definitions.name, definitions.version), watchers, topic, on_delivered)

    @property
    def books(self) -> dict[int, PartitionBooks]:
        """The books by partition."""
        return self.partitions

    def new_state(self, partition: int) -> PartitionBooks:
        """Empty books."""
        return PartitionBooks(
            partition, self._settings.partitions, self.definitions, self._admission, self._table_rules,
            self._clock_rules, self._settings.edition,
        )

    def ahead(self, state: PartitionBooks) -> Iterator[None]:
        """Customers are packed."""
        return state.pack_ahead(PACKED_AT_ONCE)

    def output(self, state: PartitionBooks, flush: Flush) -> Output:
        """Dead letters and movements once, parts again and again."""
        output = ledger_output(state, flush)
        if self._tells_links:
            output.again = [*output.again, (LINKS, link_records(state, flush.linked))]
        return output

    def recovered(self, state: PartitionBooks) -> None:
        """Tell how many customers there are."""
        logger.info(
            "Partition %d: %d customers, next offset %s", state.partition, state.ledger.known, state.next_offset
        )

    async def advance(self, clock: int | None) -> None:
        """Let fall due what is due by the clock of the tables, and note which partitions are read to their end."""
        now = wall_clock_us()
        at_end = self.at_end()
        for number, books in list(self.books.items()):
            await asyncio.sleep(0)
            if self.books.get(number) is not books:
                continue
            if number in at_end:
                books.watermark.reach_end(now, at_end[number])
            books.advance(clock)
            for _ in range(SWEEPS):
                await asyncio.sleep(0)
                if self.books.get(number) is books:
                    books.ledger.sweep(SWEPT_AT_ONCE)
        self._awake.holds(sum(len(books.ledger.customers) for books in self.books.values()))


def ledger_output(books: PartitionBooks, flush: Flush) -> Output:
    """The records of a flush of the ledger; handovers go to the partitions where their customers live."""
    letters = [encode_dead_letter(letter) for letter in flush.dead_letters]
    ended = None if flush.ended is None else (flush.ended.epoch, flush.ended.flush)
    movements = list(movement_records(
        books.partition, flush.next_offset, flush.movements, epoch=flush.epoch, flush=flush.number, ended=ended,
    ))  # fmt: skip
    elsewhere = [
        Elsewhere(LedgerAgent.feed, partition_for(record.key, books.partitions), *record)
        for record in flush.handovers
    ]
    return Output(
        flush.changelog, elsewhere, once=[("dead-letters", letters), ("movements", movements)],
        again=[("scope-parts", flush.parts)],
    )
