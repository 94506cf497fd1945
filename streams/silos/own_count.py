"""Each silo's own count of customers, and the way from there to the company's, one cause at a time.

A silo's own count is what its records say by themselves: its own rules, every record that names a customer, nobody
else's word. From there the company's way is taken up step by step, each step counted by the ledger itself, so that
what a step changes is what its cause explains. Beside the last step stand two counts made apart from each other, the
silo's alone and the company's; their differences are told movement by movement.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from itertools import pairwise

from streams.facts.admission import Admission, AdmittedBatch
from streams.facts.definitions.model import Definitions, OwnCount, Silo
from streams.facts.models import DeadLetter, Fact, FactKind, RawRecord
from streams.facts.times import LATEST_EVENT_US
from streams.ledger.partition import PartitionLedger
from streams.ledger.remembered import NEVER
from streams.ledger.rules import LedgerRules
from streams.silos.refused_words import RefusedWords
from streams.silos.sums import Count, Sums, difference, plus

REJECTED = "rejected"
OTHER_RULE = "other_rule"
NOT_YET_DUE = "not_yet_due"
SEEN_ELSEWHERE = "seen_elsewhere"
TOLD_ELSEWHERE = "told_elsewhere"
NOT_HERE = "not_here"
LINKED = "linked"

FactsAt = list[tuple[int, Fact]]
"""Facts, each with the place of its record in the batch."""

Beat = tuple[int, int, int]
"""Place of a record in the batch, its partition, and the time that it moved the partition's watermark to."""


class _Stage:
    """A silo's facts counted in one way, by the ledger."""

    def __init__(self, cause: str, detail: str | None, rules: LedgerRules, partitions: int, watermarks: list[int]):
        self.cause = cause
        self.detail = detail
        self.count = Count()
        self._ledgers = [PartitionLedger(rules) for _ in range(partitions)]
        for ledger, watermark in zip(self._ledgers, watermarks, strict=True):
            _reach(ledger, watermark)

    def apply(self, place: int, facts: Sequence[Fact]) -> None:
        """Facts and heartbeats of one partition, in their order of arrival."""
        self._ledgers[place].apply([_unmarked(fact) for fact in facts])
        self._book()

    def advance(self, clock: int) -> None:
        """Let fall due what is due by the clock."""
        for ledger in self._ledgers:
            ledger.advance(clock)
        self._book()

    def _book(self) -> None:
        for ledger in self._ledgers:
            for change in ledger.changes:
                self.count.note(change)
            ledger.changes.clear()
            ledger.dirty.clear()


def _reach(ledger: PartitionLedger, watermark: int) -> None:
    if watermark != NEVER:
        ledger.apply([_heartbeat(watermark)])


def _heartbeat(at: int) -> Fact:
    return Fact(FactKind.HEARTBEAT.value, at, "", "", "")


def _unmarked(fact: Fact) -> Fact:
    copied = copy(fact)
    copied.mark = ""
    return copied


def _at_once(fact: Fact) -> Fact:
    """The fact to a silo that counts a departure when it is announced: taking it back is joining again."""
    if fact.kind == FactKind.LEAVING:
        fact = copy(fact)
        fact.kind, fact.effective_at = FactKind.LEFT.value, None
    elif fact.kind == FactKind.STAYING:
        fact = copy(fact)
        fact.kind = FactKind.JOINED.value
    return fact


class Apart:
    """The company's count if nobody had linked one id to another: what links change is a cause of its own."""

    def __init__(self, rules: LedgerRules, partitions: int) -> None:
        self._stage = _Stage(LINKED, None, rules, partitions, [NEVER] * partitions)
        self._stage.count = Count(by_customer=True)

    @property
    def count(self) -> Count:
        """Movements of each id as records name it."""
        return self._stage.count

    def apply(self, facts: FactsAt, beats: list[Beat], place_of: Callable[[str], int]) -> None:
        """Count the facts of all silos in a batch."""
        for place, share in _by_place(facts, beats, place_of).items():
            self._stage.apply(place, share)

    def advance(self, clock: int) -> None:
        """Let fall due what is due by the clock."""
        self._stage.advance(clock)


