"""One source partition whose owners crash: what is delivered, what is cut off, what arrives too late.

The logs are lists. A flush goes out as two lists of records, one to the changelog and one to `scope-parts`; a crash
cuts each of them anywhere. What was cut off is gone, or a paused owner delivers it while the next one is writing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from streams.books import Flush, PartitionBooks
from streams.facts.admission import Admission
from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.ledger.changelog import ChangelogReader, burials, claim
from streams.tables.merge import CompanyTables
from streams.tables.part_records import is_progress
from streams.tables.parts_in_force import PartsInForce
from streams.tables.tables import TableRules
from streams.tables.watermark import ClockRules

Record = tuple[bytes, bytes | None]
MINUTE = 60_000_000


@dataclass
class Log:
    """One partition of a compacted topic; what a paused owner still has to send comes `late`, in its own order."""

    records: list[Record] = field(default_factory=list)
    late: list[Record] = field(default_factory=list)
    patience: int = 0
    safe: int = 0
    """Records before this one may be compacted: whatever stood void there has been written again."""
    unnoticed: list[bytes] = field(default_factory=list)
    """Keys that came late, and that the owner of today has not been told of."""

    def append(self, records: Sequence[Record]) -> None:
        """Deliver records; the late ones come in between as soon as so many others have passed them."""
        for record in records:
            self._let_in()
            self.records.append(record)
            self.patience -= 1

    def settle(self) -> None:
        """Whatever is late is delivered now."""
        self.patience = 0
        self._let_in()

    def _let_in(self) -> None:
        if self.late and self.patience <= 0:
            self.records += self.late
            self.unnoticed += [key for key, _ in self.late]
            self.late = []

    def notice(self) -> list[bytes]:
        """What came late since the owner last looked: it tells by offsets that are not its own."""
        keys, self.unnoticed = self.unnoticed, []
        return keys

    def all_is_delivered(self) -> None:
        """A flush was whole, with all that was to be written again; what came in between it does not answer."""
        if not self.unnoticed:
            self.safe = len(self.records)

    def postpone(self, records: Sequence[Record], patience: int) -> None:
        """The rest of a flush that a paused owner will deliver after so many records of the next one."""
        self.settle()
        self.late, self.patience = list(records), patience

    def compact(self, share: float) -> None:
        """Of each key only the last record stays, in a first part of what is safe. Claims have keys of their own."""
        upto = int(self.safe * share)
        last = {key: place for place, (key, _) in enumerate(self.records[:upto])}
        kept = [record for place, record in enumerate(self.records[:upto]) if last[record[0]] == place]
        self.records[:upto] = kept
        self.safe -= upto - len(kept)


class CrashingOwner:
    """The owner of one partition, its logs and its topic; steps are called in any order, then `end`."""

    def __init__(
        self, topic: Sequence[RawRecord], definitions: Definitions, table_rules: TableRules,
    ) -> None:
        self.topic = topic
        self.definitions = definitions
        self.table_rules = table_rules
        self.changelog = Log()
        self.parts = Log()
        self.committed = 0
        self.clock = 0
        self.farthest = 0
        """To which instant any owner has let dues fall: what a crash leaves may stand there already."""
        self.shown: list[tuple[int, int, int]] = []
        """After each whole flush: records of `scope-parts` so far, next offset, clock of the partition."""
        self._epoch = 0
        self._now = 0
        self._take_over()

    # Steps

    def read(self, count: int) -> None:
        """Apply the next records, delivered again from the committed offset where they were."""
        stop = min(self._position + count, len(self.topic))
        books = self.books
        assert books.next_offset is None or books.next_offset >= self._follows, "a hole"
        records = [
            record for record in self.topic[self._position : stop]
            if books.next_offset is None or record.offset >= books.next_offset
        ]
        if records:
            books.apply(records, stop)
        self._position = self._follows = stop

    def advance(self, minutes: int) -> None:
        """The clock of the tables goes on."""
        self.clock += minutes * MINUTE
        self.farthest = max(self.farthest, self.clock)
        self.books.advance(self.clock)

    def sweep(self, most: int) -> None:
        """The clock ticks: some customers are settled and put to rest."""
        self.books.ledger.sweep(most)

    def pack_ahead(self, steps: int) -> None:
        """A flush begins: some customers are packed, and what comes before it is whole is another step."""
        if self._packing is None:
            self._packing = self.books.pack_ahead(1)
        for _ in range(steps):
            if next(self._packing, self) is self:
                self._packing = None
                return

    def flush(self, commit: bool) -> None:
        """Everything delivered; the commit may still be lost."""
        flush = self._flush()
        if flush is None:
            return
        self.changelog.append(flush.changelog)
        self.parts.append(flush.parts)
        self._delivered()
        ledger = self.books.ledger
        if self.books.next_offset and ledger.clock >= ledger.watermark:
            self.shown.append((len(self.parts.records), self.books.next_offset, ledger.clock))
        if commit:
            self.committed = self._position

    def crash(self, changelog: float, parts: float, late: tuple[int | None, int | None], back: int) -> None:
        """Die while a flush goes out: shares of it that arrive, and after how many records of the next owner the rest
        does (None: never). The next owner may know less of the clock, by `back` minutes."""
        flush = self._flush()
        if flush is not None:
            for log, records, share, patience in (
                (self.changelog, flush.changelog, changelog, late[0]),
                (self.parts, flush.parts, parts, late[1]),
            ):
                arrived = round(share * len(records))
                log.append(records[:arrived])
                if patience is not None and records[arrived:]:
                    log.postpone(records[arrived:], patience)
        self.clock = max(0, self.clock - back * MINUTE)
        self._take_over()

    def compact(self, share: float) -> None:
        """Log compaction of both logs."""
        self.changelog.compact(share)
        self.parts.compact(share)

    def end(self, clock: int) -> None:
        """Read to the end, and let fall due what is due by then."""
        self.read(len(self.topic))
        self.clock = max(self.clock, clock)
        self.books.advance(self.clock)
        self.flush(commit=True)
        self.changelog.settle()
        self.parts.settle()

    # What a fresh reader of the logs finds

    def company(self, count: int | None = None) -> CompanyTables:
        """The tables of the company, read from the beginning, or as they were after so many records.

        The first two thirds lay there when reading began.
        """
        company = CompanyTables(self.table_rules)
        in_force = PartsInForce(company.tables.calendar)
        take: Callable[[bytes, bytes | None], object] = in_force.take
        records = self.parts.records[:count]
        waiting: list[Record] = []
        for place, record in enumerate(records):
            if place == len(records) * 2 // 3:
                for key, value in in_force.give():
                    company.apply(key, value)
                take = company.apply
            waiting.append(record)
            if is_progress(record[0]):
                for key, value in waiting:
                    take(key, value)
                waiting.clear()
        return company

    def take_over(self) -> None:
        """Another owner takes over, without a crash in the middle of a flush."""
        self._take_over()

    def _take_over(self) -> None:
        self._epoch += 1
        self.changelog.append([claim(self._epoch)])
        reader = ChangelogReader()
        reader.feed(self.changelog.records)
        reader.finish()
        self.books = PartitionBooks(
            0, 1, self.definitions, Admission(self.definitions), self.table_rules, ClockRules(),
        )
        self.books.restore(reader, self._epoch)
        self._packing: Iterator[None] | None = None
        self._position = self._follows = self.committed
        # Read, or void by the epoch: of the parts everything is written anew.
        self.changelog.notice()
        self.parts.notice()
        self.changelog.append(burials(reader.dead))

    def _flush(self) -> Flush | None:
        self._now += 1
        self._packing = None
        self.changelog.append(burials(self.books.rewrite(self.changelog.notice())))
        self.books.rewrite_parts(self.parts.notice())
        return self.books.flush(self._now)

    def _delivered(self) -> None:
        self.changelog.all_is_delivered()
        self.parts.all_is_delivered()

