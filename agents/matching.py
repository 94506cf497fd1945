"""A file of records against the topic `customer-events` as it lies in Kafka: what one has and the other has not."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.record_files import read_records
from agents.replay.sending import check_topics
from agents.topic_reading import read_topic
from agents.wall_clock import wall_clock_us
from config.settings import Settings
from streams.facts.admission import Admission
from streams.facts.definitions.model import Definitions
from streams.facts.models import Fact, RawRecord
from streams.ledger.handover_records import is_handover
from streams.ledger.movements import Change, Scope
from streams.recount import Recount
from streams.tables.blame import Suspect, scopes_of_movement, touched
from streams.tables.record_matching import Place, RecordIndex, unmatched

TOPIC = "customer-events"

MOST_READ = 20_000
"""Differing records whose contents are looked at; if there are more, any of them may touch any scope."""


@dataclass(slots=True)
class Responsible:
    """Records that one side has and the other has not; values of those whose bytes were kept."""

    in_file: int = 0
    in_topic: int = 0
    only_in_topic: list[tuple[Place, bytes | None]] = field(default_factory=list)
    only_in_file: list[tuple[Place, bytes | None]] = field(default_factory=list)


def find_responsible(settings: Settings, file: str, counted_to: dict[int, int] | None) -> Responsible:
    """Compare a file with the topic, record by record, equal ones as often as they occur.

    Args:
        counted_to: the next offset of each partition that the running tables have counted; records from there on are
            left out. None: all of the topic.
    Raises: BrokerUnreachable, TopicsNotReady.
    """
    check_topics(settings, [TOPIC])
    lines, topic = RecordIndex(), RecordIndex()
    for records in read_records(file, TOPIC, batch=5000):
        lines.add(0, [record.value for record in records], [record.offset for record in records])
    kept: dict[Place, bytes | None] = {}

    def take(partition: int, chunk: Sequence[Any]) -> None:
        if counted_to is not None:
            end = counted_to.get(partition, 0)
            chunk = [record for record in chunk if record.offset < end]
        # What partitions tell each other of links follows from the records.
        chunk = [record for record in chunk if not (record.headers and is_handover(record.headers))]
        values = [record.value for record in chunk]
        topic.add(partition, values, [record.offset for record in chunk])
        for number in lines.lacks(values):
            if len(kept) < MOST_READ:
                kept[partition, chunk[number].offset] = values[number]

    read_topic(settings, TOPIC, take)
    file_numbers, topic_numbers = unmatched(lines, topic)
    found = Responsible(len(lines), len(topic))
    found.only_in_file = _with_values(file, [lines.place(number) for number in file_numbers])
    places = [topic.place(number) for number in topic_numbers]
    # Copies of a line of the file that the topic has more often were not kept: their bytes touch nothing new.
    found.only_in_topic = [(place, kept.get(place)) for place in places]
    return found


def suspects_of(
    found: Responsible, definitions: Definitions, file: str, file_name: str, until: int, topic_name: str
) -> list[Suspect]:
    """The differing records as differences name them, with the scopes that each can have touched.

    Records dated after `until` (microseconds) are left out: neither side counts them.
    """
    admission = Admission(definitions)
    sides = (("file", topic_name, found.only_in_topic), ("topic", file_name, found.only_in_file))
    whole = sum(len(records) for _, _, records in sides) > MOST_READ
    facts_of: list[tuple[dict[str, Any], list[Fact] | None]] = []
    raw: dict[str, bool] = {}
    for missing_from, name, records in sides:
        for (partition, offset), value in records:
            place = {"topic": name, "partition": partition, "offset": offset, "missing_from": missing_from}
            if value is None or whole:
                facts_of.append((place, None))
                continue
            facts = admission.admit([RawRecord(value, None, name, partition, offset)]).facts
            if facts and all(fact.at > until for fact in facts):
                continue
            facts_of.append((place, facts))
            for fact in facts:
                if fact.customer_id:
                    stands_there = fact.customer_id.isascii() and fact.customer_id.encode() in value
                    raw[fact.customer_id] = raw.get(fact.customer_id, True) and stands_there
    held = _held_by(raw, definitions, file, until)
    return [_suspect(place, facts, held) for place, facts in facts_of]


def _suspect(place: dict[str, Any], facts: list[Fact] | None, held: dict[str, set[Scope]]) -> Suspect:
    if not facts:
        return Suspect(place, None)
    customers = {fact.customer_id for fact in facts}
    scopes = set().union(*(held.get(customer, set()) for customer in customers))
    return Suspect(place, touched(facts, scopes))


def _held_by(customers: dict[str, bool], definitions: Definitions, file: str, until: int) -> dict[str, set[Scope]]:
    """Where the file's movements of these customers count.

    `customers` says of each id whether it stands in its records' bytes as it is: if all do, lines that hold none of
    them are passed over without being decoded.
    """
    held: dict[str, set[Scope]] = {}
    if not customers:
        return held

    def note(change: Change) -> None:
        if change.customer_id in customers:
            held.setdefault(change.customer_id, set()).update(scopes_of_movement(change.movement))

    recount = Recount(definitions, until=until, on_change=note, now_us=wall_clock_us)
    mentions = None
    if all(customers.values()) and len(customers) <= 1000:
        mentions = re.compile(b"|".join(re.escape(customer.encode()) for customer in customers)).search
    for records in read_records(file, TOPIC, batch=5000):
        chosen = records if mentions is None else [one for one in records if one.value and mentions(one.value)]
        if chosen:
            recount.add(chosen)
    recount.finish()
    return held


def _with_values(file: str, places: Iterable[Place]) -> list[tuple[Place, bytes | None]]:
    found: list[tuple[Place, bytes | None]] = [(place, None) for place in places]
    if not 0 < len(found) <= MOST_READ:
        return found
    wanted = {place[1]: number for number, (place, _) in enumerate(found)}
    for records in read_records(file, TOPIC, batch=5000):
        for record in records:
            number = wanted.get(record.offset)
            if number is not None:
                found[number] = (found[number][0], record.value)
    return found
