"""The books of one source partition: its ledger and its tables, and all that is written of them.

Records go in by batches; a flush gives what changed since the last one. The next offset, the watermark and the clock
go with every flush, so that whoever restores it goes on at the very record after it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from streams.facts.admission import Admission, AdmittedBatch
from streams.facts.definitions.model import Definitions
from streams.facts.models import DeadLetter, Link, RawRecord
from streams.facts.open_words import OpenWords
from streams.facts.placement import partition_for
from streams.intake.origins import Origins, agreement_of, ledger_agreement_of
from streams.ledger import movement_lines
from streams.ledger.carried import begin_with
from streams.ledger.changelog import ChangelogReader, Ended, Progress, Record, Value, flush_records
from streams.ledger.customer import CustomerState
from streams.ledger.handover_records import HandoverRecord, handover_records, handovers_among
from streams.ledger.linked import Handover, LinkedLedger
from streams.ledger.movement_lines import MovementLines
from streams.ledger.movements import Ignored
from streams.ledger.packing import CUSTOMER, MORE, pack_counts, unpack_counts
from streams.ledger.partition import PartitionLedger
from streams.ledger.plain import Teller
from streams.ledger.remembered import NEVER
from streams.ledger.saving import UnsavedCustomers, customer_in
from streams.recount import RecordCounts, accounting
from streams.tables.part_records import OwnPart, progress_record
from streams.tables.part_records import Progress as PartProgress
from streams.tables.parts import PartitionTables
from streams.tables.tables import TableRules
from streams.tables.watermark import ClockRules, PartitionWatermark

BUCKET = b"b"
WORDS_KEY = b"words"
ORIGINS_KEY = b"origins"
ALIAS = b"a"


@dataclass(slots=True)
class Flush:
    """What one flush writes, in the order in which it must be delivered within each topic.

    What no later flush writes again, movements, dead letters and handovers to other partitions, must be delivered
    before the changelog is sent: once that is whole, the records they come from are never applied again. `ended`: in
    the first flush of an epoch, the last whole one of the epoch before.
    """

    changelog: list[Record]
    parts: list[Record]
    movements: MovementLines
    dead_letters: list[DeadLetter]
    epoch: int
    number: int
    ended: Ended | None
    next_offset: int  # the first record of the source partition that is not in it
    decoded: dict[bytes, OwnPart]  # some of `parts`, for whoever need not decode them
    handovers: list[HandoverRecord] = field(default_factory=list)
    linked: tuple[str, ...] = ()  # ids of which another link is known; in an epoch's first flush all


_encode = msgspec.msgpack.Encoder().encode
_decode_records = msgspec.msgpack.Decoder(list[Record]).decode


@dataclass(slots=True)
class _Unwritten:
    movements: MovementLines = field(default_factory=MovementLines)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    handovers: list[tuple[int, Handover]] = field(default_factory=list)
    anything: bool = False


class PartitionBooks:
    """State of one source partition.

    Attributes:
        next_offset: the first record that has not been applied; None: nothing has been, and no state was restored.
        ledger: customers and their movements.
        watermark: what the partition's reading tells of time.
    """

    def __init__(
        self, partition: int, partitions: int, definitions: Definitions, admission: Admission,
        table_rules: TableRules, clock_rules: ClockRules, edition: str = "",
    ) -> None:
        self.partition = partition
        self.partitions = partitions
        self.definitions = definitions
        self.next_offset: int | None = None
        self.records = RecordCounts()
        self._words = OpenWords()
        self._words_saved = False
        named = definitions.name, definitions.version
        self._agreement = ledger_agreement_of(*named, edition)
        self._origins = Origins(self._agreement, agreement_of(*named))
        self._origins_saved = False
        self.ledger = PartitionLedger(definitions.ledger_rules())
        self._customers = UnsavedCustomers(self.ledger)
        self._linked = LinkedLedger(self.ledger, self._lives_here)
        self._aliases_saved: set[str] = set()
        self.watermark = PartitionWatermark(clock_rules)
        self.epoch = 0
        self._clock_rules = clock_rules
        self._admission = admission
        self._counts_from = table_rules.counts_from
        self._tables = PartitionTables(partition, table_rules)
        self._unwritten = _Unwritten()
        self._written: set[bytes] = set()
        self._rewrite: set[bytes] = set()
        self._told: PartProgress | None = None
        self._everything = True
        self._flushes = 0
        self._ended: Ended | None = None
        self._buried: list[bytes] = []

    def apply(self, records: Sequence[RawRecord], next_offset: int) -> AdmittedBatch:
        """Apply the next records of the partition; `next_offset` is the offset after the last of them."""
        told, handovers = handovers_among(self._origins.fresh(records))
        batch = self._admission.admit(told)
        self.records.count(batch)
        if self._counts_from is not None:
            self._leave_out_older(batch, self._counts_from)
        if batch.dead_letters:
            self._unwritten.dead_letters.extend(batch.dead_letters)
        if batch.facts or batch.links or handovers:
            ledger = self.ledger
            before = ledger.watermark
            self._words.fold(batch.facts)
            if batch.links or handovers or self._linked.has_links:
                self._apply_linked(told, batch, handovers)
            else:
                ledger.apply(batch.facts, self._teller())
            if ledger.watermark > before:
                appended = records[-1].timestamp_ms
                self.watermark.admit(ledger.watermark, None if appended is None else appended * 1000)
            self._book()
        self.watermark.read()
        self.next_offset = next_offset
        self._unwritten.anything = True
        return batch

    def _lives_here(self, customer_id: str) -> bool:
        return partition_for(customer_id.encode(), self.partitions) == self.partition

    def _apply_linked(
        self, told: Sequence[RawRecord], batch: AdmittedBatch, handovers: Sequence[tuple[int, Handover]]
    ) -> None:
        """Facts, links and what other partitions told, in the order of their records."""
        linked = self._linked
        offsets = [told[place].offset for place in batch.fact_records]
        others: list[tuple[int, Link | Handover]] = [(told[place].offset, link) for place, link in batch.links]
        others += handovers
        done = 0
        for offset, other in sorted(others, key=lambda pair: pair[0]):
            # A record that gives both tells its facts first.
            upto = bisect_right(offsets, offset, done)
            linked.apply(batch.facts[done:upto], offsets[done:upto])
            done = upto
            if isinstance(other, Link):
                linked.link(other, offset)
            else:
                linked.take(other, offset)
        linked.apply(batch.facts[done:], offsets[done:])
        outgoing, linked.outgoing = linked.outgoing, []
        self._unwritten.handovers.extend(outgoing)

    def begin(self, states: Iterable[tuple[str, CustomerState]], at: int) -> None:
        """Begin at an instant with customers whom another count had; for fresh books only."""
        for customer_id, state in states:
            begin_with(self.ledger, customer_id, state, at)
        self._book()
        self.watermark.admit(at, None)
        self._unwritten.anything = True

    def _leave_out_older(self, batch: AdmittedBatch, counts_from: int) -> None:
        """Facts from before the count began belong to the one before: they are superseded."""
        kept = [at for at, fact in enumerate(batch.facts) if fact.at > counts_from]
        if len(kept) == len(batch.facts):
            return
        of_customers = sum(1 for fact in batch.facts if fact.customer_id and fact.at <= counts_from)
        self.ledger.counts.facts += of_customers
        for _ in range(of_customers):
            self.ledger.counts.count_outcome(Ignored.SUPERSEDED)
        batch.facts = [batch.facts[at] for at in kept]
        batch.fact_records = [batch.fact_records[at] for at in kept]

    def hand_over(self) -> list[Handover]:
        """What is to be told to other partitions; whoever takes it tells them, and no flush writes it."""
        handovers = [handover for _, handover in self._unwritten.handovers]
        self._unwritten.handovers.clear()
        return handovers

    def take(self, handovers: Iterable[Handover]) -> None:
        """What other partitions handed over, out of `hand_over`."""
        for handover in handovers:
            self._linked.take(handover, 0)
        outgoing, self._linked.outgoing = self._linked.outgoing, []
        self._unwritten.handovers.extend(outgoing)
        self._book()

    def adopt_origins(self, packed: bytes) -> None:
        """Pass over what comes of these places (`Origins.pack`); it was applied without its headers."""
        self._origins.restore(packed)
        self._origins.changed = True

    def advance(self, clock: int | None) -> None:
        """Let fall due what is due by the clock of the tables, or by the partition's own watermark."""
        due = max(self.ledger.watermark, NEVER if clock is None else clock)
        if due > self.ledger.clock and due > NEVER:
            self.ledger.advance(due)
            self._book()
        self._linked.forget()
        if clock is not None:
            self._tables.roll_up(clock)

    def accounting(self) -> dict[str, Any]:
        """What became of this partition's records and facts."""
        return accounting(self.records, self.ledger.counts)

    def pack_ahead(self, customers: int) -> Iterator[None]:
        """Do a part of what the next flush has to do, so many customers at a time; anything may happen in between.

        A flush does the rest, whatever that is by then.
        """
        return self._customers.pack_ahead(customers)

    def flush(self, now: int) -> Flush | None:
        """What changed since the last flush; None when there is nothing to write. `now`: wall clock."""
        state = self.watermark.state(now)
        progress = PartProgress(
            self.next_offset or 0, state.largest, state.idle, state.fresh, self.definitions.version,
            self.accounting(), self.epoch, self.definitions.name, state.end,
        )  # fmt: skip
        linked = tuple(sorted(self._linked.aliases if self._everything else self._linked.changed))
        parts = self._part_records()
        told = self._unwritten.anything or parts or linked or self._rewrite or self._customers
        if not told and progress == self._told:
            return None
        self._told = progress
        parts.append(progress_record(self.partition, progress))
        unwritten, self._unwritten = self._unwritten, _Unwritten()
        ended = self._ended
        changelog = self._changelog_records(parts[:-1], state.fresh)
        return Flush(
            changelog, parts, unwritten.movements, unwritten.dead_letters, self.epoch, self._flushes, ended,
            progress.next_offset, self._tables.take_decoded(),
            handover_records(unwritten.handovers, self._agreement, self.partition), linked,
        )  # fmt: skip

    @property
    def has_unwritten(self) -> bool:
        """Whether records or movements wait for the next flush."""
        return self._unwritten.anything

    @property
    def has_links(self) -> bool:
        """Whether any id of this partition is linked."""
        return self._linked.has_links

    def linked_to(self, customer_id: str) -> str | None:
        """The customer whose alias this id is; None: it is none's."""
        return self._linked.customer_of(customer_id)

    def restore(self, reader: ChangelogReader, epoch: int) -> None:
        """Take over what the changelog holds; for fresh books only.

        Raises:
            msgspec.MsgspecError, ValueError: a value was written by another version of this program.
        """
        self.epoch = self._tables.epoch = epoch
        self._ended = reader.ended()
        saved = reader.progress
        if saved is None:
            return
        counts, of_records = unpack_counts(saved.counts)
        self.records.records, self.records.unmapped = of_records["records"], of_records["unmapped"]
        self.records.no_fact.update(of_records["no_fact"])
        self.records.dead_lettered.update(of_records["dead_lettered"])
        if WORDS_KEY in reader.values:
            self._words.restore(reader.values[WORDS_KEY])
            self._words_saved = True
        # A void value may hide the good one from compaction.
        self._words.changed = WORDS_KEY in reader.rewrite
        if ORIGINS_KEY in reader.values:
            self._origins.restore(reader.values[ORIGINS_KEY])
            self._origins_saved = True
        self._origins.changed = ORIGINS_KEY in reader.rewrite
        for key in [key for key in reader.values if key[:1] == ALIAS]:
            alias_id = key[1:].decode()
            self._linked.restore(alias_id, reader.values.pop(key))
            self._aliases_saved.add(alias_id)
        self.ledger.restore(saved.watermark, saved.clock, counts, reader.values)
        packed = _encode([(key[1:], value) for key, value in reader.values.items() if key[:1] == BUCKET])
        # What stays of all that was read would hold on to the room of the rest; as new objects these lie together.
        reader.values.clear()
        buckets = _decode_records(packed)
        self._tables.restore(buckets)
        self._written = {key for key, _ in buckets}
        self._rewrite = set(reader.rewrite)
        self.next_offset = saved.next_offset
        if saved.watermark > NEVER:
            self.watermark = PartitionWatermark(self._clock_rules, saved.watermark, saved.fresh)

    def rewrite(self, keys: Iterable[bytes]) -> list[bytes]:
        """Write these keys of the changelog again with the next flush: an owner before has written over them.

        Void as that is, compaction would keep it, and not the value that it hides. Gives the keys that have none.
        """
        dead = []
        for key in keys:
            if key[:1] == BUCKET:
                self.rewrite_parts([key[1:]])
            elif key == WORDS_KEY:
                self._words.changed = True
            elif key == ORIGINS_KEY:
                self._origins.changed = True
            elif key[:1] == ALIAS:
                if self._linked.knows(key[1:].decode()):
                    self._linked.changed.add(key[1:].decode())
                else:
                    dead.append(key)
            elif key[:1] in (CUSTOMER, MORE):
                if self._knows(customer_in(key)):
                    self._rewrite.add(key)
                else:
                    dead.append(key)
        return dead

    def rewrite_parts(self, keys: Iterable[bytes]) -> None:
        """Write these records of `scope-parts` again with the next flush."""
        for key in keys:
            with suppress(msgspec.MsgspecError):
                self._tables.rewrite(key)

    def _knows(self, customer_id: str) -> bool:
        if customer_id in self.ledger.customers:
            return True
        try:
            self.ledger.resting.payload(customer_id)
        except KeyError:
            return False
        return True

    def _teller(self) -> Teller | None:
        booking, lines = self._tables.booking, self._unwritten.movements
        if booking is None or not movement_lines.is_compiled:
            return None
        return booking, self._tables.booked_from, lines.take, lines.customers, lines.room, self._book_now

    def _book_now(self) -> int:
        self._book()
        return self._unwritten.movements.room

    def _book(self) -> None:
        changes = self.ledger.changes
        if changes:
            self._tables.book(changes)
            self._unwritten.movements.add(changes)
            self._unwritten.anything = True
            changes.clear()

    def _part_records(self) -> list[Record]:
        stamp = self.next_offset or 0, self.ledger.clock
        if self._everything:
            self._everything = False
            return self._tables.everything(*stamp)
        return self._tables.changed(*stamp)

    def _changelog_records(self, parts: list[Record], fresh: bool) -> list[Record]:
        buried, self._buried = self._buried, []
        values: list[Value] = []
        written = self._written
        for key, payload in parts:
            values.append(Value(BUCKET + key, payload, key in written))
            if payload is None:
                written.discard(key)
                self._buried.append(BUCKET + key)
            else:
                written.add(key)
        if self._words.changed:
            values.append(Value(WORDS_KEY, self._words.pack(), self._words_saved))
            self._words.changed, self._words_saved = False, True
        if self._origins.changed:
            values.append(Value(ORIGINS_KEY, self._origins.pack(), self._origins_saved))
            self._origins_saved = True
        self._linked.changed.update(
            key[1:].decode() for key in self._rewrite if key[:1] == ALIAS and self._linked.knows(key[1:].decode())
        )
        for alias_id in sorted(self._linked.changed):
            key = ALIAS + alias_id.encode()
            values.append(Value(key, self._linked.pack(alias_id), alias_id in self._aliases_saved))
            self._aliases_saved.add(alias_id)
        self._linked.changed.clear()
        self._customers.write_again(self._rewrite)
        self._rewrite = set()
        of_customers, deleted = self._customers.take()
        values += of_customers
        self._buried += deleted
        ledger = self.ledger
        counts = pack_counts(
            ledger.counts,
            {
                "records": self.records.records,
                "unmapped": self.records.unmapped,
                "no_fact": dict(self.records.no_fact),
                "dead_lettered": dict(self.records.dead_lettered),
            },
        )
        definitions = (self.definitions.name, self.definitions.version)
        self._flushes += 1
        progress = Progress(
            self.epoch, self._flushes, self.next_offset or 0, ledger.watermark, ledger.clock, self.partitions,
            definitions, counts, fresh,
        )  # fmt: skip
        ended, self._ended = self._ended, None
        return flush_records(values, progress, ended, buried)
