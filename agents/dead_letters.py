"""Dead letters as records of the topic `dead-letters`: what could not be admitted, where it lay, why, and its bytes.

The key is `topic-partition-offset` of the record that could not be admitted, so that a letter written twice is one
letter. Under the same key a replay notes what it did; such a note never hides the letter.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from streams.facts.models import DeadLetter, Position, RejectReason


class DeadLetterRecord(msgspec.Struct, frozen=True):
    """A dead letter as its topic holds it. Bytes are base64; `timestamp` is milliseconds since 1970."""

    reason: str
    detail: str
    topic: str
    partition: int
    offset: int
    timestamp: int | None
    key: str | None
    payload: str | None
    headers: list[tuple[str, str]]


class ReplayNote(msgspec.Struct, frozen=True):
    """What a replay did with a letter.

    `state` is `replaying` before the record is sent, when its offset is not known yet (-1), and `replayed` once it
    lies at that place.
    """

    state: str
    topic: str
    partition: int
    offset: int


REPLAYING = "replaying"
REPLAYED = "replayed"

REPLAYED_FROM = "netgrowth-replayed-from"
"""Header of a record that was put back: `topic-partition-offset` of the record it repeats."""

_encode = msgspec.json.Encoder().encode
_decode_letter = msgspec.json.Decoder(DeadLetterRecord).decode
_decode_note = msgspec.json.Decoder(ReplayNote).decode


class UnreadableDeadLetter(ValueError):
    """A record of `dead-letters` that is neither a letter nor a note on one."""


def dead_letter_key(position: Position) -> bytes:
    """`topic-partition-offset` of the record that could not be admitted."""
    return f"{position.topic}-{position.partition}-{position.offset}".encode()


MOST_PAYLOAD = 4 << 20
"""Bytes of a record that are kept; a longer one, which can only come compressed, would not fit a record of Kafka."""


def encode_dead_letter(letter: DeadLetter) -> tuple[bytes, bytes]:
    """Key and value of a letter's record."""
    position = letter.position
    payload, detail = letter.payload, letter.detail
    if payload is not None and len(payload) > MOST_PAYLOAD:
        detail = f"{detail} (the first {MOST_PAYLOAD} of its {len(payload)} bytes are kept here)"
        payload = payload[:MOST_PAYLOAD]
    record = DeadLetterRecord(
        letter.reason.value,
        detail,
        position.topic,
        position.partition,
        position.offset,
        letter.timestamp_ms,
        _text(letter.key),
        _text(payload),
        [(name, _text(value) or "") for name, value in letter.headers],
    )
    return dead_letter_key(position), _encode(record)


def encode_note(position: Position, note: ReplayNote) -> tuple[bytes, bytes]:
    """Key and value of a note on a letter."""
    return dead_letter_key(position), _encode(note)


def decode_dead_letter(value: bytes) -> DeadLetter:
    """The letter in a record.

    Raises: UnreadableDeadLetter; also for a note.
    """
    try:
        record = _decode_letter(value)
        return DeadLetter(
            Position(record.topic, record.partition, record.offset),
            RejectReason(record.reason),
            record.detail,
            _bytes(record.payload),
            _bytes(record.key),
            tuple((name, _bytes(content) or b"") for name, content in record.headers),
            record.timestamp,
        )
    except (msgspec.MsgspecError, ValueError, binascii.Error) as error:
        raise UnreadableDeadLetter(f"no dead letter: {error}") from error


def decode_note(value: bytes) -> ReplayNote | None:
    """The note in a record; None when it is no note."""
    try:
        return _decode_note(value)
    except msgspec.MsgspecError:
        return None


@dataclass(slots=True)
class Held:
    """One letter and what replays have noted of it."""

    letter: DeadLetter
    started: ReplayNote | None = None
    replayed: ReplayNote | None = None


@dataclass(slots=True)
class DeadLetterBox:
    """The letters of the topic, each once, in the order in which they first came; and what could not be read."""

    letters: dict[bytes, Held] = field(default_factory=dict)
    unreadable: int = 0
    _notes: dict[bytes, list[ReplayNote]] = field(default_factory=dict)

    def take(self, key: bytes | None, value: bytes | None) -> None:
        """Take in one record of the topic. A letter written again, by a worker that began anew, changes nothing."""
        if key is None or value is None:
            self.unreadable += 1
            return
        note = decode_note(value)
        if note is not None:
            held = self.letters.get(key)
            if held is None:
                self._notes.setdefault(key, []).append(note)
            else:
                _note(held, note)
            return
        if key in self.letters:
            return
        try:
            held = self.letters[key] = Held(decode_dead_letter(value))
        except UnreadableDeadLetter:
            self.unreadable += 1
            return
        for earlier in self._notes.pop(key, ()):
            _note(held, earlier)

    def of(self, reason: str | None = None, topic: str | None = None) -> list[Held]:
        """The letters, of one reason or topic if these are given."""
        return [
            held
            for held in self.letters.values()
            if (reason is None or held.letter.reason.value == reason)
            and (topic is None or held.letter.position.topic == topic)
        ]


@dataclass(slots=True)
class ReasonSummary:
    """The letters of one reason: how many, how many of them put back, when, where, and one of them."""

    reason: str
    records: int = 0
    replayed: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    topics: dict[str, int] = field(default_factory=dict)
    example: DeadLetter | None = None


def summarise(letters: Iterable[Held]) -> list[ReasonSummary]:
    """The letters by reason, most first; the example is the newest that has not been put back, else the newest."""
    found: dict[str, ReasonSummary] = {}
    for held in letters:
        letter = held.letter
        summary = found.setdefault(letter.reason.value, ReasonSummary(letter.reason.value))
        summary.records += 1
        summary.topics[letter.position.topic] = summary.topics.get(letter.position.topic, 0) + 1
        if letter.timestamp_ms is not None:
            times = [time for time in (summary.first_ms, summary.last_ms, letter.timestamp_ms) if time is not None]
            summary.first_ms, summary.last_ms = min(times), max(times)
        if held.replayed is not None:
            summary.replayed += 1
            summary.example = summary.example or letter
        else:
            summary.example = letter
    return sorted(found.values(), key=lambda summary: (-summary.records, summary.reason))


def _note(held: Held, note: ReplayNote) -> None:
    if note.state == REPLAYED:
        held.replayed = note
    elif held.started is None:
        held.started = note


def _text(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode("ascii")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)
