"""The records of one own topic into the records that netgrowth reads, each with its key and where it came from.

It is a pure function of the records and the definitions: read again, a record gives the same records in the same
order, so that whoever reads these can tell what it has counted already (`streams.intake.origins`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from streams.facts.admission import Admission
from streams.facts.definitions.model import Definitions
from streams.facts.labels import Labels
from streams.facts.models import DeadLetter, RawRecord
from streams.facts.strict_json import MAX_BYTES
from streams.health.admission import SignalAdmission
from streams.intake.native_records import fact_record, link_record, mention_record, signal_record
from streams.intake.rules import CUSTOMER_EVENTS, QOS_SIGNALS, SURVEY_RESPONSES
from streams.intake.surveys import AnswerAdmission
from streams.voice.admission import MentionAdmission


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record on its way to a feed.

    Attributes:
        key: customer or author id; None: it goes to every partition, as a heartbeat does.
        offset: of the record that it comes from; `number` counts what that one gave, from 0.
    """

    key: bytes | None
    value: bytes
    offset: int = 0
    number: int = 0


TAKEN_OUTCOMES = ("taken", "no_fact", "unmapped", "dead_lettered")
"""What becomes of the records of an own topic."""


@dataclass(slots=True)
class Taken:
    """What one batch of an own topic gave: records = dead letters + no_fact + unmapped + records_with_facts.

    Attributes:
        outgoing: in the order of the records.
        links: how many of them are links between ids.
        event_times: of all that was admitted, microseconds.
    """

    records: int = 0
    outgoing: list[Outgoing] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    no_fact: dict[str, int] = field(default_factory=dict)
    unmapped: int = 0
    records_with_facts: int = 0
    links: int = 0
    event_times: list[int] = field(default_factory=list)

    @property
    def outcomes(self) -> dict[str, int]:
        """Outcome to records; sums to all of them."""
        return {
            "taken": self.records_with_facts, "no_fact": sum(self.no_fact.values()), "unmapped": self.unmapped,
            "dead_lettered": len(self.dead_letters),
        }  # fmt: skip

    @property
    def gave(self) -> int:
        """Records that were written for them."""
        return len(self.outgoing)


class Intake:
    """What one own topic becomes.

    Attributes:
        topic: its full name.
        feed: where its records go, without prefix.
    """

    def __init__(
        self, definitions: Definitions, topic: str, *, now_us: Callable[[], int] | None = None,
        max_bytes: int = MAX_BYTES, customer_of: Callable[[str], str] | None = None,
    ) -> None:
        """`now_us` as of `Admission`; `customer_of`: the customer whose alias an id is, else the id; it is asked for
        answers and mentions, which nothing that is counted places by customer.

        Raises: KeyError when the definitions do not name the topic.
        """
        self.topic = topic
        self.feed = definitions.own_topics[topic]
        self._labels = Labels(definitions)
        if self.feed == CUSTOMER_EVENTS:
            self._facts = Admission(definitions, now_us=now_us, max_bytes=max_bytes, own_topic=topic)
            self.take: Callable[[Sequence[RawRecord]], Taken] = self._take_facts
        elif self.feed == QOS_SIGNALS:
            signals = SignalAdmission(definitions, now_us=now_us, max_bytes=max_bytes)
            self.take = lambda records: _signals(signals.admit(records))
        elif self.feed == SURVEY_RESPONSES:
            answers = AnswerAdmission(definitions, now_us=now_us, max_bytes=max_bytes)
            self.take = lambda records: _answers(answers.admit(records), customer_of or str)
        else:
            mentions = MentionAdmission(definitions, now_us=now_us, max_bytes=max_bytes)
            self.take = lambda records: _mentions(mentions.admit(records), customer_of or str)

    def _take_facts(self, records: Sequence[RawRecord]) -> Taken:
        batch = self._facts.admit(records)
        taken = Taken(
            batch.records, [], batch.dead_letters, batch.no_fact, batch.unmapped, batch.records_with_facts,
            len(batch.links), [*(fact.at for fact in batch.facts), *(link.at for _, link in batch.links)],
        )  # fmt: skip
        given: list[tuple[int, Any]] = [
            (place, (fact.customer_id.encode() or None, fact_record(fact)))
            for fact, place in zip(batch.facts, batch.fact_records, strict=True)
        ]
        given += (
            (place, (link.silo_id.encode(), link_record(link, self._labels.silo_id(link.silo, link.silo_id))))
            for place, link in batch.links
        )
        if batch.links:
            given.sort(key=lambda told: told[0])  # stable: the facts of a record before its links
        last, number = -1, 0
        for place, (key, value) in given:
            number = number + 1 if place == last else 0
            last = place
            taken.outgoing.append(Outgoing(key, value, records[place].offset, number))
        return taken


def _signals(batch: Any) -> Taken:
    outgoing = [Outgoing(signal.customer_id.encode(), signal_record(signal)) for signal in batch.signals]
    return _taken(batch, batch.signals, outgoing, batch.no_signal)


def _answers(batch: Any, customer_of: Callable[[str], str]) -> Taken:
    batch.answers = [replace(answer, customer_id=customer_of(answer.customer_id)) for answer in batch.answers]
    outgoing = [Outgoing(answer.customer_id.encode(), answer.record()) for answer in batch.answers]
    return _taken(batch, batch.answers, outgoing, batch.no_answer)


def _mentions(batch: Any, customer_of: Callable[[str], str]) -> Taken:
    for mention in batch.mentions:
        if mention.customer_id is not None:
            mention.customer_id = customer_of(mention.customer_id)
    outgoing = [Outgoing(mention.author_id.encode(), mention_record(mention)) for mention in batch.mentions]
    return _taken(batch, batch.mentions, outgoing, {})


def _taken(batch: Any, admitted: Sequence[Any], outgoing: list[Outgoing], no_fact: dict[str, int]) -> Taken:
    return Taken(
        batch.records, outgoing, batch.dead_letters, no_fact, batch.unmapped, len(outgoing),
        event_times=[one.at for one in admitted],
    )
