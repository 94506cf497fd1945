"""Dead letters as records: nothing of the original is lost, and each letter counts once."""

import orjson
import pytest

from agents.dead_letters import (
    MOST_PAYLOAD,
    REPLAYED,
    REPLAYING,
    DeadLetterBox,
    ReplayNote,
    UnreadableDeadLetter,
    decode_dead_letter,
    encode_dead_letter,
    encode_note,
    summarise,
)
from agents.topics import PACKED_RECORD_BYTES
from streams.facts.models import DeadLetter, Position, RejectReason


def letter(offset: int = 7, reason: str = "not_json", **more: object) -> DeadLetter:
    fields: dict[str, object] = {"payload": b"\x00\xff{", "key": b"k", "timestamp_ms": 1000 + offset} | more
    return DeadLetter(Position("customer-events", 3, offset), RejectReason(reason), "broken", **fields)


@pytest.mark.parametrize(
    "one",
    [
        letter(headers=(("trace", b"\x80"), ("trace", b""))),
        letter(payload=None, key=None, timestamp_ms=None),
        letter(payload=b"", key=b""),
    ],
)
def test_a_letter_is_read_back_as_it_was(one: DeadLetter) -> None:
    key, value = encode_dead_letter(one)
    assert key == b"customer-events-3-7"
    assert decode_dead_letter(value) == one


def test_the_record_is_json_that_others_can_read() -> None:
    _, value = encode_dead_letter(letter(headers=(("h", b"v"),)))
    assert orjson.loads(value) == {
        "reason": "not_json", "detail": "broken", "topic": "customer-events", "partition": 3, "offset": 7,
        "timestamp": 1007, "key": "aw==", "payload": "AP97", "headers": [["h", "dg=="]],
    }  # fmt: skip


@pytest.mark.parametrize("value", [b"", b"{}", b'{"reason": "unheard of"}', encode_note(Position("t", 0, 0),
                                   ReplayNote(REPLAYED, "t", 0, 1))[1]])
def test_what_is_no_letter_is_told(value: bytes) -> None:
    with pytest.raises(UnreadableDeadLetter):
        decode_dead_letter(value)


def test_a_letter_written_twice_is_one_and_a_note_never_hides_it() -> None:
    one, other = letter(7), letter(8, "tombstone", payload=None)
    box = DeadLetterBox()
    box.take(*encode_note(other.position, ReplayNote(REPLAYED, "customer-events", 1, 9)))
    for record in (one, other, one, other):
        box.take(*encode_dead_letter(record))
    box.take(*encode_note(one.position, ReplayNote(REPLAYING, "customer-events", 1, -1)))
    box.take(b"k", b"rubbish")
    box.take(b"k", None)
    assert [held.letter for held in box.of()] == [one, other]
    assert [held.replayed is not None for held in box.of()] == [False, True]
    assert [held.started is not None for held in box.of()] == [True, False]
    assert box.unreadable == 2
    assert [held.letter for held in box.of("tombstone")] == [other]
    assert box.of(topic="elsewhere") == []


def test_the_example_of_a_reason_is_one_that_still_waits() -> None:
    box = DeadLetterBox()
    for offset in (1, 2, 3):
        box.take(*encode_dead_letter(letter(offset)))
    box.take(*encode_note(letter(3).position, ReplayNote(REPLAYED, "customer-events", 0, 0)))
    (summary,) = summarise(box.of())
    assert (summary.records, summary.replayed) == (3, 1)
    assert (summary.first_ms, summary.last_ms) == (1001, 1003)
    assert summary.example == letter(2)


def test_a_record_too_long_for_a_letter_is_cut_and_says_so() -> None:
    payload = b"x" * (MOST_PAYLOAD + 1)
    letter = DeadLetter(Position("t", 0, 7), RejectReason.TOO_LARGE, "too large", payload)
    _, value = encode_dead_letter(letter)
    kept = decode_dead_letter(value)
    assert kept.payload == payload[:MOST_PAYLOAD]
    assert str(len(payload)) in kept.detail
    assert len(value) < PACKED_RECORD_BYTES
