"""Seeded bugs: each is a small patch of the worker's process that the suite must turn red for.

Each breaks one of the rules of docs/exactness.md, and nothing else.
"""

from collections.abc import Callable
from typing import Any


def _commit_before_the_barrier() -> None:
    """A batch is acknowledged, and its offset committed, before what it changed is delivered."""
    from agents.ledger import LedgerAgent
    from agents.transport.producer import BarrierProducer

    original = LedgerAgent.apply

    def apply(self: Any, event: Any) -> None:
        original(self, event)
        event.ack()
        self._transport.request_commit()

    async def flush(self: Any) -> None:
        return None

    LedgerAgent.apply = apply
    BarrierProducer.flush = flush


def _commit_past_the_first_unacked() -> None:
    """The newest offset that was handed on is committed, whatever of it is acknowledged."""
    from agents.ledger import LedgerAgent
    from agents.transport.inflight import InFlight

    original_apply, original_safe = LedgerAgent.apply, InFlight.safe_offset

    def safe_offset(self: Any, tp: Any) -> int | None:
        queue = self._messages.get(tp)
        return queue[-1].offset + 1 if queue else original_safe(self, tp)

    def apply(self: Any, event: Any) -> None:
        original_apply(self, event)
        self._transport.request_commit()

    InFlight.safe_offset = safe_offset
    LedgerAgent.apply = apply


def _stamp_off_by_one() -> None:
    """The progress record names one offset too many: after a recovery one record is skipped."""
    from streams import books

    original = books.flush_records

    def flush_records(values: Any, progress: Any, *rest: Any) -> Any:
        progress.next_offset += 1
        return original(values, progress, *rest)

    books.flush_records = flush_records


def _stamp_one_short() -> None:
    """The progress record names the last offset that was applied: after a recovery it is applied again."""
    from streams import books

    original = books.flush_records

    def flush_records(values: Any, progress: Any, *rest: Any) -> Any:
        progress.next_offset = max(progress.next_offset - 1, 0)
        return original(values, progress, *rest)

    books.flush_records = flush_records


def _redelivery_not_skipped() -> None:
    """What the state already holds is applied again when it is handed on again."""
    from agents.ledger import LedgerAgent

    original = LedgerAgent.apply

    def apply(self: Any, event: Any) -> None:
        books = self.books.get(event.value.partition)
        if books is not None and books.next_offset is not None:
            books.next_offset = min(books.next_offset, event.value.first_offset)
        original(self, event)

    LedgerAgent.apply = apply


def _progress_before_the_values() -> None:
    """A flush's progress record goes first: half a flush passes for a whole one, customers and scopes torn apart."""
    from streams import books

    original = books.flush_records

    def flush_records(*arguments: Any) -> Any:
        records = original(*arguments)
        return [records[-1], *records[:-1]]

    books.flush_records = flush_records


def _unfinished_flush_counts() -> None:
    """Recovery takes values of a flush that has no progress record."""
    from streams.ledger.changelog import DELETED, ChangelogReader

    def void(self: Any, key: bytes, envelope: Any) -> None:
        if envelope is not None and bytes(envelope.payload) != DELETED:
            self.values[key] = bytes(envelope.payload)

    ChangelogReader._void = void


def _parts_not_rewritten() -> None:
    """A new owner writes only what it changes to `scope-parts`."""
    from streams.books import PartitionBooks

    original = PartitionBooks.restore

    def restore(self: Any, *arguments: Any) -> None:
        original(self, *arguments)
        self._everything = False

    PartitionBooks.restore = restore


def _epoch_not_claimed() -> None:
    """Every owner has the same epoch and claims nothing: what a paused one delivers late counts."""
    from agents.ledger import LedgerAgent
    from streams.ledger.changelog import ChangelogReader

    async def claim(self: Any, partition: int) -> None:
        self._epochs[partition] = 1

    LedgerAgent._claim = claim
    original = ChangelogReader.ended
    ChangelogReader.ended = lambda self: original(self) and None


def _export_after_revocation() -> None:
    """A worker goes on exporting the scopes of partitions that it has lost."""
    from agents.ledger import LedgerAgent

    original = LedgerAgent.owned
    ever: set[int] = set()

    def owned(self: Any) -> set[int]:
        ever.update(original(self))
        return set(ever)

    LedgerAgent.owned = owned


def _dead_letters_after_the_flush() -> None:
    """Dead letters go out with the flush after theirs: a crash between the two loses them."""
    from streams.books import PartitionBooks

    original = PartitionBooks.flush
    withheld: dict[int, list[Any]] = {}

    def flush(self: Any, now: int) -> Any:
        built = original(self, now)
        if built is not None:
            late, withheld[self.partition] = withheld.get(self.partition, []), built.dead_letters
            built.dead_letters = late
        return built

    PartitionBooks.flush = flush


def _movements_after_the_flush() -> None:
    """Movements go out with the flush after theirs: a crash between the two loses them."""
    from streams.books import PartitionBooks
    from streams.ledger.movement_lines import MovementLines

    original = PartitionBooks.flush
    withheld: dict[int, list[Any]] = {}

    def flush(self: Any, now: int) -> Any:
        built = original(self, now)
        if built is not None:
            late, withheld[self.partition] = withheld.get(self.partition, MovementLines()), built.movements
            built.movements = late
        return built

    PartitionBooks.flush = flush


MUTANTS: dict[str, Callable[[], None]] = {
    "commit-before-the-barrier": _commit_before_the_barrier,
    "commit-past-the-first-unacked": _commit_past_the_first_unacked,
    "stamp-off-by-one": _stamp_off_by_one,
    "stamp-one-short": _stamp_one_short,
    "redelivery-not-skipped": _redelivery_not_skipped,
    "progress-before-the-values": _progress_before_the_values,
    "unfinished-flush-counts": _unfinished_flush_counts,
    "parts-not-rewritten": _parts_not_rewritten,
    "epoch-not-claimed": _epoch_not_claimed,
    "export-after-revocation": _export_after_revocation,
    "dead-letters-after-the-flush": _dead_letters_after_the_flush,
    "movements-after-the-flush": _movements_after_the_flush,
}
"""Name to the patch."""


def seed(name: str) -> None:
    """Put the bug into this process. Raises: KeyError for an unknown one."""
    MUTANTS[name]()
