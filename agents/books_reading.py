"""The state of the whole company for one question: of this worker's partitions, and of the others as their changelog
has it. Nothing is claimed and nothing written: who owns a partition is not touched."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from aiokafka.errors import KafkaError

from agents.kafka_clients import aiokafka_options
from agents.movements_log import NotYet
from agents.partition_stage import PartitionStage
from agents.partition_state import PartitionState
from agents.transport.failure import RecoveryFailed
from agents.transport.log_reading import read_to_end
from config.settings import Settings
from streams.drilldown.numbers import CannotOpen
from streams.ledger.changelog import ChangelogReader

MOST_RECORDS = 2_000_000
"""Of the changelog of partitions that are not this worker's: beyond it a question takes longer than anybody waits."""

STALL_S = 20.0

B = TypeVar("B", bound=PartitionState[Any])


class BooksOfOthers(Generic[B]):
    """Reads what is not here, one question at a time."""

    def __init__(
        self, settings: Settings, stage: PartitionStage[B, Any], new_state: Callable[[int], B], instead: str
    ) -> None:
        """`new_state`: a partition's fresh state to be read; `instead`: what can be asked where too much is away."""
        self._settings = settings
        self._stage = stage
        self._new_state = new_state
        self._instead = instead
        self._turn = asyncio.Lock()

    async def all_books(self, wanted: Iterable[int] | None = None) -> dict[int, B]:
        """The books of these partitions, by default of every one.

        Raises:
            CannotOpen: too much lies elsewhere; the text says which partitions are here.
            NotYet: the changelog cannot be read now.
        """
        numbers = range(self._settings.partitions) if wanted is None else wanted
        owned = self._stage.owned()
        own = {number: self._stage.partitions[number] for number in numbers if number in owned}
        missing = [number for number in numbers if number not in own]
        if not missing:
            return own
        async with self._turn:
            try:
                return own | await self._read(missing)
            except (KafkaError, RecoveryFailed, OSError) as error:
                raise NotYet(
                    f"the partitions {', '.join(map(str, missing))} are kept by other workers, and what they hold "
                    f"cannot be read now ({error or type(error).__name__}); try again"
                ) from error

    async def _read(self, missing: list[int]) -> dict[int, B]:
        settings, stage = self._settings, self._stage
        readers = {number: ChangelogReader() for number in missing}
        records = 0
        chunks = read_to_end(
            aiokafka_options(settings), settings.topic(stage.changelog), missing,
            expected_partitions=settings.partitions, max_records=5000, fetch_bytes=4 << 20, stall=STALL_S,
            on_progress=lambda _: None,
        )  # fmt: skip
        async for progress, chunk in chunks:
            records += len(chunk)
            if records > MOST_RECORDS:
                raise CannotOpen(
                    f"this worker keeps the partitions {sorted(stage.owned()) or 'none'} of {settings.partitions}, "
                    f"and the others hold too much to be read for one question: {self._instead}"
                )
            readers[progress.partition].feed((record.key, record.value) for record in chunk)
        found = {}
        for number, reader in readers.items():
            await asyncio.sleep(0)
            reader.finish()
            books = self._new_state(number)
            await asyncio.to_thread(books.restore, reader, 0)
            found[number] = books
        return found
