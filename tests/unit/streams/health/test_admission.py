"""Records of qos-signals and service-status: signals, statuses, or dead letters by the ledger's rules."""

from typing import Any

import orjson
import pytest

from streams.facts.models import RawRecord
from streams.facts.placement import partition_for
from streams.health.admission import SignalAdmission, StatusAdmission
from streams.health.signals import Level
from tests.unit.streams.health.signalling import definitions, signal

SOUND = orjson.dumps(signal(1))


def reason_of(value: bytes | None) -> tuple[str, str]:
    neighbours = [RawRecord(SOUND), RawRecord(value), RawRecord(orjson.dumps(signal(2)))]
    batch = SignalAdmission(definitions()).admit(neighbours)
    assert (batch.records, len(batch.signals)) == (3, 2)
    (letter,) = batch.dead_letters
    assert letter.payload == value
    return letter.reason.value, letter.detail


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(None, "tombstone", id="null"),
        pytest.param(b"", "empty", id="empty"),
        pytest.param(SOUND[:-5], "not_json", id="cut_off"),
        pytest.param(b"[1]", "not_an_object", id="a_list"),
        pytest.param(b"\xff\xfe", "not_utf8", id="not_utf8"),
        pytest.param(SOUND[:-1] + b',"ok":true}', "duplicate_key", id="key_twice"),
        pytest.param(SOUND[:-1] + b',"attributes":{"a":"x","a":"y"}}', "duplicate_key", id="attribute_twice"),
        pytest.param(SOUND.replace(b"500", b"NaN"), "not_json", id="nan"),
    ],
)
def test_what_is_no_object_is_a_dead_letter_and_its_neighbours_are_not(value: bytes | None, reason: str) -> None:
    assert reason_of(value)[0] == reason


@pytest.mark.parametrize(
    ("changed", "reason", "named"),
    [
        ({"ok": "yes"}, "wrong_type", "ok"),
        ({"ok": 1}, "wrong_type", "ok"),
        ({"latency_ms": "fast"}, "wrong_type", "latency_ms"),
        ({"latency_ms": -1}, "bad_value", "latency_ms"),
        ({"latency_ms": 1e300}, "bad_value", "latency_ms"),
        ({"customers": 0}, "bad_value", "customers"),
        ({"customers": 1.5}, "wrong_type", "customers"),
        ({"customer_id": ""}, "missing_field", "customer_id"),
        ({"customer_id": "x" * 257}, "bad_value", "customer_id"),
        ({"service": None}, "missing_field", "service"),
        ({"stage": "a\u0001b"}, "bad_value", "stage"),
        ({"event_id": 7}, "wrong_type", "event_id"),
        ({"at": "yesterday"}, "bad_time", "at"),
        ({"at": "2024-01-01T00:00:00"}, "bad_time", "zone"),
        ({"at": -1}, "bad_time", "1970"),
        ({"at": 9_000_000_000_000}, "future_time", "future"),
        ({"attributes": {"device": 7}}, "wrong_type", "attributes"),
        ({"attributes": {f"a{n}": "x" for n in range(33)}}, "bad_value", "attributes"),
        ({"synthetic": "no"}, "wrong_type", "synthetic"),
    ],
)
def test_what_cannot_be_a_signal_is_a_dead_letter_that_names_the_field(
    changed: dict[str, Any], reason: str, named: str
) -> None:
    found, detail = reason_of(orjson.dumps({**signal(1), **changed}))
    assert found == reason
    assert named in detail


def test_both_readers_read_the_same() -> None:
    quickly = signal(1, attributes={"device": "ios"}, customers=3, synthetic=False)
    # An escaped slash sends the record the exact way.
    exactly = orjson.dumps(quickly)[:-1] + b',"more":"a\\/b"}'
    batch = SignalAdmission(definitions()).admit([RawRecord(orjson.dumps(quickly)), RawRecord(exactly)])
    assert batch.dead_letters == []
    first, second = batch.signals
    assert first == second
    assert (first.latency_us, first.customers, first.attributes) == (500_000.0, 3, {"device": "ios"})


