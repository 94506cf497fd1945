"""Dead letters on the embedded broker: seen once by reason, put back once, remembered."""

import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result
from kafka import KafkaConsumer, TopicPartition

from agents.commands.dead_letters import command
from agents.dead_letters import REPLAYED_FROM, REPLAYING, ReplayNote, encode_dead_letter, encode_note
from agents.kafka_clients import kafka_python_options
from agents.replay.sending import create_producer
from agents.topics import BY_NAME, ensure_topics
from config.definitions_file import load as load_definitions
from config.settings import Settings
from streams.facts.admission import Admission
from streams.facts.models import DeadLetter, Position, RawRecord, RejectReason
from streams.facts.placement import partition_for
from streams.ledger.rules import DAY
from streams.tables.calendar import utc_text
from streams.tables.part_records import Progress, progress_record

pytestmark = pytest.mark.embedded

TOPICS = [BY_NAME[name] for name in ("customer-events", "dead-letters", "scope-parts")]
NOW = time.time_ns() // 1000


def native(customer: str, at: int = NOW, event: str = "e1") -> bytes:
    record = {"event_id": event, "at": at // 1000, "customer_id": customer, "fact": "joined", "value": 100}
    return orjson.dumps(record)


def letter(settings: Settings, offset: int, reason: str, payload: bytes | None, key: bytes | None) -> DeadLetter:
    headers = (("trace", b"\x00\xff"),)
    place = Position(settings.topic("customer-events"), 1, offset)
    return DeadLetter(place, RejectReason(reason), f"what was wrong at {offset}", payload, key, headers, NOW // 1000)


def send(settings: Settings, topic: str, records: list[tuple[bytes, bytes]]) -> None:
    producer = create_producer(settings)
    for key, value in records:
        producer.send(settings.topic(topic), key=key, value=value)
    producer.close()


@pytest.fixture
def letters(settings: Settings) -> list[DeadLetter]:
    """Six letters, the first written twice; every partition stands at now."""
    ensure_topics(settings, TOPICS)
    found = [
        letter(settings, 0, "missing_key", native("anna"), None),
        letter(settings, 1, "wrong_partition", native("berta"), b"berta"),
        letter(settings, 2, "not_json", b"{", b"c"),
        letter(settings, 3, "wrong_partition", native("clara", NOW - 2 * DAY), b"clara"),
        letter(settings, 4, "key_mismatch", native("dora"), b"someone"),
        letter(settings, 5, "tombstone", None, b"c"),
    ]
    send(settings, "dead-letters", [encode_dead_letter(one) for one in [*found, found[0]]])
    send(
        settings,
        "scope-parts",
        [progress_record(number, Progress(0, NOW, True, False, "1")) for number in range(settings.partitions)],
    )
    return found


def run(environment: dict[str, str], *words: str) -> Any:
    result: Result = CliRunner(env=environment).invoke(command, [*words, "--json"])
    assert result.exit_code == 0, result.output
    return orjson.loads(result.stdout)


def in_topic(settings: Settings) -> list[Any]:
    consumer = KafkaConsumer(**kafka_python_options(settings), enable_auto_commit=False, consumer_timeout_ms=700)
    try:
        topic = settings.topic("customer-events")
        consumer.assign([TopicPartition(topic, number) for number in range(settings.partitions)])
        consumer.seek_to_beginning()
        return list(consumer)
    finally:
        consumer.close()


@pytest.mark.usefixtures("letters")
def test_each_letter_is_listed_once_by_reason(environment: dict[str, str], settings: Settings) -> None:
    found = run(environment, "list")
    assert found["dead_letters"] == 6
    assert {line["reason"]: line["records"] for line in found["reasons"]} == {
        "wrong_partition": 2, "missing_key": 1, "not_json": 1, "key_mismatch": 1, "tombstone": 1,
    }  # fmt: skip
    one = run(environment, "list", "--reason", "not_json")
    assert one["reasons"][0]["example"] == {
        "topic": settings.topic("customer-events"), "partition": 1, "offset": 2, "detail": "what was wrong at 2",
    }  # fmt: skip
    assert one["records"][0]["payload"] == "ew=="
    text = CliRunner(env=environment).invoke(command, ["list"]).stdout
    assert "wrong_partition: 2 records" in text
    assert "what was wrong at 5" in text


@pytest.mark.usefixtures("letters")
def test_what_is_admitted_now_goes_back_once_with_its_key_and_headers(
    environment: dict[str, str], settings: Settings
) -> None:
    planned = run(environment, "replay", "--dry-run")
    assert (planned["put_back"], planned["sent"]) == (2, 0)
    assert in_topic(settings) == []
    told = run(environment, "replay")
    assert (told["put_back"], told["sent"], told["already_replayed"]) == (2, 2, 0)
    assert {(line["why"], line["reason"]) for line in told["held_back"]} == {
        ("not_admitted", "not_json"), ("not_admitted", "tombstone"), ("not_admitted", "key_mismatch"),
        ("older_than_horizon", "wrong_partition"),
    }  # fmt: skip
    records = {record.key: record for record in in_topic(settings)}
    assert set(records) == {b"anna", b"berta"}
    for key, place in ((b"anna", 0), (b"berta", 1)):
        record = records[key]
        assert record.partition == partition_for(key, settings.partitions)
        assert record.value == native(key.decode())
        origin = f"{settings.topic('customer-events')}-1-{place}".encode()
        assert list(record.headers) == [("trace", b"\x00\xff"), (REPLAYED_FROM, origin)]
    again = run(environment, "replay")
    assert (again["put_back"], again["sent"], again["already_replayed"]) == (0, 0, 2)
    assert len(in_topic(settings)) == 2
    assert run(environment, "list")["replayed"] == 2


def test_a_replay_that_was_interrupted_finds_what_it_had_sent(
    environment: dict[str, str], settings: Settings, letters: list[DeadLetter]
) -> None:
    topic = settings.topic("customer-events")
    started = ReplayNote(REPLAYING, topic, 0, -1)
    send(settings, "dead-letters", [encode_note(one.position, started) for one in letters[:2]])
    producer = create_producer(settings)
    producer.send(topic, key=b"anna", value=native("anna"), headers=[(REPLAYED_FROM, f"{topic}-1-0".encode())])
    producer.close()
    told = run(environment, "replay")
    assert (told["put_back"], told["sent"], told["found_sent"]) == (2, 1, 1)
    assert sorted(record.key for record in in_topic(settings)) == [b"anna", b"berta"]
    assert run(environment, "replay")["already_replayed"] == 2


def test_without_a_worker_nothing_is_known_of_the_horizon(environment: dict[str, str], settings: Settings) -> None:
    ensure_topics(settings, TOPICS)
    send(settings, "dead-letters", [encode_dead_letter(letter(settings, 0, "missing_key", native("anna"), None))])
    told = run(environment, "replay")
    assert told["put_back"] == 0
    assert told["held_back"][0]["why"] == "partition_not_counted_yet"


@pytest.mark.parametrize(("name", "version"), [("native", "2"), ("", "2"), ("shop", "1")])
@pytest.mark.usefixtures("letters")
def test_definitions_must_be_those_the_workers_count_by(
    environment: dict[str, str], settings: Settings, name: str, version: str
) -> None:
    told = Progress(0, NOW, True, False, version, definitions_name=name)
    send(settings, "scope-parts", [progress_record(2, told)])
    result = CliRunner(env=environment).invoke(command, ["replay"])
    assert result.exit_code == 2
    assert f"partition 2 under the definitions {name or 'of version'} {version}, these are native 1" in result.stderr
    assert in_topic(settings) == []


def test_topics_that_are_missing_are_named(environment: dict[str, str]) -> None:
    result = CliRunner(env=environment).invoke(command, ["list"])
    assert result.exit_code == 2
    assert "netgrowth topics create" in result.stderr


OWN = """
name: own
version: "1"
agreed: {by: a test, at: 2026-01-01}
currency: EUR
time_zone: UTC
value_model: {version: "1", field: paid}
silos:
  billing:
    own_topics: [TOPIC]
    customer_id: account
    event_id: id
    rules:
      - {name: trials, when: [{field: plan, is: trial}], drop: true}
      - {name: paid, facts: [{fact: purchased, at: at, value: model}, {fact: profile_changed, at: at, segment: plan}]}
"""


def test_what_intake_makes_now_of_a_record_of_an_own_topic_goes_where_intake_writes(
    environment: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    ensure_topics(settings, TOPICS)
    topic = f"billing.{settings.topic('v1')}"
    file = tmp_path / "own.yaml"
    file.write_text(OWN.replace("TOPIC", topic))
    moment = utc_text(NOW)

    def refused(offset: int, **fields: Any) -> DeadLetter:
        invoice = {"id": f"i{offset}", "account": "anna", "at": moment, "paid": 5, "plan": "pro"}
        value = orjson.dumps(invoice | fields)
        place = Position(topic, 0, offset)
        return DeadLetter(place, RejectReason.MISSING_FIELD, "paid was missing", value, b"x", (), NOW // 1000)

    letters = [refused(0), refused(1, account=""), refused(2, plan="trial"), refused(3, at=utc_text(NOW - 9 * DAY))]
    send(settings, "dead-letters", [encode_dead_letter(one) for one in letters])
    mended = {**environment, "NETGROWTH_DEFINITIONS": str(file)}
    assert run(mended, "replay")["held_back"][0]["why"] == "partition_not_counted_yet"
    told = Progress(0, NOW, True, False, "1", definitions_name="own")
    send(settings, "scope-parts", [progress_record(number, told) for number in range(settings.partitions)])
    told = run(mended, "replay")
    assert (told["put_back"], told["sent"]) == (1, 1)
    assert {line["why"] for line in told["held_back"]} == {"not_admitted", "gives_nothing", "older_than_horizon"}
    records = in_topic(settings)
    assert [(record.key, orjson.loads(record.value)["fact"]) for record in records] == [
        (b"anna", "purchased"), (b"anna", "profile_changed"),
    ]  # fmt: skip
    assert {record.partition for record in records} == {partition_for(b"anna", settings.partitions)}
    batch = Admission(load_definitions(file)).admit([RawRecord(record.value, record.key) for record in records])
    assert (batch.facts[0].silo, batch.facts[0].value, batch.facts[0].at) == ("billing", 500, NOW)
    assert (run(mended, "replay")["put_back"], len(in_topic(settings))) == (0, 2)


def test_of_a_record_that_gives_several_those_that_lack_are_sent_after_an_interruption(
    environment: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    ensure_topics(settings, TOPICS)
    topic = f"billing.{settings.topic('v1')}"
    file = tmp_path / "own.yaml"
    file.write_text(OWN.replace("TOPIC", topic))
    value = orjson.dumps({"id": "i0", "account": "anna", "at": utc_text(NOW), "paid": 5, "plan": "pro"})
    one = DeadLetter(Position(topic, 0, 0), RejectReason.MISSING_FIELD, "", value, b"x", (), NOW // 1000)
    started = ReplayNote(REPLAYING, settings.topic("customer-events"), 0, -1)
    send(settings, "dead-letters", [encode_dead_letter(one), encode_note(one.position, started)])
    producer = create_producer(settings)
    sent = [(REPLAYED_FROM, f"{topic}-0-0".encode())]
    producer.send(settings.topic("customer-events"), key=b"anna", value=b"{}", headers=sent)
    producer.close()
    told = Progress(0, NOW, True, False, "1", definitions_name="own")
    send(settings, "scope-parts", [progress_record(number, told) for number in range(settings.partitions)])
    mended = {**environment, "NETGROWTH_DEFINITIONS": str(file)}
    assert run(mended, "replay")["sent"] == 1
    assert len(in_topic(settings)) == 3
    assert run(mended, "replay")["already_replayed"] == 1
