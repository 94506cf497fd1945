"""The books of the whole company for one question: those of this worker, and of the others as their changelog has
them. Nothing is claimed and nothing written: who owns a partition is not touched."""

import asyncio
from typing import TYPE_CHECKING

from aiokafka.errors import KafkaError

from agents.kafka_clients import aiokafka_options
from agents.movements_log import NotYet
from agents.transport.failure import RecoveryFailed
from agents.transport.log_reading import read_to_end
from streams.books import PartitionBooks
from streams.drilldown.numbers import CannotOpen
from streams.ledger.changelog import ChangelogReader

if TYPE_CHECKING:
    from agents.app import LedgerWorker

MOST_RECORDS = 2_000_000
"""Of the changelog of partitions that are not this worker's: beyond it a question takes longer than anybody waits."""

STALL_S = 20.0


class BooksOfOthers:
    """Reads what is not here, one question at a time."""

    def __init__(self, worker: "LedgerWorker") -> None:
        self._worker = worker
        self._turn = asyncio.Lock()

    async def all_books(self) -> dict[int, PartitionBooks]:
        """The books of every partition.

        Raises:
            CannotOpen: too much lies elsewhere; the text says which partitions are here.
            NotYet: the changelog cannot be read now.
        """
        own = {number: books for number, books in self._worker.ledger.books.items()
               if number in self._worker.ledger.owned()}  # fmt: skip
        missing = [number for number in range(self._worker.settings.partitions) if number not in own]
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

    async def _read(self, missing: list[int]) -> dict[int, PartitionBooks]:
        settings = self._worker.settings
        readers = {number: ChangelogReader() for number in missing}
        records = 0
        chunks = read_to_end(
            aiokafka_options(settings), settings.topic("ledger-changelog"), missing,
            expected_partitions=settings.partitions, max_records=5000, fetch_bytes=4 << 20, stall=STALL_S,
            on_progress=lambda _: None,
        )  # fmt: skip
        async for progress, chunk in chunks:
            records += len(chunk)
            if records > MOST_RECORDS:
                raise CannotOpen(
                    f"this worker keeps the partitions {sorted(self._worker.ledger.books) or 'none'} of "
                    f"{settings.partitions}, and the others hold too much to be read for one question: "
                    "ask for what happened in a window (gained, lost ...), which any worker tells"
                )
            readers[progress.partition].feed((record.key, record.value) for record in chunk)
        found = {}
        for number, reader in readers.items():
            await asyncio.sleep(0)
            reader.finish()
            books = self._worker.ledger.new_state(number)
            await asyncio.to_thread(books.restore, reader, 0)
            found[number] = books
        return found
