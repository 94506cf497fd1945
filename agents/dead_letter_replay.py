"""Putting dead letters back: sending what may go so that doing it twice changes nothing.

Before records are sent a note says so, and another one when they lie in their topic. After a crash in between the
topic is searched for what was sent, by its header.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaProducer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from agents.dead_letter_deciding import Decision, Outcome
from agents.dead_letters import (
    REPLAYED,
    REPLAYED_FROM,
    REPLAYING,
    DeadLetterBox,
    ReplayNote,
    dead_letter_key,
    encode_note,
)
from agents.topic_reading import read_topic
from agents.topics import BrokerUnreachable, connect_admin
from config.settings import Settings
from streams.facts.models import DeadLetter, Position
from streams.intake.rules import CUSTOMER_EVENTS
from streams.tables.part_records import is_progress, read_key, read_progress


@dataclass(slots=True)
class Standing:
    """How far the workers have come with each partition of `customer-events`, as they last told."""

    watermarks: dict[int, int | None]
    next_offsets: dict[int, int]
    definitions: dict[int, tuple[str, str]] = field(default_factory=dict)  # name (empty: not told) and version

    def other_than(self, name: str, version: str) -> str | None:
        """A sentence if a partition is counted under other definitions than these."""
        for partition, (their_name, their_version) in sorted(self.definitions.items()):
            if their_version != version or their_name not in ("", name):
                theirs = f"{their_name} {their_version}" if their_name else f"of version {their_version}"
                return (
                    f"the workers count partition {partition} under the definitions {theirs}, these are "
                    f"{name} {version}; give the workers' own file with --definitions, or start the workers with "
                    "this one first"
                )
        return None


def read_letters(settings: Settings) -> DeadLetterBox:
    """All letters of the topic `dead-letters`.

    Raises: BrokerUnreachable.
    """
    box = DeadLetterBox()

    def take(partition: int, records: Sequence[Any]) -> None:
        for record in records:
            box.take(record.key, record.value)

    read_topic(settings, "dead-letters", take)
    return box


def read_standing(settings: Settings) -> Standing:
    """How far the workers have come, from `scope-parts`.

    Raises: BrokerUnreachable.
    """
    standing = Standing({}, {})

    def take(lane: int, records: Sequence[Any]) -> None:
        for record in records:
            if record.key is None or record.value is None or not is_progress(record.key):
                continue
            number, progress = read_key(record.key).partition, read_progress(record.value)
            if progress.next_offset >= standing.next_offsets.get(number, 0):
                standing.next_offsets[number] = progress.next_offset
                standing.watermarks[number] = progress.watermark
                standing.definitions[number] = progress.definitions_name, progress.definitions_version

    read_topic(settings, "scope-parts", take)
    return standing


def records_behind(settings: Settings, standing: Standing) -> int:
    """Records of `customer-events` that the workers have still to read.

    Raises: BrokerUnreachable.
    """
    topic = settings.topic(CUSTOMER_EVENTS)
    admin = connect_admin(settings)
    try:
        latest = {TopicPartition(topic, number): OffsetSpec.LATEST for number in range(settings.partitions)}
        ends = admin.list_partition_offsets(latest)
    except KafkaError as error:
        raise BrokerUnreachable(f"the broker did not answer: {type(error).__name__}: {error}") from error
    finally:
        admin.close()
    return sum(max(0, end.offset - standing.next_offsets.get(at.partition, 0)) for at, end in ends.items())


class ReplayFailed(Exception):
    """The broker did not take a record; the text says which. What was noted is right, so run it again."""


def put_back(settings: Settings, producer: KafkaProducer, decisions: Iterable[Decision]) -> Counter[str]:
    """Send the records of all decisions to replay, and note it under each letter.

    Returns: how many were `sent`, and how many were `found` in the topic: sent before by a replay that was
        interrupted.
    Raises: ReplayFailed, BrokerUnreachable.
    """
    going = [decision for decision in decisions if decision.outcome is Outcome.REPLAY]
    going.sort(key=lambda decision: _order(decision.held.letter.position))
    done: Counter[str] = Counter(sent=0, found=0)
    letters_topic = settings.topic("dead-letters")
    lie_there: dict[bytes, ReplayNote] = {}
    resumed = [decision for decision in going if decision.held.started is not None]
    for feed in sorted({one.feed for decision in resumed for one in decision.going}):
        # Of one that was to give several records some may lie there; the others are sent with all of them again.
        lie_there |= _sent_before(settings, feed, {_key(decision): len(decision.going) for decision in resumed})
    to_send = [decision for decision in going if _key(decision) not in lie_there]
    starting = [
        encode_note(decision.held.letter.position, _started(settings, decision)) for decision in to_send
    ]
    _send(producer, [(letters_topic, key, value, [], None) for key, value in starting])
    outgoing: list[Outgoing] = [
        (
            settings.topic(one.feed), one.key, one.value,
            [*_own_headers(decision.held.letter), (REPLAYED_FROM, _key(decision))], one.partition,
        )
        for decision in to_send for one in decision.going
    ]  # fmt: skip
    places = iter(_send(producer, outgoing))
    for decision in to_send:
        partition, offset = next(places)
        for _ in decision.going[1:]:
            next(places)
        lie_there[_key(decision)] = ReplayNote(REPLAYED, settings.topic(decision.going[0].feed), partition, offset)
        done["sent"] += 1
    done["found"] = len(going) - len(to_send)
    noted = [encode_note(decision.held.letter.position, lie_there[_key(decision)]) for decision in going]
    _send(producer, [(letters_topic, key, value, [], None) for key, value in noted])
    return done


def _started(settings: Settings, decision: Decision) -> ReplayNote:
    first = decision.going[0]
    return ReplayNote(REPLAYING, settings.topic(first.feed), first.partition or 0, -1)


def _order(position: Position) -> tuple[str, int, int]:
    return position.topic, position.partition, position.offset


def _sent_before(settings: Settings, feed: str, records: Mapping[bytes, int]) -> dict[bytes, ReplayNote]:
    """Of these letters those all of whose records lie in the topic, with the place of the first."""
    found: dict[bytes, ReplayNote] = {}
    seen: Counter[bytes] = Counter()
    topic = settings.topic(feed)

    def take(partition: int, lines: Sequence[Any]) -> None:
        for record in lines:
            for name, value in record.headers:
                if name == REPLAYED_FROM and value in records:
                    seen[value] += 1
                    found.setdefault(value, ReplayNote(REPLAYED, topic, partition, record.offset))

    read_topic(settings, feed, take)
    return {key: note for key, note in found.items() if seen[key] >= records[key]}


def _own_headers(letter: DeadLetter) -> list[tuple[str, bytes]]:
    """A record put back before and refused again names only the newest place it comes from."""
    return [(name, value) for name, value in letter.headers if name != REPLAYED_FROM]


def _key(decision: Decision) -> bytes:
    return dead_letter_key(decision.held.letter.position)


Outgoing = tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]], int | None]


def _send(producer: KafkaProducer, records: Sequence[Outgoing]) -> list[tuple[int, int]]:
    """Send and wait; the partition and offset of each."""
    try:
        futures = [
            producer.send(topic, key=key, value=value, headers=headers, partition=partition)
            for topic, key, value, headers, partition in records
        ]
        producer.flush()
        sent = [future.get(timeout=30) for future in futures]
    except KafkaError as error:
        message = f"the broker did not take a record: {type(error).__name__}: {error}; run it again"
        raise ReplayFailed(message) from error
    return [(metadata.partition, metadata.offset) for metadata in sent]