class SiloCount:
    """The stages of one silo, from its own count to what the company's rules make of its records alone."""

    def __init__(self, name: str, definitions: Definitions, watermarks: list[int], now_us: Callable[[], int] | None):
        silo = definitions.silos.get(name)
        own = OwnCount() if silo is None else silo.own_count
        partitions, rules = len(watermarks), definitions.ledger_rules()
        self.name = name
        self.rejected: Counter[str] = Counter()
        self.known: set[str] = set()
        self._own_words = None if silo is None else _own_words(definitions, silo, now_us)
        self._at_once = own.leaving_at_once

        def stage(cause: str, detail: str | None, rules: LedgerRules) -> _Stage:
            return _Stage(cause, detail, rules, partitions, watermarks)

        own_rules = replace(rules, lapse=own.lapse, grouping_us=own.grouping_us)
        self._own = stage("", None, own_rules)
        self._admitted = stage(REJECTED, None, own_rules)
        self._mapped = [stage(OTHER_RULE, "rules", own_rules)] if self._own_words is not None else []
        if own.lapse != rules.lapse:
            own_rules = replace(own_rules, lapse=rules.lapse)
            self._mapped.append(stage(OTHER_RULE, "lapse", own_rules))
        if own.grouping_us != rules.grouping_us:
            self._mapped.append(stage(OTHER_RULE, "grouping window", rules))
        self._alone = [stage(NOT_YET_DUE, None, rules)] if self._at_once else []
        self._last = self.stages[-1]
        self._last.count = Count(by_customer=True)

    @property
    def stages(self) -> list[_Stage]:
        """All of them, each nearer to the company's way by one cause."""
        return [self._own, self._admitted, *self._mapped, *self._alone]

    @property
    def own(self) -> Sums:
        """What the silo counts by itself."""
        return self._own.count.sums

    @property
    def alone(self) -> Count:
        """What the company would count if there were no other silo."""
        return self._last.count

    def apply(
        self, records: Sequence[RawRecord], facts: FactsAt, refused: FactsAt, beats: list[Beat],
        place_of: Callable[[str], int],
    ) -> None:
        """Count a batch: the silo's facts by the company's rules, what refused records said, the time of all."""
        self.known.update(fact.customer_id for _, fact in (*facts, *refused))
        own = facts
        if self._own_words is not None:
            own, refused = self._own_words(records)
        if self._at_once:
            own = [(number, _at_once(fact)) for number, fact in own]
            mapped = [(number, _at_once(fact)) for number, fact in facts]
            refused = [(number, _at_once(fact)) for number, fact in refused]
        else:
            mapped = facts
        for stages, counted in (
            ([self._own], [*own, *refused]), ([self._admitted], own), (self._mapped, mapped), (self._alone, facts),
        ):  # fmt: skip
            if not stages:
                continue
            for place, share in _by_place(counted, beats, place_of).items():
                for one in stages:
                    one.apply(place, share)

    def advance(self, clock: int) -> None:
        """Let fall due what is due by the clock."""
        for stage in self.stages:
            stage.advance(clock)

    def causes(self, company: Count) -> Iterator[tuple[str, str | None, Sums]]:
        """Cause, its detail and what it adds to the measures, from the silo's own count to the company's."""
        for before, after in pairwise(self.stages):
            yield after.cause, after.detail, difference(after.count.sums, before.count.sums)
        alone, whole = self.alone.customers, company.customers
        assert alone is not None
        assert whole is not None
        sums: dict[str, Sums] = {SEEN_ELSEWHERE: {}, TOLD_ELSEWHERE: {}, NOT_HERE: {}}
        for customer_id in alone.keys() | whole.keys():
            mine, theirs = alone.get(customer_id, {}), whole.get(customer_id, {})
            is_known = customer_id in self.known
            for key in mine.keys() | theirs.keys():
                change = plus(theirs.get(key, (0, 0)), mine.get(key, (0, 0)), -1)
                if change == (0, 0):
                    continue
                cause = SEEN_ELSEWHERE if key not in theirs else TOLD_ELSEWHERE if is_known else NOT_HERE
                sums[cause][key[0]] = plus(sums[cause].get(key[0], (0, 0)), change)
        for cause, found in sums.items():
            yield cause, None, found


Words = Callable[[Sequence[RawRecord]], tuple[FactsAt, FactsAt]]


def _own_words(definitions: Definitions, silo: Silo, now_us: Callable[[], int] | None) -> Words | None:
    """What a silo's records mean by rules of its own: facts, and what refused records said; None: it has none."""
    if silo.own_count.rules is None:
        return None
    of_others = {name: replace(other, rules=()) for name, other in definitions.silos.items()}
    own = replace(definitions, silos=of_others | {silo.name: replace(silo, rules=silo.own_count.rules)})
    admission, refusals = Admission(own, now_us=now_us), Refusals(own, now_us)

    def read(records: Sequence[RawRecord]) -> tuple[FactsAt, FactsAt]:
        batch = admission.admit(records)
        facts = [
            (number, fact)
            for number, fact in zip(batch.fact_records, batch.facts, strict=True)
            if fact.silo == silo.name and fact.customer_id
        ]
        return facts, [(number, fact) for number, fact in refusals.of(batch, records) if fact.silo == silo.name]

    return read


class Refusals:
    """What the refused records of a batch said, as far as they can be read."""

    def __init__(self, definitions: Definitions, now_us: Callable[[], int] | None) -> None:
        self._words = RefusedWords(definitions)
        self._skew_us = definitions.future_skew_us
        self._now_us = now_us
        self._reached = 0

    def silo_of(self, letter: DeadLetter) -> str | None:
        """Whose record it was; None: it names no customer that could be read."""
        facts = self._words.facts_of(letter, LATEST_EVENT_US, self._reached)
        return facts[0].silo if facts else None

    def of(self, batch: AdmittedBatch, records: Sequence[RawRecord]) -> FactsAt:
        """What they said, each fact with the place of its record in the batch."""
        reached = max([self._reached, *(fact.at for fact in batch.facts)])
        self._reached = reached
        if not batch.dead_letters:
            return []
        latest = LATEST_EVENT_US if self._now_us is None else min(LATEST_EVENT_US, self._now_us() + self._skew_us)
        return [
            (number, fact)
            for number, letter in numbered_letters(batch, records)
            for fact in self._words.facts_of(letter, latest, reached)
        ]


def numbered_letters(batch: AdmittedBatch, records: Sequence[RawRecord]) -> list[tuple[int, DeadLetter]]:
    """The dead letters of a batch, each with the place of its record."""
    if not batch.dead_letters:
        return []
    numbers = {(record.partition, record.offset): number for number, record in enumerate(records)}
    return [
        (numbers[letter.position.partition, letter.position.offset], letter) for letter in batch.dead_letters
    ]


def _by_place(facts: FactsAt, beats: list[Beat], place_of: Callable[[str], int]) -> dict[int, list[Fact]]:
    """The facts of each partition as their records lie, and the time that the partition had reached by then."""
    placed = [(number, 1, place_of(fact.customer_id), fact) for number, fact in facts]
    placed += [(number, 0, place, _heartbeat(at)) for number, place, at in beats]
    placed.sort(key=lambda one: one[:2])
    shares: dict[int, list[Fact]] = {}
    for _, _, place, fact in placed:
        shares.setdefault(place, []).append(fact)
    return shares
