"""What records become under definitions, kind by kind, and which of their words the definitions do not know.

The records go through the very admission and ledger of the worker, as if nothing had been known before the first of
them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.facts.admission import Admission, AdmittedBatch
from streams.facts.definitions.model import Definitions
from streams.facts.labels import Labels
from streams.facts.models import UNKNOWN, DeadLetter, RawRecord
from streams.facts.native import SAME_CUSTOMER
from streams.facts.refusal import Refused
from streams.facts.strict_json import read_exactly
from streams.ledger.partition import PartitionLedger

EXAMPLES = 3
EXAMPLE_BYTES = 2000


@dataclass(slots=True)
class Kind:
    """Records that one rule took, or that met one end.

    Attributes:
        rule: the rule's name; of native records the word in their field `fact`.
        becomes: kinds of facts that one such record gave; none: it is dropped.
        records: how many there were.
        applied, ignored: what the ledger made of their facts.
        examples: the first of these records, as text.
    """

    rule: str
    becomes: tuple[str, ...]
    records: int = 0
    applied: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Rejected:
    """Records that become dead letters for one reason, with the first fault in words."""

    reason: str
    detail: str
    records: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Tried:
    """What became of a sample. records = those of `kinds` + those of `rejected` + `unmapped`."""

    records: int = 0
    kinds: dict[tuple[str, tuple[str, ...]], Kind] = field(default_factory=dict)
    rejected: dict[str, Rejected] = field(default_factory=dict)
    unmapped: int = 0
    unmapped_examples: list[str] = field(default_factory=list)
    words: dict[str, Counter[str]] = field(default_factory=lambda: {"reason": Counter(), "activity": Counter()})

    def as_json(self) -> dict[str, Any]:
        """One JSON object, most records first."""
        return {
            "records": self.records,
            "kinds": [
                {
                    "rule": kind.rule,
                    "becomes": list(kind.becomes),
                    "records": kind.records,
                    "applied": kind.applied,
                    "ignored": dict(kind.ignored.most_common()),
                    "examples": kind.examples,
                }
                for kind in sorted(self.kinds.values(), key=lambda kind: -kind.records)
            ],
            "rejected": [
                {"reason": one.reason, "detail": one.detail, "records": one.records, "examples": one.examples}
                for one in sorted(self.rejected.values(), key=lambda one: -one.records)
            ],
            "unmapped": {"records": self.unmapped, "examples": self.unmapped_examples},
            "unmapped_words": {name: dict(words.most_common()) for name, words in self.words.items()},
        }


class _ListeningLabels(Labels):
    """Labels that note the reasons and activities which are on no list."""

    def __init__(self, definitions: Definitions, words: dict[str, Counter[str]]) -> None:
        super().__init__(definitions)
        self._words = words

    def reason(self, text: str | None, stated_kind: str | None) -> tuple[str | None, str | None]:
        found = super().reason(text, stated_kind)
        if text and found[0] == UNKNOWN and text != UNKNOWN:
            self._words["reason"][text] += 1
        return found

    def activity(self, text: str | None) -> tuple[str | None, bool]:
        found = super().activity(text)
        if text and found[0] == UNKNOWN and text != UNKNOWN:
            self._words["activity"][text] += 1
        return found


def try_records(definitions: Definitions, records: Sequence[RawRecord], *, check_keys: bool = False) -> Tried:
    """Admit and count a sample, in its order. Never raises for what a record holds.

    `check_keys`: native records need their customer id as key, as on the topic `customer-events`.
    """
    tried = Tried()
    labels = _ListeningLabels(definitions, tried.words)
    others = Admission(definitions, check_keys=check_keys, labels=labels)
    of_topic = {topic: Admission(definitions, labels=labels, own_topic=topic) for topic in definitions.own_topics}
    ledger = PartitionLedger(definitions.ledger_rules())
    for record in records:
        tried.records += 1
        admission = of_topic.get(record.topic, others)
        batch = admission.admit([record])
        if batch.dead_letters:
            _reject(tried, batch.dead_letters[0], record)
        elif batch.unmapped:
            tried.unmapped += 1
            _example(tried.unmapped_examples, record)
        else:
            _count(tried, admission, ledger, batch, record)
    return tried


def _count(
    tried: Tried, admission: Admission, ledger: PartitionLedger, batch: AdmittedBatch, record: RawRecord
) -> None:
    facts = batch.facts
    becomes = (*(fact.kind for fact in facts), *(SAME_CUSTOMER for _ in batch.links))
    dropped_by = None if becomes else next(iter(batch.no_fact))
    rule = dropped_by or _rule_of(admission, becomes, record)
    kind = tried.kinds.get((rule, becomes))
    if kind is None:
        kind = tried.kinds[rule, becomes] = Kind(rule, becomes)
    kind.records += 1
    _example(kind.examples, record)
    before, ignored = ledger.counts.applied, Counter(ledger.counts.ignored)
    ledger.apply(facts)
    kind.applied += ledger.counts.applied - before
    kind.ignored.update({name: n for name, n in (ledger.counts.ignored - ignored).items() if n})


def _rule_of(admission: Admission, becomes: tuple[str, ...], record: RawRecord) -> str:
    try:
        return admission.rule_of(read_exactly(record.value), record.topic) or becomes[0]
    except Refused:  # what was admitted a moment ago is not refused now
        return becomes[0]


def _reject(tried: Tried, letter: DeadLetter, record: RawRecord) -> None:
    one = tried.rejected.get(letter.reason)
    if one is None:
        one = tried.rejected[letter.reason] = Rejected(letter.reason.value, letter.detail)
    one.records += 1
    _example(one.examples, record)


def _example(examples: list[str], record: RawRecord) -> None:
    if len(examples) < EXAMPLES:
        examples.append((record.value or b"")[:EXAMPLE_BYTES].decode("utf-8", "replace"))
