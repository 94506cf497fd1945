"""Records of social-mentions: the native form, other field names by definitions, and what is wrong with some."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from streams.facts.models import RawRecord, RejectReason
from streams.voice.admission import MentionAdmission
from streams.voice.mentions import HAPPY, NEUTRAL, UNHAPPY, UNREAD
from streams.voice.recount import VoiceRecount
from streams.voice.stage import TopicFinder, VoiceStage
from tests.unit.streams.voice.posts import START_MS, definitions, mention, people, record, records

CALLS = """
reasons:
  agreed:
    broken promise: {words: [PROMISE, promised]}
    price: {words: [PRICE]}
voice:
  sources:
    call log:
      when: [{field: caller, empty: false}]
      zone: Europe/London
      mention_id: {hash: [caller, started, notes]}
      at: started
      author_id: caller
      customer_id: caller
      channel: {constant: call}
      brand: {constant: acme}
      topics: reason_code
      text: notes
"""


def refused(fields: Any, voice: str = "") -> tuple[RejectReason, str]:
    value = fields if isinstance(fields, bytes) else orjson.dumps(fields)
    batch = MentionAdmission(definitions(voice)).admit([RawRecord(value)])
    assert not batch.mentions
    (letter,) = batch.dead_letters
    return letter.reason, letter.detail


def test_the_native_form_field_by_field() -> None:
    fields = mention(
        "m1", "a1", "text", language="en-GB", reach=7, sentiment=-0.25, topics=["late", "late", "rude"],
        customer_id="c1", copy_of="m0",
    )  # fmt: skip
    (found,) = MentionAdmission(definitions("reasons: open")).admit([record(0, fields)]).mentions
    assert (found.mention_id, found.at, found.author_id, found.source) == ("m1", START_MS * 1000, "a1", "native")
    assert (found.channel, found.brand, found.text, found.language) == ("social", "acme", "text", "en-GB")
    assert (found.reach, found.sentiment, found.topics) == (7, -0.25, ("late", "rude"))
    assert (found.customer_id, found.copy_of) == ("c1", "m0")


def test_times_with_a_zone_and_milliseconds_are_one() -> None:
    admission = MentionAdmission(definitions())
    batch = admission.admit(records([mention("a", "x"), mention("b", "x") | {"at": "2023-11-14T23:13:20+01:00"}]))
    assert {found.at for found in batch.mentions} == {START_MS * 1000}


@pytest.mark.parametrize(
    ("change", "reason", "named"),
    [
        ({"mention_id": None}, RejectReason.MISSING_FIELD, "mention_id"),
        ({"author_id": ""}, RejectReason.MISSING_FIELD, "author_id"),
        ({"brand": 3}, RejectReason.WRONG_TYPE, "brand"),
        ({"at": "yesterday"}, RejectReason.BAD_TIME, "at"),
        ({"at": "2023-01-01T00:00:00"}, RejectReason.BAD_TIME, "at"),
        ({"at": True}, RejectReason.WRONG_TYPE, "at"),
        ({"at": -5}, RejectReason.BAD_TIME, "at"),
        ({"at": 10**16}, RejectReason.FUTURE_TIME, "at"),
        ({"text": ["a"]}, RejectReason.WRONG_TYPE, "text"),
        ({"reach": -1}, RejectReason.BAD_VALUE, "reach"),
        ({"reach": 1.5}, RejectReason.WRONG_TYPE, "reach"),
        ({"sentiment": 1.2}, RejectReason.BAD_VALUE, "sentiment"),
        ({"sentiment": "0.1"}, RejectReason.WRONG_TYPE, "sentiment"),
        ({"topics": "late"}, RejectReason.WRONG_TYPE, "topics"),
        ({"author_id": "a\nb"}, RejectReason.BAD_VALUE, "author_id"),
        ({"brand": "x" * 300}, RejectReason.BAD_VALUE, "brand"),
    ],
)
def test_a_bad_field_is_named(change: dict[str, Any], reason: RejectReason, named: str) -> None:
    found, detail = refused(mention("m", "a") | change)
    assert found == reason
    assert named in detail


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b'{"a":1,"a":2}', b"\xff", b'{"mention_id":"\\u0000"}'])
def test_what_is_no_record_is_a_dead_letter(value: bytes) -> None:
    refused(value)


def test_a_bad_record_does_not_touch_its_neighbours() -> None:
    good = people(5)
    batch = VoiceStage(definitions()).read([*records(good[:2]), RawRecord(b"nonsense"), *records(good[2:])])
    assert (batch.records, len(batch.digests), len(batch.dead_letters), batch.unmapped) == (6, 5, 1, 0)


def test_a_call_log_becomes_mentions_by_definitions_alone() -> None:
    calls = [
        {"caller": f"c{n}", "started": f"2023-11-15 {n:02d}:30:00", "reason_code": "PROMISE" if n % 2 else "OTHER",
         "notes": "still waiting for the engineer you promised" if n % 2 else None}
        for n in range(20)
    ]  # fmt: skip
    recount = VoiceRecount(definitions(CALLS))
    recount.add(records([*calls, *people(5)]))
    found = recount.finish()
    assert found["accounting"]["mentions"] == found["accounting"]["records"] == 25
    assert found["sources"]["call log"] == {"mentions": 20, "last_at": "2023-11-15T19:30:00Z"}
    row = found["total"]["acme"]
    assert (row["mentions"], row["authors"]) == (25, 25)
    assert found["topics"]["broken promise"] == {"mentions": 10, "unhappy": 10}
    assert found["topics"]["unknown"]["mentions"] == 15


def test_stopping_a_source_changes_its_freshness_and_no_other_figure() -> None:
    calls = [{"caller": f"c{n}", "started": f"2023-11-15 {n:02d}:30:00", "notes": "awful"} for n in range(4)]
    both, one = VoiceRecount(definitions(CALLS)), VoiceRecount(definitions(CALLS))
    both.add(records([*people(50), *calls]))
    one.add(records([*people(50), *calls[:2]]))
    with_all, without = both.finish(), one.finish()
    assert without["sources"]["native"] == with_all["sources"]["native"]
    assert without["sources"]["call log"]["last_at"] == "2023-11-15T01:30:00Z"
    assert with_all["total"]["acme"]["mentions"] - without["total"]["acme"]["mentions"] == 2
    assert with_all["total"]["acme"]["happy"] == without["total"]["acme"]["happy"]


def test_what_no_source_takes_is_unmapped() -> None:
    batch = VoiceStage(definitions(CALLS)).read(records([{"text": "hm"}]))
    assert (batch.unmapped, batch.digests, batch.dead_letters) == (1, [], [])


def test_a_source_without_ids_counts_by_place() -> None:
    voice = "voice: {sources: {s: {at: t, author_id: w, channel: {constant: form}, brand: {constant: b}, text: x}}}"
    stage = VoiceStage(definitions(voice))
    digests = stage.read(records([{"t": "2023-11-15T00:00:00Z", "w": "a", "x": "hi"}] * 2)).digests
    assert len({digest.mention for digest in digests}) == 2


def test_brands_are_the_agreed_ones_and_others_unknown_where_the_list_is_closed() -> None:
    agreed = "voice: {{brands: {{open: {}, agreed: {{Acme: {{words: ['@acme']}}}}}}}}"
    for is_open, expected in (("true", ["Acme", "other"]), ("false", ["Acme", "unknown"])):
        batch = VoiceStage(definitions(agreed.format(is_open))).read(
            records([mention("a", "x", brand="@ACME"), mention("b", "x", brand="other")])
        )
        assert [digest.brand for digest in batch.digests] == expected


def test_sentiment_is_the_sources_else_computed_else_unread() -> None:
    stage = VoiceStage(definitions("voice: {happy: 0.2, unhappy: -0.2}"))
    digests = stage.read(
        records(
            [
                mention("a", "x", "worst ever", sentiment=0.9),
                mention("b", "x", "worst ever"),
                mention("c", "x", "das war leider sehr schlecht"),
                mention("d", "x", None),
                mention("e", "x", "thanks!", language="fr"),
                mention("f", "x", "great", sentiment=0.1),
                mention("g", "x", None, sentiment=-1),
            ]
        )
    ).digests
    assert [digest.mood for digest in digests] == [HAPPY, UNHAPPY, UNREAD, UNREAD, UNREAD, NEUTRAL, UNHAPPY]


def test_a_brands_own_words_hold_in_its_mentions_alone() -> None:
    voice = "voice: {brands: {open: true, agreed: {Board: {valences: {sick: 3, gnarly: 2}}}}, valences: {meh: -3}}"
    stage = VoiceStage(definitions(voice))
    digests = stage.read(
        records([
            mention("a", "x", "your new board is sick", brand="Board"),
            mention("b", "x", "your new board is sick", brand="Hospital"),
            mention("c", "x", "meh", brand="Board"),
        ])
    ).digests  # fmt: skip
    assert [digest.mood for digest in digests] == [HAPPY, UNHAPPY, UNHAPPY]


def test_topics_are_found_by_phrases_and_by_their_names() -> None:
    finder = TopicFinder({"late delivery": ("where is my parcel", "parcel"), "price": ("too expensive", "parcel")})
    assert finder.topics_of("So WHERE is my parcel? It was too expensive") == ("late delivery", "price")
    assert finder.topics_of("#latedelivery late delivery again") == ("late delivery",)
    assert finder.topics_of("nothing of it") == ()


def test_stated_sentiment_of_other_names_is_mapped() -> None:
    voice = """
voice:
  sources:
    s: {mention_id: i, at: t, author_id: w, channel: {constant: review}, brand: {constant: b},
        sentiment: {map: stars, table: {"1": "-1", "3": "0", "5": "1"}}, reach: seen}
"""
    rows = [
        {"i": f"{n}", "t": "2023-11-15T00:00:00Z", "w": "a", "stars": n, "seen": Decimal(n)} for n in (1, 3, 5, 4)
    ]
    value = [orjson.dumps(row, default=float) for row in rows]
    digests = VoiceStage(definitions(voice)).read([RawRecord(one) for one in value]).digests
    assert [(digest.mood, digest.weight) for digest in digests] == [
        (UNHAPPY, 1),
        (NEUTRAL, 3),
        (HAPPY, 5),
        (UNREAD, 4),
    ]
