"""Every reason for which a record is refused, once, between two good neighbours."""

import json
from pathlib import Path

import pytest

from config.definitions_file import load, parse
from streams.facts.admission import Admission, AdmittedBatch
from streams.facts.models import RawRecord, RejectReason
from streams.facts.placement import partition_for

NATIVE = load(Path(__file__).parents[4] / "config" / "definitions" / "native.yaml")
NOW = 1_709_294_400_000_000  # 2024-03-01T12:00:00Z
GOOD = {"event_id": "e1", "at": "2024-03-01T11:00:00Z", "customer_id": "c1", "fact": "joined", "value": 100}
R = RejectReason


def but(**fields: object) -> bytes:
    """The good record, but for these fields; None takes one away."""
    record = GOOD | fields
    return json.dumps({name: value for name, value in record.items() if value is not None}).encode()


def raw(old: str, new: str) -> bytes:
    """The good record's text with one part replaced."""
    text = json.dumps(GOOD)
    assert old in text
    return text.replace(old, new).encode()


def deep(levels: int) -> bytes:
    return raw("100", '100, "x": ' + "[" * levels + "]" * levels)


def admit(admission: Admission, *values: bytes | None, key: bytes | None = b"c1") -> AdmittedBatch:
    return admission.admit([RawRecord(value, key, "customer-events", 0, n) for n, value in enumerate(values)])


CASES = [
    ("tombstone", None, R.TOMBSTONE),
    ("empty", b"", R.EMPTY),
    ("blank", b"  ", R.NOT_JSON),
    ("text", b"hello", R.NOT_JSON),
    ("truncated", json.dumps(GOOD)[:-5].encode(), R.NOT_JSON),
    ("trailing bytes", json.dumps(GOOD).encode() + b"}", R.NOT_JSON),
    ("byte order mark", b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), R.NOT_JSON),
    ("NaN", raw("100", "NaN"), R.NOT_JSON),
    ("NaN in a field that nobody reads", raw("100", '100, "x": NaN'), R.NOT_JSON),
    ("Infinity", raw("100", "-Infinity"), R.NOT_JSON),
    ("single quotes", raw('"c1"', "'c1'"), R.NOT_JSON),
    ("control character", raw("c1", "c\x011"), R.NOT_JSON),
    ("invalid UTF-8", raw("c1", "c1").replace(b"c1", b"c\xff1"), R.NOT_UTF8),
    ("invalid UTF-8 in a field that nobody reads", raw("100", '100, "x": "?"').replace(b"?", b"\xc3"), R.NOT_UTF8),
    ("half a surrogate pair", raw("c1", "c\\ud8001"), R.NOT_UTF8),
    ("a list", b"[1, 2]", R.NOT_AN_OBJECT),
    ("a number", b"17", R.NOT_AN_OBJECT),
    ("null", b"null", R.NOT_AN_OBJECT),
    ("1000 deep", deep(1000), R.TOO_DEEP),
    ("100000 deep", deep(100_000), R.TOO_DEEP),
    ("1 MB text", raw("c1", "c" * 1_000_000), R.TOO_LARGE),
    ("1 MB text in a field that nobody reads", raw("100", '100, "x": "' + "y" * 1_000_000 + '"'), R.TOO_LARGE),
    ("one key twice", raw('"value"', '"customer_id": "c2", "value"'), R.DUPLICATE_KEY),
    ("one key twice with one value", raw('"value"', '"customer_id": "c1", "value"'), R.DUPLICATE_KEY),
    ("one key twice, once written with an escape", raw('"value"', '"f\\u0061ct": "left", "value"'), R.DUPLICATE_KEY),
    ("one number twice", raw('"value"', '"value": 1, "value"'), R.DUPLICATE_KEY),
    ("a null and a value", raw('"value"', '"value": null, "value"'), R.DUPLICATE_KEY),
    ("one key twice, unknown", raw('"value"', '"x": 1, "x": 2, "value"'), R.DUPLICATE_KEY),
    ("one key twice, inside", raw('"value"', '"x": {"y": 1, "y": 1}, "value"'), R.DUPLICATE_KEY),
    ("null byte", raw("c1", "c1").replace(b"c1", b"c\x001"), R.NULL_BYTE),
    ("null character", raw("c1", "c\\u00001"), R.NULL_BYTE),
    ("null character in a field that nobody reads", raw("100", '100, "x": ["\\u0000"]'), R.NULL_BYTE),
    *(
        (f"{name} is missing", but(**{name: None}), R.MISSING_FIELD)
        for name in ("event_id", "at", "customer_id", "fact")
    ),
    ("null where a text is needed", raw('"c1"', "null"), R.MISSING_FIELD),
    ("an empty id", but(customer_id=""), R.MISSING_FIELD),
    ("a retraction of nothing", but(fact="retracted"), R.MISSING_FIELD),
    ("a number as id", but(customer_id=17), R.WRONG_TYPE),
    ("a number in quotes", but(value="100"), R.WRONG_TYPE),
    ("a fraction", but(value=100.5), R.WRONG_TYPE),
    ("a fraction that is whole", raw("100", "100.0"), R.WRONG_TYPE),
    ("true where a number is needed", but(value=True), R.WRONG_TYPE),
    ("true where a time is needed", but(at=True), R.WRONG_TYPE),
    ("a list as segment", but(segment=["a"]), R.WRONG_TYPE),
    ("1 where yes or no is needed", but(by_recommendation=1), R.WRONG_TYPE),
    ("unknown fact", but(fact="vanished"), R.UNKNOWN_FACT),
    ("fact in capitals", but(fact="JOINED"), R.UNKNOWN_FACT),
    ("link without a silo", but(fact="same_customer"), R.MISSING_FIELD),
    ("link without the silo's id", but(fact="same_customer", silo="crm"), R.MISSING_FIELD),
    ("place below zero", but(place=-1), R.BAD_VALUE),
    ("negative value", but(value=-1), R.BAD_VALUE),
    ("absurd value", but(value=10**15 + 1), R.BAD_VALUE),
    ("beyond 64 bits", but(value=2**64), R.BAD_VALUE),
    ("10000 digits", raw("100", "9" * 10_000), R.BAD_VALUE),
    ("sequence beyond 64 bits", but(sequence=2**63), R.BAD_VALUE),
    ("no recommendation", but(fact="recommended", count=0), R.BAD_VALUE),
    ("a long id", but(customer_id="c" * 257), R.BAD_VALUE),
    ("a control character in an id", raw("c1", "c\\n1"), R.BAD_VALUE),
    ("a long segment", but(segment="s" * 257), R.BAD_VALUE),
    ("a kind that is none", but(fact="left", kind="lapsed"), R.BAD_VALUE),
    ("no time", but(at="yesterday"), R.BAD_TIME),
    ("a date", but(at="2024-03-01"), R.BAD_TIME),
    ("31 February", but(at="2024-02-31T00:00:00Z"), R.BAD_TIME),
    ("a time without a zone", but(at="2024-03-01T11:00:00"), R.BAD_TIME),
    ("before 1970", but(at="1969-12-31T23:59:59Z"), R.BAD_TIME),
    ("before 1970 in milliseconds", but(at=-1), R.BAD_TIME),
    ("effective_at without a zone", but(fact="leaving", effective_at="2024-04-01T00:00:00"), R.BAD_TIME),
    ("effective_at beyond the calendar", but(fact="leaving", effective_at=2**60), R.BAD_TIME),
    ("seconds too far ahead", but(at="2024-03-01T13:00:01Z"), R.FUTURE_TIME),
    ("microseconds for milliseconds", but(at=NOW), R.FUTURE_TIME),
    ("beyond 64 bits", but(at=2**70), R.FUTURE_TIME),
]


