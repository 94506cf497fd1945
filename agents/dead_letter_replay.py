"""Putting dead letters back: which may go, and sending them so that doing it twice changes nothing.

A letter goes back when its record is admitted now and is not older than the horizon of the partition it goes to.
Before records are sent a note says so, and another one when they lie in their topic. After a crash in between the
topic is searched for what was sent, by its header.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kafka import KafkaProducer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from agents.dead_letters import (
    REPLAYED,
    REPLAYED_FROM,
    REPLAYING,
    DeadLetterBox,
    Held,
    ReplayNote,
    dead_letter_key,
    encode_note,
)
from agents.topic_reading import read_topic
from agents.topics import BrokerUnreachable, connect_admin
from config.settings import Settings
from streams.facts.admission import Admission
from streams.facts.definitions.model import Definitions
from streams.facts.models import DeadLetter, RawRecord, RejectReason
from streams.facts.placement import partition_for
from streams.tables.part_records import is_progress, read_key, read_progress

TOPIC = "customer-events"


class Outcome(StrEnum):
    """What becomes of a letter."""

    REPLAY = "replay"  # goes back
    ALREADY = "already_replayed"
    NOT_ADMITTED = "not_admitted"  # what was wrong with it still is
    TOO_OLD = "older_than_horizon"  # for `backfill`
    NOT_COUNTED_YET = "partition_not_counted_yet"  # no worker has told how far the partition has come


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one letter, and why; key and partition are where its record goes."""

    held: Held
    outcome: Outcome
    detail: str = ""
    key: bytes | None = None
    partition: int | None = None


class Deciding:
    """Decides over letters under the definitions of now.

    Args:
        watermarks: largest event time admitted from each partition, microseconds; None or absent: not known.
        now_us: the wall clock, microseconds.
    """

    def __init__(
        self, definitions: Definitions, *, partitions: int, max_bytes: int, now_us: Callable[[], int],
        watermarks: Mapping[int, int | None],
    ) -> None:
        self._content = Admission(definitions, now_us=now_us, max_bytes=max_bytes)
        self._placed = Admission(
            definitions, now_us=now_us, partitions=partitions, check_keys=True, max_bytes=max_bytes
        )
        self._partitions = partitions
        self._watermarks = watermarks
        self._horizon_us = definitions.horizon_us

    def decide(self, held: Held) -> Decision:
        """What becomes of this letter."""
        if held.replayed is not None:
            place = f"{held.replayed.topic}-{held.replayed.partition}-{held.replayed.offset}"
            return Decision(held, Outcome.ALREADY, f"put back as {place}")
        letter = held.letter
        record = _record(letter, letter.key, letter.position.partition)
        content = self._content.admit([record])
        if content.dead_letters:
            return _not_admitted(held, content.dead_letters[0])
        if content.unmapped:
            return Decision(held, Outcome.NOT_ADMITTED, "unmapped: no rule of the definitions takes it")
        facts = [fact for fact in content.facts if fact.customer_id]
        if not facts:
            return Decision(held, Outcome.REPLAY, "", letter.key, letter.position.partition)
        key = letter.key
        if not key or letter.reason in (RejectReason.MISSING_KEY, RejectReason.WRONG_PARTITION):
            key = facts[0].customer_id.encode()
        partition = partition_for(key, self._partitions)
        placed = self._placed.admit([_record(letter, key, partition)])
        if placed.dead_letters:
            return _not_admitted(held, placed.dead_letters[0])
        watermark = self._watermarks.get(partition)
        if watermark is None:
            return Decision(held, Outcome.NOT_COUNTED_YET, f"partition {partition}: start a worker, then try again")
        if min(fact.at for fact in facts) < watermark - self._horizon_us:
            return Decision(held, Outcome.TOO_OLD, "older than the horizon of its partition: it is for a backfill")
        return Decision(held, Outcome.REPLAY, "", key, partition)


def _not_admitted(held: Held, letter: DeadLetter) -> Decision:
    return Decision(held, Outcome.NOT_ADMITTED, f"{letter.reason.value}: {letter.detail}")


def _record(letter: DeadLetter, key: bytes | None, partition: int) -> RawRecord:
    position = letter.position
    return RawRecord(letter.payload, key, position.topic, partition, position.offset, letter.timestamp_ms)


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
    topic = settings.topic(TOPIC)
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
    going.sort(key=lambda decision: (decision.held.letter.position.partition, decision.held.letter.position.offset))
    done: Counter[str] = Counter(sent=0, found=0)
    letters_topic, topic = settings.topic("dead-letters"), settings.topic(TOPIC)
    lie_there: dict[bytes, ReplayNote] = {}
    if any(decision.held.started is not None for decision in going):
        lie_there = _sent_before(settings, {_key(decision) for decision in going})
    to_send = [decision for decision in going if _key(decision) not in lie_there]
    starting = [
        encode_note(decision.held.letter.position, ReplayNote(REPLAYING, topic, decision.partition or 0, -1))
        for decision in to_send
    ]
    _send(producer, [(letters_topic, key, value, [], None) for key, value in starting])
    places = _send(
        producer,
        [
            (
                topic,
                decision.key,
                decision.held.letter.payload,
                [*_own_headers(decision.held.letter), (REPLAYED_FROM, _key(decision))],
                decision.partition,
            )
            for decision in to_send
        ],
    )
    for decision, (partition, offset) in zip(to_send, places, strict=True):
        lie_there[_key(decision)] = ReplayNote(REPLAYED, topic, partition, offset)
        done["sent"] += 1
    done["found"] = len(going) - len(to_send)
    noted = [encode_note(decision.held.letter.position, lie_there[_key(decision)]) for decision in going]
    _send(producer, [(letters_topic, key, value, [], None) for key, value in noted])
    return done


def _sent_before(settings: Settings, keys: set[bytes]) -> dict[bytes, ReplayNote]:
    found: dict[bytes, ReplayNote] = {}
    topic = settings.topic(TOPIC)

    def take(partition: int, records: Sequence[Any]) -> None:
        for record in records:
            for name, value in record.headers:
                if name == REPLAYED_FROM and value in keys:
                    found.setdefault(value, ReplayNote(REPLAYED, topic, partition, record.offset))

    read_topic(settings, TOPIC, take)
    return found


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
