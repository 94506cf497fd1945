"""What records of own topics become: native records under the customer's key that mean what was said."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.definitions_file import DefinitionsError, parse
from streams.facts.admission import Admission
from streams.facts.models import Link, RawRecord
from streams.intake.intake import Intake, Outgoing

DEFINITIONS = """
name: own
version: "1"
agreed: {by: a test, at: 2026-01-01}
currency: EUR
time_zone: Europe/Berlin
native: {silo: app, own_topics: [app.events]}
reasons:
  agreed:
    too expensive: {words: [price]}
    card failed: {kind: payment}
    moved away: {kind: beyond_us}
activities:
  agreed:
    friends: {earned: true, words: [referral]}
    spring sale: {}
value_model: {version: "1", field: fee}
silos:
  billing:
    own_topics: [billing.invoices.v2]
    customer_id: {linked: account.number}
    event_id: invoice
    zone: Europe/Berlin
    every_fact: {at: day, sequence: line}
    rules:
      - name: tests
        when: [{field: account.number, is: test}]
        drop: true
      - name: begin
        when: [{field: kind, is: begin}]
        facts:
          - {fact: joined, value: model, activity: how, segment: plan, region: {map: state, table: {BY: south}}}
          - {fact: recommended, count: friends, when: [{field: friends, above: 0}]}
          - {fact: same_customer, customer_id: company, when: [{field: company, empty: false}]}
      - name: end
        when: [{field: kind, is: end}]
        facts: [{fact: leaving, reason: why, kind: how, effective_at: until, value: model, product: plan}]
      - name: back
        when: [{field: kind, is: back}]
        facts: [{fact: retracted, retracts: what}]
      - name: alive
        when: [{field: kind, is: alive}]
        facts: [{fact: heartbeat}]
  crm:
    own_topics: [crm.accounts, crm.more]
    customer_id: id
    event_id: {hash: [id, at]}
    rules:
      - name: open
        facts: [{fact: opening, at: at, since: since, last_fact_at: seen, value: model}]
  pairs:
    own_topics: [crm.pairs]
    customer_id: billing_number
    event_id: pair
    rules:
      - name: pair
        facts: [{fact: same_customer, at: at, of_silo: {constant: billing}, customer_id: crm_id}]
  shops:
    own_topics: [shop.pairs]
    customer_id: shop_number
    event_id: pair
    rules:
      - name: pair
        facts:
          - {fact: same_customer, at: at, silo_id: shop_number, to_silo: {constant: billing}, customer_id: number}
health:
  own_topics: [shop.timings]
  signals:
    rules:
      - {name: orders, at: at, event_id: id, customer_id: {linked: account, silo: billing}, service: {constant: shop},
         stage: step, ok: {map: result, table: {y: "true"}, otherwise: "false"}, latency: {field: took, unit: s},
         attributes: {device: phone}}
surveys:
  own_topics: [nps.answers]
  rules:
    - {name: practice, when: [{field: who, is: test}], drop: true}
    - {name: nps, at: at, response_id: id, customer_id: who, score: points, low: {constant: "0"},
       high: {constant: "10"}, sent_at: sent, stage: {constant: delivery}}
voice:
  own_topics: [tweets]
  sources:
    twitter:
      mention_id: id
      at: at
      author_id: handle
      channel: {constant: social}
      brand: {constant: us}
      text: words
      customer_id: {linked: account, silo: billing}