@pytest.mark.parametrize(("value", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_bad_record_is_a_dead_letter_and_its_neighbours_are_facts(
    value: bytes | None, reason: RejectReason
) -> None:
    admission = Admission(NATIVE, now_us=lambda: NOW)
    batch = admit(admission, but(event_id="before"), value, but(event_id="after"))
    assert [fact.event_id for fact in batch.facts] == ["before", "after"]
    assert [(letter.reason, letter.payload, letter.position.offset) for letter in batch.dead_letters] == [
        (reason, value, 1)
    ]
    assert len(batch.dead_letters[0].detail) < 200
    assert (batch.records, batch.records_with_facts, batch.unmapped, batch.no_fact) == (3, 2, 0, {})


def test_what_is_just_inside_the_limits_is_a_fact() -> None:
    values = [
        but(value=10**15),
        but(value=0),
        but(customer_id="c" * 256),
        but(at="1970-01-01T00:00:00Z"),
        but(at=0),
        but(at="2024-03-01T13:00:00Z"),
        but(at="2024-03-01T08:00:00-05:00"),
        deep(31),
        but(segment="a\u00a0b"),
        but(sequence=-(2**63)),
        but(region=None, segment="\u00e9\U0001f600"),
        raw("100", '100, "x": 1e400, "y": 99999999999999999999999'),
        raw("c1", "c\\\\u0000"),
        raw('"value"', '"x": {"y": 1}, "z": {"y": 1}, "value"'),
        but(since="1965-01-01T00:00:00Z", fact="opening"),
    ]
    batch = admit(Admission(NATIVE, now_us=lambda: NOW), *values)
    assert [letter.detail for letter in batch.dead_letters] == []
    assert len(batch.facts) == len(values)


def test_without_a_wall_clock_only_an_absurd_time_lies_in_the_future() -> None:
    batch = admit(Admission(NATIVE), but(at="2199-12-31T23:59:59Z"), but(at="2200-01-01T00:00:01Z"))
    assert [letter.reason for letter in batch.dead_letters] == [R.FUTURE_TIME]
    assert len(batch.facts) == 1


@pytest.mark.parametrize(
    ("key", "reason"),
    [(None, R.MISSING_KEY), (b"", R.MISSING_KEY), (b"c2", R.KEY_MISMATCH), (b"\xff", R.KEY_MISMATCH), (b"c1", None)],
)
def test_a_native_record_needs_its_customer_as_key(key: bytes | None, reason: RejectReason | None) -> None:
    batch = admit(Admission(NATIVE, check_keys=True), but(), key=key)
    assert [letter.reason for letter in batch.dead_letters] == ([] if reason is None else [reason])
    assert len(batch.facts) == (reason is None)
    exactly = admit(Admission(NATIVE, check_keys=True), but(segment='"'), key=key)  # an escape: not the quick way
    assert [letter.reason for letter in exactly.dead_letters] == ([] if reason is None else [reason])


def test_a_record_in_the_wrong_partition_is_a_dead_letter() -> None:
    own = partition_for(b"c1", 4)
    admission = Admission(NATIVE, partitions=4, check_keys=True)
    records = [
        RawRecord(but(segment=segment), b"c1", "t", partition) for partition in range(4) for segment in ("a", '"')
    ]
    batch = admission.admit(records)
    assert {letter.reason for letter in batch.dead_letters} == {R.WRONG_PARTITION}
    assert [letter.position.partition for letter in batch.dead_letters] == [
        partition for partition in range(4) for _ in range(2) if partition != own
    ]
    assert len(batch.facts) == 2


def test_a_heartbeat_needs_neither_customer_nor_key_and_gives_no_fact() -> None:
    admission = Admission(NATIVE, partitions=4, check_keys=True)
    batch = admission.admit(
        [
            RawRecord(b'{"fact": "heartbeat", "at": 1000}', None, "t", 3),
            RawRecord(b'{"fact": "heartbeat", "at": 2000, "silo": "\\"x"}', None, "t", 1),
        ]
    )
    assert [(fact.kind, fact.at, fact.customer_id) for fact in batch.facts] == [
        ("heartbeat", 1_000_000, ""),
        ("heartbeat", 2_000_000, ""),
    ]
    assert batch.no_fact == {"heartbeat": 2}
    assert (batch.heartbeats, batch.records_with_facts, batch.dead_letters) == (2, 0, [])


MAPPED = parse("""
name: m
version: "1"
currency: EUR
time_zone: UTC
rates: {USD: [{from: 2024-01-01, rate: "0.9"}]}
value_model: {version: "1", field: {money: paid, currency: {field: coin}}}
silos:
  shop:
    customer_id: who
    event_id: id
    rules:
      - name: sale
        facts:
          - {fact: joined, at: when, value: model}
          - {fact: recommended, at: when, count: friends}
""")
SALE = {"id": "1", "who": "c1", "when": "2024-03-01T00:00:00Z", "paid": "1.50", "coin": "USD", "friends": "2"}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"paid": "-0.01"}, R.BAD_VALUE),
        ({"paid": "99999999999999"}, R.BAD_VALUE),
        ({"paid": "1e300"}, R.BAD_VALUE),
        ({"paid": "1,50"}, R.BAD_VALUE),
        ({"paid": 2**63}, R.BAD_VALUE),
        ({"paid": True}, R.WRONG_TYPE),
        ({"paid": ["1.50"]}, R.WRONG_TYPE),
        ({"coin": "CHF"}, R.NO_RATE),
        ({"coin": ""}, R.MISSING_FIELD),
        ({"when": "2023-12-31T23:59:59Z"}, R.NO_RATE),
        ({"when": "2024-03-01T00:00:00"}, R.BAD_TIME),
        ({"when": ""}, R.MISSING_FIELD),
        ({"when": 5}, R.WRONG_TYPE),
        ({"who": ""}, R.MISSING_FIELD),
        ({"who": {}}, R.WRONG_TYPE),
        ({"who": 2**64}, R.BAD_VALUE),
        ({"id": None}, R.MISSING_FIELD),
        ({"friends": "two"}, R.BAD_VALUE),
        ({"friends": "2.5"}, R.BAD_VALUE),
        ({"friends": "0"}, R.BAD_VALUE),
    ],
)
def test_a_mapped_record_of_which_one_fact_is_bad_is_a_dead_letter_whole(fields: dict, reason: RejectReason) -> None:
    good = json.dumps(SALE).encode()
    batch = admit(Admission(MAPPED), good, json.dumps(SALE | fields).encode(), good)
    assert [letter.reason for letter in batch.dead_letters] == [reason]
    assert [fact.kind for fact in batch.facts] == ["joined", "recommended"] * 2
    assert batch.facts[0].value == 135


def test_a_mapped_record_lies_in_the_partition_of_its_customer_whatever_its_key() -> None:
    own = partition_for(b"c1", 5)
    records = [
        RawRecord(json.dumps(SALE).encode(), key, "t", partition)
        for partition in range(5)
        for key in (None, b"c1", b"something else")
    ]
    batch = Admission(MAPPED, partitions=5, check_keys=True).admit(records)
    assert {letter.reason for letter in batch.dead_letters} == {R.WRONG_PARTITION}
    assert batch.records_with_facts == 3
    assert all(letter.position.partition != own for letter in batch.dead_letters)
