"""Health of the whole company, read back from `health-parts` and `status-parts` by every worker."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from agents.input_ends import Ends, unread
from agents.parts_reader import PartFormat, PartsReader
from config.settings import Settings
from streams.facts.definitions.model import Definitions
from streams.facts.placement import partition_for
from streams.health.live.books import HealthFlush
from streams.health.live.company import CompanyHealth
from streams.health.live.health_now import health_now
from streams.health.live.parts import is_progress_key
from streams.health.live.status_books import StatusFlush
from streams.health.parts import ScopeName
from streams.tables.part_records import epoch_of, is_part_of
from streams.tables.watermark import ClockRules, PartitionState

FORM = PartFormat(is_progress_key, epoch_of, is_part_of)

MINUTES_AT_ONCE = 4
"""Minutes that are looked at before others get their turn."""


def scope_name(scope: ScopeName) -> str:
    """A scope as the key of `customer-health` writes it: `service=shop,stage=checkout,segment=SMB,region=EMEA`."""
    return ",".join(f"{name}={value}" for name, value in scope._asdict().items() if value is not None)


class HealthCompany:
    """The merged health at the clock of the signals.

    Attributes:
        health: all partitions put together.
        owned: which partitions of signals this worker owns now.
    """

    def __init__(
        self, settings: Settings, definitions: Definitions, clock_rules: ClockRules,
        owned: Callable[[], Iterable[int]], input_ends: Ends, *, with_status: bool,
    ) -> None:
        """`input_ends` tells where partitions of `qos-signals` end; `with_status`: `service-status` is read, too."""
        self.definitions = definitions
        self.owned = owned
        self.partitions = settings.partitions
        self.health = CompanyHealth(definitions, settings.partitions, clock_rules)
        self._input_ends = input_ends
        self._parts = PartsReader(settings, "health-parts", FORM, self.health.apply)
        self._statuses: PartsReader | None = None
        if with_status:
            self._statuses = PartsReader(settings, "status-parts", FORM, self.health.apply_status)

    @property
    def complete(self) -> bool:
        """Everything that lay in the parts when reading began has been read; before that nothing is told."""
        return self._parts.complete and (self._statuses is None or self._statuses.complete)

    @property
    def clock(self) -> int | None:
        """The clock of the signals."""
        return self.health.clock

    async def read(self) -> None:
        """Read the parts until cancelled. Raises: aiokafka's errors; the process is to end then."""
        readers = [self._parts] if self._statuses is None else [self._parts, self._statuses]
        await asyncio.gather(*(reader.read() for reader in readers))

    async def take_own(self, partition: int, flush: HealthFlush) -> None:
        """Take in a flush that this worker has delivered, as if its records had been read back."""
        self._parts.pass_over(partition, flush.epoch)
        for key, value in flush.parts:
            self.health.apply(key, value)

    async def take_own_status(self, partition: int, flush: StatusFlush) -> None:
        """The same of statuses."""
        assert self._statuses is not None
        self._statuses.pass_over(partition, flush.epoch)
        for key, value in flush.parts:
            self.health.apply_status(key, value)

    async def advance(self, now: int) -> int | None:
        """Move the clock on; None until everything is read back. `now`: the wall clock, microseconds."""
        if not self.complete:
            return None
        health = self.health
        return health.advance(now, await unread(health.tables_clock, health.states(), now, self._input_ends))

    async def look(self) -> None:
        """Look at the minutes that every partition has told of, in pieces."""
        while self.complete and self.health.look(MINUTES_AT_ONCE):
            await asyncio.sleep(0)

    def offsets(self) -> dict[int, int]:
        """The next offset of each partition of `qos-signals` that is in the health."""
        return {number: one.next_offset for number, one in self.health.progress.items()}

    def states(self) -> dict[int, PartitionState]:
        """What each partition of `qos-signals` last told of its time."""
        return self.health.states()

    def owns(self, scope: ScopeName) -> bool:
        """Whether this worker exports a scope now."""
        return self.place(scope) in self.owned()

    def place(self, scope: ScopeName) -> int:
        """The partition whose owner exports the scope."""
        return partition_for(scope_name(scope).encode(), self.partitions)

    def now(self, window: str) -> dict[str, Any] | None:
        """Health over a window, as `/api/v1/health` shows it; None before the clock is known."""
        return health_now(self.health, window) if self.complete else None
