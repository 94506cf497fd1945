"""Records in, facts out: every record of a batch becomes facts, a counted nothing, or a dead letter.

Nothing a record holds can raise out of here, and a bad record does not touch its neighbours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.facts.definitions.model import Definitions
from streams.facts.labels import Labels
from streams.facts.mapping import Mapping
from streams.facts.models import DeadLetter, Fact, Link, RawRecord, RejectReason
from streams.facts.native import SAME_CUSTOMER, NativeFacts, native_of, read_native_quickly
from streams.facts.placement import check_place, partitions_for
from streams.facts.quick import quick_reader
from streams.facts.refusal import Refused, shown
from streams.facts.strict_json import MAX_BYTES, read_exactly, read_quickly
from streams.facts.times import LATEST_EVENT_US

HEARTBEAT = "heartbeat"
"""The name under which heartbeats are counted among the records that gave no fact."""


@dataclass(slots=True)
class AdmittedBatch:
    """What became of the records of one batch.

    records = dead letters + no_fact + unmapped + records_with_facts.

    Attributes:
        records: how many were read.
        facts: in the order of the records; heartbeats too, which move the watermark and count under `no_fact`.
        heartbeats: how many of `facts` are heartbeats.
        dead_letters: in the order of the records.
        no_fact: rule name to the records that it dropped.
        unmapped: records that no rule took.
        records_with_facts: records that gave at least one fact of a customer.
        fact_records: for each of `facts`, which record of the batch gave it.
        links: what records said of ids, each with which record of the batch did; a record that says nothing else
            counts under `no_fact`.
    """

    records: int = 0
    facts: list[Fact] = field(default_factory=list)
    heartbeats: int = 0
    dead_letters: list[DeadLetter] = field(default_factory=list)
    no_fact: dict[str, int] = field(default_factory=dict)
    unmapped: int = 0
    records_with_facts: int = 0
    fact_records: list[int] = field(default_factory=list)
    links: list[tuple[int, Link]] = field(default_factory=list)

    @property
    def outcomes(self) -> dict[str, int]:
        """What became of the records; sums to all of them."""
        return {
            "facts": self.records_with_facts,
            "no_fact": sum(self.no_fact.values()),
            "unmapped": self.unmapped,
            "dead_lettered": len(self.dead_letters),
        }

    @property
    def gave(self) -> int:
        """Facts about customers that the records gave."""
        return len(self.facts) - self.heartbeats

    @property
    def event_times(self) -> list[int]:
        """Of all that was admitted, microseconds."""
        return [fact.at for fact in self.facts]


class Admission:
    """Admits records under one definitions file.

    Args:
        definitions: what the records mean.
        now_us: the wall clock, microseconds, asked once a batch; event times may be ahead of it by `future_skew` of
            the definitions. None: no wall clock, as offline, where only the year 2200 and later is the future.
        partitions: of the topic; a record whose customer belongs to another one is a dead letter. None: no check.
        check_keys: native records need their customer id as key.
        max_bytes: of one record.
        labels: other ones than the definitions', which are told of every word; then nothing is compiled.
        own_topic: the records are those of this topic of the company's own: in its silos' words, or native ones.
    """

    def __init__(
        self,
        definitions: Definitions,
        *,
        now_us: Callable[[], int] | None = None,
        partitions: int | None = None,
        check_keys: bool = False,
        max_bytes: int = MAX_BYTES,
        labels: Labels | None = None,
        own_topic: str | None = None,
    ) -> None:
        self._now_us = now_us
        self._partitions = partitions
        self._check_keys = check_keys
        self._max_bytes = max_bytes
        self._future_skew_us = definitions.future_skew_us
        # What intake has written is native, whatever the definitions say of the silos' records.
        self._native = definitions.native_silo is not None or bool(definitions.own_topics)
        self._only_native = self._native and not definitions.silos
        if own_topic is not None:
            self._native = self._only_native = own_topic in definitions.native_topics
        listening, labels = labels is not None, labels or Labels(definitions)
        self._native_facts = NativeFacts(definitions, labels)
        self._mapping = Mapping(definitions, labels)
        self._quick = None if listening or own_topic is not None else quick_reader(definitions, labels)

    def admit(self, records: Sequence[RawRecord]) -> AdmittedBatch:
        """The facts of these records. Never raises for what a record holds."""
        batch = AdmittedBatch(records=len(records))
        latest = self._latest()
        if self._quick is not None:
            quickly = self._quick.admit(
                self, batch, list(records), latest, self._partitions or 0, self._check_keys, self._max_bytes
            )
            batch.records_with_facts += quickly
            return batch
        placed = self._placed(records)
        for place, record in enumerate(records):
            self._admit_one(record, place, latest, batch, None if placed is None else placed[place])
        return batch

    def admit_slowly(self, record: RawRecord, place: int, latest: int, batch: AdmittedBatch) -> None:
        """Admit one record into the batch: the way that takes any record, and names its fault."""
        placed = self._placed([record])
        self._admit_one(record, place, latest, batch, None if placed is None else placed[0])

    def _admit_one(
        self, record: RawRecord, place: int, latest: int, batch: AdmittedBatch, key_place: int | None
    ) -> None:
        value = record.value
        try:
            typed = None
            if value and len(value) <= self._max_bytes and self._native and (self._only_native or b'"fact"' in value):
                typed = read_native_quickly(value)
            if typed is None:
                self._admit_exactly(record, place, latest, batch, key_place)
                return
            if typed.fact == SAME_CUSTOMER:
                self._admit_link(self._native_facts.link_of(typed, latest), place, batch)
                return
            fact = self._native_facts.fact_of(typed, latest)
            if fact.customer_id:
                if self._check_keys:
                    _check_key(record, fact.customer_id)
                if key_place is not None:
                    check_place(record, fact.customer_id, key_place, self._partitions)
                batch.records_with_facts += 1
            else:
                _count_heartbeat(batch)
            batch.facts.append(fact)
            batch.fact_records.append(place)
        except Refused as refused:
            batch.dead_letters.append(refused.dead_letter(record))

    def rule_of(self, document: dict[str, Any], topic: str = "") -> str | None:
        """The name of the rule that takes a record of a silo; None for a native one, or where none does.

        Raises: Refused.
        """
        if self._only_native or (self._native and "fact" in document):
            return None
        return self._mapping.rule_of(document, topic)

    def _admit_link(self, link: Link, place: int, batch: AdmittedBatch) -> None:
        batch.links.append((place, link))
        batch.no_fact[SAME_CUSTOMER] = batch.no_fact.get(SAME_CUSTOMER, 0) + 1

    def _latest(self) -> int:
        if self._now_us is None:
            return LATEST_EVENT_US
        return min(LATEST_EVENT_US, self._now_us() + self._future_skew_us)

    def _placed(self, records: Sequence[RawRecord]) -> list[int] | None:
        """Where the key of each record belongs; None: not checked."""
        if self._partitions is None:
            return None
        return partitions_for([record.key or b"" for record in records], self._partitions) if records else []

    def _admit_exactly(
        self, record: RawRecord, place: int, latest: int, batch: AdmittedBatch, key_place: int | None
    ) -> None:
        value = record.value
        rule: str | None
        document = read_quickly(value) if value and len(value) <= self._max_bytes else None
        if document is None:
            document = read_exactly(value, self._max_bytes)
        links: list[Link] = []
        if self._only_native or (self._native and "fact" in document):
            typed = native_of(document)
            if typed.fact == SAME_CUSTOMER:
                self._admit_link(self._native_facts.link_of(typed, latest), place, batch)
                return
            facts, rule = [self._native_facts.fact_of(typed, latest)], None
        else:
            mapped = self._mapping.facts_of(document, record, latest)
            if mapped is None:
                batch.unmapped += 1
                return
            facts, rule, links = mapped.facts, mapped.rule, mapped.links
        customers = [fact for fact in facts if fact.customer_id]
        if customers:
            customer_id = customers[0].customer_id
            if self._check_keys and rule is None:
                _check_key(record, customer_id)
            if key_place is not None:
                check_place(record, customer_id, key_place, self._partitions)
            batch.records_with_facts += 1
        else:
            name = SAME_CUSTOMER if links else HEARTBEAT if facts or rule is None else rule
            batch.no_fact[name] = batch.no_fact.get(name, 0) + 1
        batch.links.extend((place, link) for link in links)
        batch.heartbeats += len(facts) - len(customers)
        batch.facts.extend(facts)
        batch.fact_records.extend([place] * len(facts))


def _check_key(record: RawRecord, customer_id: str) -> None:
    if record.key is None or record.key == b"":
        raise Refused(RejectReason.MISSING_KEY, "the record has no key; it must be the customer id")
    if record.key != customer_id.encode():
        name = shown(record.key.decode("utf-8", "replace"))
        raise Refused(RejectReason.KEY_MISMATCH, f"the key is {name}, customer_id is {shown(customer_id)}")


def _count_heartbeat(batch: AdmittedBatch) -> None:
    batch.heartbeats += 1
    batch.no_fact[HEARTBEAT] = batch.no_fact.get(HEARTBEAT, 0) + 1
