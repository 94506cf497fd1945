"""The agents of perceived health: signals of customers, and what operations say of services."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence

import faust

from agents.dead_letters import encode_dead_letter
from agents.partition_stage import PartitionStage
from agents.partition_state import Elsewhere, Output, Watcher
from agents.wall_clock import wall_clock_us
from config.settings import Settings
from streams.books import PartitionBooks
from streams.facts.definitions.model import Definitions
from streams.facts.models import UNKNOWN
from streams.facts.placement import partition_for
from streams.health.admission import SignalAdmission, StatusAdmission
from streams.health.customers import Profile
from streams.health.exposure import Loss
from streams.health.live.books import HealthBooks, HealthFlush
from streams.health.live.company import CompanyHealth
from streams.health.live.known import Held, LedgerView
from streams.health.live.status_books import StatusBooks, StatusFlush
from streams.ledger.customer import Status
from streams.ledger.movements import MovementKind
from streams.ledger.remembered import NEVER
from streams.tables.watermark import ClockRules

logger = logging.getLogger(__name__)

MINUTES_AT_ONCE = 4
"""Minutes of a partition that are counted before others get their turn: some milliseconds."""


class LedgerOfPartition:
    """The ledger of the partition of the same number, if this worker has it (`streams.health.live.known`)."""

    def __init__(self, books: Callable[[], PartitionBooks | None]) -> None:
        self._books = books

    @property
    def version(self) -> object:
        """The books themselves: another owner has others."""
        return self._books()

    def loss(self, customer_id: str) -> Loss | None:
        """The last loss of a customer who is not back; without its instant once that is long ago, after a restart."""
        books = self._books()
        looked_at = None if books is None else books.ledger.look_at(customer_id, NEVER)
        if looked_at is None or looked_at[0].status != Status.LOST:
            return None
        state, movements = looked_at
        for movement in reversed(movements):
            if movement.kind == MovementKind.LOST:
                return Loss(customer_id, movement.at, movement.reason or UNKNOWN)
        reported = state.reported
        return Loss(customer_id, NEVER if reported is None or state.lapsed else reported.at, UNKNOWN)

    @property
    def has_links(self) -> bool:
        """Whether any id of the partition is linked to another."""
        books = self._books()
        return books is not None and books.has_links

    def linked_to(self, customer_id: str) -> str | None:
        """The customer whose alias this id is."""
        books = self._books()
        return None if books is None else books.linked_to(customer_id)

    def find(self, customer_id: str) -> Held | None:
        """The customer as the ledger has it now; who has left is worth nothing any more."""
        books = self._books()
        state = None if books is None else books.ledger.state_of(customer_id)
        if state is None or state.status == Status.UNKNOWN:
            return None
        scope = state.scope
        return Held(Profile(scope.segment, scope.region), state.value if state.status == Status.ACTIVE else 0)


class HealthAgent(PartitionStage[HealthBooks, HealthFlush]):
    """The books of the partitions of `qos-signals` that this worker owns now."""

    feed = "qos-signals"
    changelog = "health-changelog"
    parts = "health-parts"

    def __init__(
        self, app: faust.App, settings: Settings, definitions: Definitions, clock_rules: ClockRules,
        watchers: Sequence[Watcher], company: CompanyHealth, ledger: Callable[[int], PartitionBooks | None],
        on_delivered: Callable[[int, HealthFlush], Awaitable[None]] | None = None,
    ) -> None:
        """Make an agent that owns nothing yet; `company` is what all partitions make, `ledger` by partition."""
        self.definitions = definitions
        self._clock_rules = clock_rules
        self._company = company
        self._ledger = ledger
        self._admission = SignalAdmission(
            definitions, now_us=wall_clock_us, partitions=settings.partitions, check_keys=True,
            max_bytes=settings.max_record_bytes,
        )
        super().__init__(
            app, settings, (definitions.name, definitions.version), watchers, on_delivered=on_delivered
        )

    def new_state(self, partition: int) -> HealthBooks:
        """Empty books."""
        return self.beside(partition, LedgerOfPartition(lambda: self._ledger(partition)))

    def beside(self, partition: int, ledger: LedgerView) -> HealthBooks:
        """Empty books beside a ledger."""
        return HealthBooks(
            partition, self._settings.partitions, self.definitions, self._admission, self._clock_rules, ledger,
            self._company.needs, self._settings.edition,
        )

    def output(self, state: HealthBooks, flush: HealthFlush) -> Output:
        """Dead letters once, parts and customers in trouble again and again."""
        letters = [encode_dead_letter(letter) for letter in flush.dead_letters]
        elsewhere = [
            Elsewhere(self.feed, partition_for(record.key, self._settings.partitions), *record)
            for record in flush.handovers
        ]
        return Output(
            flush.changelog, elsewhere, once=[("dead-letters", letters)],
            again=[("health-parts", flush.parts), ("customers-in-trouble", flush.troubles)],
        )

    def ledger_changed(self, partition: int, customers: Iterable[str], linked: Iterable[str] = ()) -> None:
        """The ledger has another word of these customers; the ids in `linked` are aliases now."""
        books = self.partitions.get(partition)
        if books is not None:
            books.ledger_changed(customers)
            books.linked(linked)

    async def advance(self, clock: int | None, *, complete: bool) -> None:
        """Count up to the clock of the company, and note which partitions are read to their end.

        `complete`: the company's health is read back, so that its troubles are all there are.
        """
        now = wall_clock_us()
        at_end = self.at_end()
        for number, books in list(self.partitions.items()):
            if number in at_end:
                books.watermark.reach_end(now, at_end[number])
            if complete:
                books.follow(
                    self._company.troubles(), self._company.complaints, self._company.subsets_asked
                )
            while self.partitions.get(number) is books and books.advance(clock, MINUTES_AT_ONCE):
                await asyncio.sleep(0)
            await asyncio.sleep(0)


class StatusAgent(PartitionStage[StatusBooks, StatusFlush]):
    """The books of the partitions of `service-status` that this worker owns now."""

    feed = "service-status"
    changelog = "status-changelog"
    parts = "status-parts"

    def __init__(
        self, app: faust.App, settings: Settings, definitions: Definitions, clock_rules: ClockRules,
        watchers: Sequence[Watcher], on_delivered: Callable[[int, StatusFlush], Awaitable[None]] | None = None,
    ) -> None:
        """Make an agent that owns nothing yet."""
        self.definitions = definitions
        self._clock_rules = clock_rules
        self._admission = StatusAdmission(definitions, now_us=wall_clock_us, max_bytes=settings.max_record_bytes)
        super().__init__(
            app, settings, (definitions.name, definitions.version), watchers, on_delivered=on_delivered
        )

    def new_state(self, partition: int) -> StatusBooks:
        """Nothing said yet."""
        return StatusBooks(
            partition, self._settings.partitions, self.definitions, self._admission, self._clock_rules
        )

    def output(self, state: StatusBooks, flush: StatusFlush) -> Output:
        """Dead letters once, words again and again."""
        letters = [encode_dead_letter(letter) for letter in flush.dead_letters]
        return Output(flush.changelog, once=[("dead-letters", letters)], again=[("status-parts", flush.parts)])

    def note_ends(self) -> None:
        """Note which partitions are read to their end."""
        now = wall_clock_us()
        for number, end in self.at_end().items():
            state = self.partitions.get(number)
            if state is not None:
                state.watermark.reach_end(now, end)
