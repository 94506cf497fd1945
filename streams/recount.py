"""Counting records from the beginning, without Kafka: for audits, backfills and to check the live figures.

The same ledger, tables and admission as the worker's; keys are placed on partitions as live, so that late facts are
judged alike.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from streams.facts.admission import Admission, AdmittedBatch
from streams.facts.definitions.model import Definitions
from streams.facts.models import Fact, Link, LossKind, RawRecord
from streams.facts.native import SAME_CUSTOMER
from streams.facts.placement import partition_for, partitions_for
from streams.intake.rules import CUSTOMER_EVENTS
from streams.ledger.counts import FactCounts
from streams.ledger.linked import LinkedLedger
from streams.ledger.movements import Change
from streams.ledger.partition import PartitionLedger
from streams.ledger.remembered import NEVER
from streams.ledger.rules import HOUR
from streams.tables.buckets import Retention
from streams.tables.ledger_json import ledger_json
from streams.tables.rows import RowRules
from streams.tables.tables import TableRules, Tables

ROLL_EVERY_US = 6 * HOUR


def table_rules(
    definitions: Definitions, retention: Retention | None = None, counts_from: int | None = None
) -> TableRules:
    """What the definitions fix for the tables."""
    kinds = [LossKind.VOLUNTARY.value, LossKind.PAYMENT.value, LossKind.BEYOND_US.value]
    if definitions.lapse is not None:
        kinds.append(LossKind.LAPSED.value)
    return TableRules(
        zone=definitions.time_zone,
        horizon_us=definitions.horizon_us,
        grouping_us=definitions.grouping_us,
        rows=RowRules(definitions.customers_per_marble, tuple(kinds)),
        retention=retention or Retention(),
        counts_from=counts_from,
    )


class RecordCounts:
    """What became of records: records = dead-lettered + no_fact + unmapped + those that gave facts."""

    def __init__(self) -> None:
        self.records = 0
        self.no_fact: Counter[str] = Counter()
        self.unmapped = 0
        self.dead_lettered: Counter[str] = Counter()

    def count(self, batch: AdmittedBatch) -> None:
        """Add one batch."""
        self.records += batch.records
        self.no_fact.update(batch.no_fact)
        self.unmapped += batch.unmapped
        for letter in batch.dead_letters:
            self.dead_lettered[letter.reason.value] += 1


def accounting(records: RecordCounts, facts: FactCounts) -> dict[str, Any]:
    """The accounting of the ledger's JSON; names that do not occur are absent."""
    told = {
        "records": records.records,
        "no_fact": {name: n for name, n in sorted(records.no_fact.items()) if n},
        "unmapped": records.unmapped,
        "dead_lettered": {name: n for name, n in sorted(records.dead_lettered.items()) if n},
        "facts": facts.facts,
        "applied": facts.applied - facts.pending,
        "ignored": {name: n for name, n in sorted(facts.ignored.items()) if n},
        "pending": facts.pending,
        "beyond_horizon": facts.beyond_horizon,
        "movements": {name: n for name, n in sorted(facts.movements.items()) if n},
        "by_clock": facts.by_clock,
    }
    if facts.links_too_late:
        told["links_too_late"] = facts.links_too_late
    return told