"""
OWN = parse(DEFINITIONS)


def records(topic: str, *documents: dict[str, Any]) -> list[RawRecord]:
    return [
        RawRecord(orjson.dumps(document), b"other", topic, 2, 40 + place) for place, document in enumerate(documents)
    ]


def take(topic: str, *documents: dict[str, Any]) -> list[tuple[bytes | None, dict[str, Any]]]:
    taken = Intake(OWN, topic).take(records(topic, *documents))
    assert [letter.detail for letter in taken.dead_letters] == []
    return [(outgoing.key, orjson.loads(outgoing.value)) for outgoing in taken.outgoing]


def test_a_record_gives_its_facts_under_the_customers_key_and_says_where_each_comes_from() -> None:
    joined = {"invoice": "i1", "account": {"number": 17}, "kind": "begin", "day": "2024-05-01", "fee": "12.50",
              "how": "referral", "plan": "pro", "state": "BY", "friends": 2, "company": "c-1", "line": 3}  # fmt: skip
    taken = Intake(OWN, "billing.invoices.v2").take(
        records("billing.invoices.v2", {"account": {"number": "test"}}, joined, {"kind": "other"}, {"kind": "begin"})
    )
    assert (taken.records, taken.records_with_facts, taken.links, taken.unmapped) == (4, 1, 1, 1)
    assert taken.no_fact == {"tests": 1}
    assert [letter.reason for letter in taken.dead_letters] == ["missing_field"]
    assert [(outgoing.key, outgoing.offset, outgoing.number) for outgoing in taken.outgoing] == [
        (b"billing:17", 41, 0), (b"billing:17", 41, 1), (b"billing:17", 41, 2),
    ]  # fmt: skip
    told = [orjson.loads(outgoing.value) for outgoing in taken.outgoing]
    assert told[0] == {
        "fact": "joined", "at": "2024-04-30T22:00:00Z", "silo": "billing", "event_id": "i1",
        "customer_id": "billing:17", "value": 1250, "segment": "pro", "region": "south", "activity": "friends",
        "by_recommendation": True, "sequence": 3,
    }  # fmt: skip
    assert (told[1]["fact"], told[1]["place"], told[1]["count"]) == ("recommended", 1, 2)
    assert told[2] == {
        "fact": "same_customer", "at": "2024-04-30T22:00:00Z", "event_id": "i1", "silo": "billing", "silo_id": "17",
        "customer_id": "c-1",
    }  # fmt: skip


def test_read_again_a_link_is_the_same_link() -> None:
    pair = {"pair": "p", "billing_number": "17", "at": "2024-05-01T00:00:00Z", "crm_id": "c-1"}
    to_billing = {"pair": "p", "shop_number": "a9", "at": "2024-05-01T00:00:00Z", "number": "17"}
    for topic, document, expected in (
        ("crm.pairs", pair, Link(1_714_521_600_000_000, "p", "billing", "billing:17", "c-1")),
        ("shop.pairs", to_billing, Link(1_714_521_600_000_000, "p", "shops", "a9", "billing:17")),
    ):
        (outgoing,) = Intake(OWN, topic).take(records(topic, document)).outgoing
        assert outgoing.key == expected.silo_id.encode()
        assert Admission(OWN).admit([RawRecord(outgoing.value)]).links == [(0, expected)]


KINDS = st.sampled_from(["begin", "end", "back", "alive"])
TEXTS = st.sampled_from(["", "price", "card failed", "moved away", "friends", "spring sale", "nobody's", "é"])
INVOICES = st.fixed_dictionaries(
    {"kind": KINDS, "invoice": st.sampled_from(["i1", "i2"]), "account": st.just({"number": "7"}),
     "day": st.sampled_from(["2024-05-01T10:00:00.123456", "2024-10-27T02:30:00", "1999-01-01"])},
    optional={"fee": st.sampled_from(["0", "12.345", "7"]), "how": st.sampled_from(["", "voluntary", "payment"]),
              "plan": TEXTS, "why": TEXTS, "friends": st.integers(0, 3), "what": st.just("i1"),
              "until": st.sampled_from(["1999-01-02", "2030-01-01"]), "line": st.integers(-2, 2)},
)  # fmt: skip


@given(st.lists(INVOICES, max_size=8))
def test_read_again_every_fact_is_the_same_fact(documents: list[dict[str, Any]]) -> None:
    own = records("billing.invoices.v2", *documents)
    meant = Admission(OWN, own_topic="billing.invoices.v2").admit(own)
    written = Intake(OWN, "billing.invoices.v2").take(own)
    again = Admission(OWN).admit([RawRecord(outgoing.value) for outgoing in written.outgoing])
    assert again.facts == meant.facts
    assert not again.dead_letters


def test_openings_keep_their_past_and_native_records_only_change_their_key() -> None:
    ((key, told),) = take("crm.more", {"id": "c", "at": "2024-05-01T00:00:00Z", "since": "1950-03-01T00:00:00Z",
                                       "seen": "2024-04-01T00:00:00Z", "fee": 3})  # fmt: skip
    assert (key, told["since"], told["last_fact_at"]) == (b"c", "1950-03-01T00:00:00Z", "2024-04-01T00:00:00Z")
    fact = {"event_id": "e", "at": "2024-05-01T00:00:00Z", "customer_id": "c9", "fact": "joined", "value": 5}
    assert take("app.events", fact) == [(b"c9", fact | {"silo": "app"})]


def test_a_heartbeat_has_no_key() -> None:
    ((key, told),) = take("billing.invoices.v2", {"kind": "alive", "day": "2024-05-01", "invoice": "i",
                                                  "account": {"number": "1"}})  # fmt: skip
    assert (key, told["fact"]) == (None, "heartbeat")


def test_signals_answers_and_mentions_go_to_their_feeds() -> None:
    feeds = {topic: Intake(OWN, topic).feed for topic in OWN.own_topics}
    assert feeds == {
        "billing.invoices.v2": "customer-events", "crm.accounts": "customer-events", "crm.more": "customer-events",
        "crm.pairs": "customer-events", "shop.pairs": "customer-events", "app.events": "customer-events",
        "shop.timings": "qos-signals", "nps.answers": "survey-responses", "tweets": "social-mentions",
    }  # fmt: skip
    at = "2024-05-01T00:00:00Z"
    timing = {"id": "s", "at": at, "account": 17, "step": "pay", "result": "n", "took": "0.25"}
    assert take("shop.timings", timing) == [
        (b"billing:17", {"event_id": "s", "at": at, "customer_id": "billing:17", "service": "shop", "stage": "pay",
                         "ok": False, "latency_ms": 250.0})
    ]  # fmt: skip
    assert take("nps.answers", {"who": "test"}, {"id": 1, "at": at, "who": "c", "points": "7.5", "sent": at}) == [
        (b"c", {"response_id": "1", "at": at, "customer_id": "c", "score": 7.5, "scale": [0.0, 10.0], "sent_at": at,
                "stage": "delivery"})
    ]  # fmt: skip
    assert take("tweets", {"id": "t", "at": at, "handle": "@a", "words": "so slow", "account": "17"}) == [
        (b"@a", {"mention_id": "t", "at": at, "author_id": "@a", "channel": "social", "brand": "us",
                 "text": "so slow", "customer_id": "billing:17"})
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"id": "1", "who": "c", "points": 7}, "missing_field"),
        ({"id": "1", "who": "c", "points": 11, "at": "2024-05-01T00:00:00Z"}, "bad_value"),
        ({"id": "1", "who": "c", "at": "2024-05-01T00:00:00Z"}, "missing_field"),
        ({"response_id": "1", "customer_id": "c", "score": 7, "scale": 10, "at": 5}, "wrong_type"),
        ({"response_id": "1", "customer_id": "c", "score": 7, "scale": [10, 0], "at": 5}, "bad_value"),
        ({"response_id": 1, "customer_id": "c", "score": 7, "scale": [0, 10], "at": 5}, "wrong_type"),
    ],
)
def test_an_answer_that_cannot_be_taken_is_a_dead_letter_and_its_neighbours_go_on(
    answer: dict[str, Any], reason: str
) -> None:
    good = {"response_id": "2", "at": "2024-05-01T00:00:00Z", "customer_id": "c", "score": 1, "scale": [0, 10]}
    taken = Intake(OWN, "nps.answers").take(records("nps.answers", good, answer, good))
    assert [letter.reason for letter in taken.dead_letters] == [reason]
    assert len(taken.outgoing) == 2


def test_an_offset_tells_a_record_without_an_id_from_another() -> None:
    text = DEFINITIONS.replace("    event_id: invoice\n", "")
    taken = Intake(parse(text), "billing.invoices.v2").take(
        records("billing.invoices.v2", {"account": {"number": 1}, "kind": "begin", "day": "2024-05-01"})
    )
    assert [id_of(outgoing) for outgoing in taken.outgoing] == ["billing.invoices.v2-00002-0000000000000000040"]


def id_of(outgoing: Outgoing) -> str:
    found: str = orjson.loads(outgoing.value)["event_id"]
    return found


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        ("own_topics: [tweets]", "own_topics: [nps.answers]", "voice.own_topics[0]",
         "`nps.answers` stands below `surveys` and below `voice`"),
        ("own_topics: [tweets]", "own_topics: [customer-events]", "voice.own_topics[0]",
         "`customer-events` is read as it is: its records have their shape and key already"),
        ("own_topics: [tweets]", "own_topics: [a b]", "voice.own_topics[0]", "`a b` is no name of a topic"),
        ("own_topics: [crm.accounts, crm.more]", "own_topics: [crm.more, crm.more]", "silos.crm.own_topics[1]",
         "`crm.more` stands twice"),
        ("own_topics: [tweets]", "own_topics: []", "voice.own_topics", "the list is empty"),
        ("{linked: account, silo: billing}\n", "{linked: account, silo: crm}\n",
         "voice.sources.twitter.customer_id.silo", "`crm` is no silo whose `customer_id` is linked"),
        ("of_silo: {constant: billing}", "of_silo: {constant: biling}", "silos.pairs.rules.of_silo",
         "`biling` is not known here"),
        ("segment: plan,", "segment: {linked: plan, silo: billing},", "silos.billing.rules[1].facts[0].segment",
         "`segment` is no id of a customer"),
        ("own_topics: [crm.pairs]", "own_topics: [shop.pairs]", "silos.pairs.when",
         "silo `pairs` takes every record, so `shops` gets none"),
        (', score: points, low', ", low", "surveys.rules[1].score", "`score` is missing"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_named_with_its_place(old: str, new: str, path: str, message: str) -> None:
    assert old in DEFINITIONS
    with pytest.raises(DefinitionsError) as raised:
        parse(DEFINITIONS.replace(old, new))
    faults = {(fault.path, fault.message) for fault in raised.value.faults}
    assert faults == {(path, message)}