def test_a_customer_in_another_partition_than_its_own_is_a_dead_letter() -> None:
    place = partition_for(b"c", 4)
    admission = SignalAdmission(definitions(), partitions=4, check_keys=True)
    there = RawRecord(SOUND, b"c", "qos-signals", place, 0)
    elsewhere = RawRecord(SOUND, b"c", "qos-signals", (place + 1) % 4, 1)
    keyless, other = RawRecord(SOUND, None, "qos-signals", place), RawRecord(SOUND, b"d", "qos-signals", place)
    batch = admission.admit([there, elsewhere, keyless, other])
    assert len(batch.signals) == 1
    reasons = [letter.reason.value for letter in batch.dead_letters]
    assert reasons == ["wrong_partition", "missing_key", "key_mismatch"]


def test_statuses_say_up_degraded_or_down_of_a_service_stage_or_region() -> None:
    records = [
        {"at": "2024-01-01T00:00:00Z", "service": "shop", "status": "up"},
        {"at": 1_704_067_200_000, "service": "shop", "stage": "checkout", "region": "north", "status": "down"},
        {"at": "2024-01-01T00:00:00Z", "service": "shop", "status": "fine"},
        {"at": "2024-01-01T00:00:00Z", "status": "up"},
    ]
    batch = StatusAdmission(definitions()).admit([RawRecord(orjson.dumps(record)) for record in records])
    assert [(one.stage, one.region, one.level) for one in batch.statuses] == [
        (None, None, Level.UP), ("checkout", "north", Level.DOWN),
    ]  # fmt: skip
    assert batch.statuses[0].at == batch.statuses[1].at
    assert [letter.reason.value for letter in batch.dead_letters] == ["bad_value", "missing_field"]


MAPPED = """
native: false
signals:
  zone: Europe/London
  every_record:
    event_id: {hash: [order, step]}
    customer_id: buyer
    at: when
    service: {constant: shop}
    latency: {field: took, unit: s}
    attributes: {device: phone.kind}
  rules:
    - {name: tests, when: [{field: buyer, is: test}], drop: true}
    - {name: pays, when: [{field: step, is: pay}], stage: {constant: paying}, ok: {map: result, table: {y: "true"},
       otherwise: "false"}, customers: {field: people, otherwise: 4}}
status:
  rules:
    - {name: ops, at: when, service: what, status: {map: light, table: {green: up, amber: degraded}, otherwise: down}}
"""


def test_a_sources_own_words_become_signals() -> None:
    sound = {
        "order": 7, "step": "pay", "buyer": "b1", "when": "2024-07-01T12:00:00", "took": "2.5", "result": "y",
        "phone": {"kind": "ios"},
    }  # fmt: skip
    records = [
        sound, {**sound, "order": 8, "result": "n", "people": 2, "took": -3}, {**sound, "buyer": "test"},
        {**sound, "step": "look"}, {**sound, "took": "long"}, {**sound, "when": None}, signal(1),
    ]  # fmt: skip
    batch = SignalAdmission(definitions(MAPPED)).admit([RawRecord(orjson.dumps(record)) for record in records])
    first, second = batch.signals
    assert (first.service, first.stage, first.ok, first.latency_us) == ("shop", "paying", True, 2_500_000.0)
    assert (first.at, first.attributes, first.customers) == (1_719_831_600_000_000, {"device": "ios"}, 4)
    assert (second.ok, second.latency_us, second.customers) == (False, 0.0, 2)
    assert first.event_id != second.event_id
    assert (batch.no_signal, batch.unmapped) == ({"tests": 1}, 2)
    assert [letter.reason.value for letter in batch.dead_letters] == ["bad_value", "missing_field"]
    said = StatusAdmission(definitions(MAPPED)).admit(
        [RawRecord(orjson.dumps({"when": "2024-07-01T12:00:00Z", "what": "shop", "light": "amber"}))]
    )
    assert [status.level for status in said.statuses] == [Level.DEGRADED]