class Recount:
    """The running tables over records in their order of arrival.

    Attributes:
        until: where the clock ends, microseconds; records dated later are left out as if they had not been read.
        after_until: how many were.
        facts_after_until: facts left out of records that also gave facts in time.
        latest: largest event time read, also of those; NEVER before the first.
    """

    def __init__(
        self, definitions: Definitions, *, partitions: int = 1, until: int | None = None, by: str | None = None,
        on_change: Callable[[Change], None] | None = None, now_us: Callable[[], int] | None = None,
    ) -> None:
        """`by` keeps that level of buckets from the beginning; `on_change` is told of every movement.

        `now_us` is the wall clock, microseconds: facts from far in its future are dead letters, as live.
        """
        self.definitions = definitions
        self.until = until
        self.by = by
        self.after_until = 0
        self.facts_after_until = 0
        self.latest = NEVER
        self._on_change = on_change
        self.records = RecordCounts()
        # Levels that the windows or the periods may ask for are kept; the others are let go as the clock goes on.
        kept = Retention(hours_us=None, days_us=None) if by == "hour" else Retention(days_us=None)
        self.tables = Tables(table_rules(definitions, kept))
        self._admission = Admission(definitions, now_us=now_us)
        self._of_topic = {
            topic: Admission(definitions, now_us=now_us, own_topic=topic)
            for topic, feed in definitions.own_topics.items()
            if feed == CUSTOMER_EVENTS
        }
        self._linked = [
            LinkedLedger(PartitionLedger(definitions.ledger_rules()), self._lives_in(here, partitions))
            for here in range(partitions)
        ]
        self._ledgers = [linked.ledger for linked in self._linked]
        self._rolled = NEVER

    def add(self, records: Sequence[RawRecord]) -> AdmittedBatch:
        """Count the next records, all of one topic; what is returned has their dead letters."""
        admission = self._of_topic.get(records[0].topic, self._admission) if records else self._admission
        batch = admission.admit(records)
        self.latest = max(self.latest, max((fact.at for fact in batch.facts), default=NEVER))
        facts = batch.facts
        if self.until is not None:
            self._leave_out_links(batch, self.until)
            facts = self._in_time(batch, self.until)
        self.records.count(batch)
        if batch.links or any(linked.has_links for linked in self._linked):
            self._tell_in_order(facts, batch)
        elif len(self._ledgers) == 1:
            self._ledgers[0].apply(facts)
        else:
            self._spread(facts)
        self._book()
        return batch

    def customer_of(self, customer_id: str) -> str:
        """The customer that a record means which names this id and no silo: links are followed to their end.

        Ids linked in a circle stay apart where it closes.
        """
        passed = {customer_id}
        while (target := self._of(customer_id).customer_of(customer_id)) is not None and target not in passed:
            passed.add(target)
            customer_id = target
        return customer_id

    @property
    def has_links(self) -> bool:
        """Whether any id is linked to another."""
        return any(linked.has_links for linked in self._linked)

    @staticmethod
    def _lives_in(here: int, partitions: int) -> Callable[[str], bool]:
        return lambda customer_id: partition_for(customer_id.encode(), partitions) == here

    def _tell_in_order(self, facts: Sequence[Fact], batch: AdmittedBatch) -> None:
        """Facts and links in the order of their records; what one partition tells another arrives at once."""
        place_of = {id(fact): place for fact, place in zip(batch.facts, batch.fact_records, strict=True)}
        told: list[tuple[int, Fact | Link]] = [(place_of[id(fact)], fact) for fact in facts]
        told += batch.links
        for _, said in sorted(told, key=lambda pair: pair[0]):
            if isinstance(said, Link):
                linked = self._of(said.silo_id)
                linked.link(said, 0)
            elif said.customer_id or len(self._linked) == 1:
                linked = self._of(said.customer_id)
                linked.apply([said], [0])
            else:
                continue
            self._hand_over(linked)

    def _of(self, customer_id: str) -> LinkedLedger:
        return self._linked[partition_for(customer_id.encode(), len(self._linked))]

    def _hand_over(self, linked: LinkedLedger) -> None:
        outgoing, linked.outgoing = linked.outgoing, []
        for _, handover in outgoing:
            other = self._of(handover.customer_id)
            other.take(handover, 0)
            self._hand_over(other)

    def clock(self) -> int | None:
        """`until`, or the largest event time read; None before the first fact."""
        if self.until is not None:
            return self.until
        return None if self.latest == NEVER else self.latest

    def finish(self) -> dict[str, Any]:
        """Let fall due what is due by the clock; the ledger's JSON.

        Without a clock, because no record told a time, `until` is null and there are no windows.
        """
        known = self.clock()
        clock = 0 if known is None else known
        counts = FactCounts()
        for ledger in self._ledgers:
            ledger.advance(clock)
        self._book()
        for ledger in self._ledgers:
            counts.add(ledger.counts)
        found = ledger_json(
            self.tables,
            definitions_name=self.definitions.name,
            definitions_version=self.definitions.version,
            currency=self.definitions.currency,
            until_us=clock,
            accounting=accounting(self.records, counts),
            by=self.by,
        )
        return found if known is not None else found | {"until": None, "windows": {}}

    def _leave_out_links(self, batch: AdmittedBatch, until: int) -> None:
        """Links dated after the end; a record that says nothing else is left out whole."""
        late = {place for place, link in batch.links if link.at > until}
        if not late:
            return
        batch.links = [(place, link) for place, link in batch.links if place not in late]
        alone = late.difference(batch.fact_records)
        self.after_until += len(alone)
        batch.records -= len(alone)
        batch.no_fact[SAME_CUSTOMER] -= len(alone)

    def _in_time(self, batch: AdmittedBatch, until: int) -> list[Fact]:
        """The facts that are in time. A record of which none is, is left out whole."""
        given = list(zip(batch.facts, batch.fact_records, strict=True))
        kept = [(fact, number) for fact, number in given if fact.at <= until]
        if len(kept) == len(batch.facts):
            return batch.facts
        left_out = set(batch.fact_records) - {number for _, number in kept}
        beats = left_out - {number for fact, number in given if fact.customer_id}
        self.after_until += len(left_out)
        self.facts_after_until += sum(fact.at > until and number not in left_out for fact, number in given)
        batch.records -= len(left_out)
        batch.records_with_facts -= len(left_out - beats)
        if beats:
            batch.no_fact["heartbeat"] -= len(beats)
        return [fact for fact, _ in kept]

    def _spread(self, facts: Sequence[Fact]) -> None:
        # A heartbeat touches no customer, and which partition it came from a file does not tell.
        of_customers = [fact for fact in facts if fact.customer_id]
        if not of_customers:
            return
        shares: list[list[Fact]] = [[] for _ in self._ledgers]
        places = partitions_for([fact.customer_id.encode() for fact in of_customers], len(shares))
        for fact, place in zip(of_customers, places, strict=True):
            shares[place].append(fact)
        for ledger, share in zip(self._ledgers, shares, strict=True):
            ledger.apply(share)

    def _book(self) -> None:
        tables, on_change = self.tables, self._on_change
        for ledger in self._ledgers:
            for change in ledger.changes:
                tables.add_movement(change.movement, change.sign)
            if on_change is not None:
                for change in ledger.changes:
                    on_change(change)
            ledger.changes.clear()
            ledger.dirty.clear()
        clock = min(ledger.watermark for ledger in self._ledgers)
        if clock > self._rolled + ROLL_EVERY_US:
            self._rolled = clock
            tables.forget(clock)


def add_accounting(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The accounting of several partitions together."""
    total: dict[str, Any] = accounting(RecordCounts(), FactCounts())
    for part in parts:
        for name, count in part.items():
            if isinstance(count, int):
                total[name] = total.get(name, 0) + count
            else:
                total[name] = dict(sorted((Counter(total[name]) + Counter(count)).items()))
    return total
