"""Which dead letters may go back, and as what.

A letter goes back when its record is admitted now and is not older than the horizon of the partition it goes to. One
of `customer-events` goes back as it was. One of an own topic does not, as that is somebody else's: what intake makes
of its record now goes where intake would have written it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from agents.dead_letters import Held
from streams.facts.admission import Admission
from streams.facts.definitions.model import Definitions
from streams.facts.models import DeadLetter, RawRecord, RejectReason
from streams.facts.placement import partition_for
from streams.intake.intake import Intake, Taken
from streams.intake.rules import CUSTOMER_EVENTS


class Outcome(StrEnum):
    """What becomes of a letter."""

    REPLAY = "replay"  # goes back
    ALREADY = "already_replayed"
    NOT_ADMITTED = "not_admitted"  # what was wrong with it still is
    TOO_OLD = "older_than_horizon"  # for `backfill`
    GIVES_NOTHING = "gives_nothing"  # a rule of its own topic drops it now
    NOT_COUNTED_YET = "partition_not_counted_yet"  # no worker has told how far the partition has come


@dataclass(frozen=True, slots=True)
class Going:
    """A record that is sent; `feed` without prefix, partition None: wherever a record without a key goes."""

    feed: str
    key: bytes | None
    value: bytes | None
    partition: int | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one letter, and why; `going` are the records that are sent for it."""

    held: Held
    outcome: Outcome
    detail: str = ""
    going: tuple[Going, ...] = ()


def as_it_lies(records: Sequence[RawRecord]) -> Sequence[RawRecord]:
    """Records that need no decoding."""
    return records


class Deciding:
    """Decides over letters under the definitions of now.

    Args:
        watermarks: largest event time admitted from each partition, microseconds; None or absent: not known.
        now_us: the wall clock, microseconds.
        decode: records of own topics as intake reads them, where they are Avro.
    """

    def __init__(
        self, definitions: Definitions, *, partitions: int, max_bytes: int, now_us: Callable[[], int],
        watermarks: Mapping[int, int | None],
        decode: Callable[[Sequence[RawRecord]], Sequence[RawRecord]] = as_it_lies,
    ) -> None:
        self._content = Admission(definitions, now_us=now_us, max_bytes=max_bytes)
        self._placed = Admission(
            definitions, now_us=now_us, partitions=partitions, check_keys=True, max_bytes=max_bytes
        )
        self._partitions = partitions
        self._watermarks = watermarks
        self._horizon_us = definitions.horizon_us
        self._decode = decode
        self._intakes = {
            topic: Intake(definitions, topic, now_us=now_us, max_bytes=max_bytes) for topic in definitions.own_topics
        }

    def decide(self, held: Held) -> Decision:
        """What becomes of this letter."""
        if held.replayed is not None:
            place = f"{held.replayed.topic}-{held.replayed.partition}-{held.replayed.offset}"
            return Decision(held, Outcome.ALREADY, f"put back as {place}")
        letter = held.letter
        intake = self._intakes.get(letter.position.topic)
        if intake is not None:
            return self._decide_own(held, intake)
        record = _record(letter, letter.key, letter.position.partition)
        content = self._content.admit([record])
        if content.dead_letters:
            return _not_admitted(held, content.dead_letters[0])
        if content.unmapped:
            return Decision(held, Outcome.NOT_ADMITTED, "unmapped: no rule of the definitions takes it")
        facts = [fact for fact in content.facts if fact.customer_id]
        if not facts:
            return _back(held, letter.key, letter.position.partition)
        key = letter.key
        if not key or letter.reason in (RejectReason.MISSING_KEY, RejectReason.WRONG_PARTITION):
            key = facts[0].customer_id.encode()
        partition = partition_for(key, self._partitions)
        placed = self._placed.admit([_record(letter, key, partition)])
        if placed.dead_letters:
            return _not_admitted(held, placed.dead_letters[0])
        return self._in_time(held, min(fact.at for fact in facts), [partition]) or _back(held, key, partition)

    def _decide_own(self, held: Held, intake: Intake) -> Decision:
        """A letter of an own topic: what intake makes of its record now."""
        letter = held.letter
        taken = intake.take(self._decode([_record(letter, letter.key, letter.position.partition)]))
        if taken.dead_letters:
            return _not_admitted(held, taken.dead_letters[0])
        if taken.unmapped:
            return Decision(held, Outcome.NOT_ADMITTED, "unmapped: no rule of the definitions takes it")
        if not taken.outgoing:
            return Decision(held, Outcome.GIVES_NOTHING, f"dropped by the rule {next(iter(taken.no_fact))!r}")
        going = tuple(self._going(intake.feed, taken))
        if intake.feed == CUSTOMER_EVENTS and not taken.links:
            targets = [one.partition for one in going if one.partition is not None]
            too_old = self._in_time(held, min(taken.event_times), targets)
            if too_old is not None:
                return too_old
        return Decision(held, Outcome.REPLAY, "", going)

    def _going(self, feed: str, taken: Taken) -> Iterator[Going]:
        for record in taken.outgoing:
            if record.key is not None:
                yield Going(feed, record.key, record.value, partition_for(record.key, self._partitions))
                continue
            for partition in range(self._partitions):
                yield Going(feed, None, record.value, partition)

    def _in_time(self, held: Held, earliest: int, partitions: Iterable[int]) -> Decision | None:
        """Why a record with this event time may not go to one of these partitions; None: it may."""
        for partition in partitions:
            watermark = self._watermarks.get(partition)
            if watermark is None:
                detail = f"partition {partition}: start a worker, then try again"
                return Decision(held, Outcome.NOT_COUNTED_YET, detail)
            if earliest < watermark - self._horizon_us:
                detail = "older than the horizon of its partition: it is for a backfill"
                return Decision(held, Outcome.TOO_OLD, detail)
        return None


def _back(held: Held, key: bytes | None, partition: int) -> Decision:
    """The record as it was, into the topic that the letter is of."""
    return Decision(held, Outcome.REPLAY, "", (Going(CUSTOMER_EVENTS, key, held.letter.payload, partition),))


def _not_admitted(held: Held, letter: DeadLetter) -> Decision:
    return Decision(held, Outcome.NOT_ADMITTED, f"{letter.reason.value}: {letter.detail}")


def _record(letter: DeadLetter, key: bytes | None, partition: int) -> RawRecord:
    position = letter.position
    return RawRecord(letter.payload, key, position.topic, partition, position.offset, letter.timestamp_ms)
