"""The ledger's worker on Apache Kafka, as a process of its own: exact, whoever dies."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaProducer

from agents.topics import ensure_topics
from config.settings import load
from streams.facts.placement import partition_for
from tests.kafka.broker import KafkaCluster
from tests.live_ledger import (
    LiveWorker,
    assert_balanced,
    assert_same,
    exported_scopes,
    offline,
    replay,
    wait,
)

pytestmark = [pytest.mark.kafka, pytest.mark.exactness]

RETAIL = "config/definitions/online-retail.yaml"
RETAIL_RECORDS = 33_337
SHORT_LAPSE = """
name: short
version: "1"
currency: EUR
time_zone: UTC
native: {silo: native}
value_model: {version: "1", field: {minor_units: value}}
reasons: open
activities: open
lapse: {after: 30m, restarted_by: [purchased]}
"""


@pytest.fixture
def environment(kafka: KafkaCluster, prefix: str) -> dict[str, str]:
    return {
        "KAFKA_BROKERS": kafka.address,
        "NETGROWTH_TOPIC_PREFIX": prefix,
        "NETGROWTH_GROUP_PREFIX": prefix,
        "NETGROWTH_DEFINITIONS": RETAIL,
    }


@pytest.fixture
def workers() -> Iterator[list[LiveWorker]]:
    started: list[LiveWorker] = []
    yield started
    for worker in started:
        worker.process.stop()


def test_two_workers_one_killed_end_at_the_offline_count(
    environment: dict[str, str], workers: list[LiveWorker], tmp_path: Path
) -> None:
    ensure_topics(load(environment))
    workers.extend(LiveWorker(environment, tmp_path, name) for name in ("first", "second"))
    first, second = (worker.wait_ready() for worker in workers)
    sending = replay(environment, "online-retail", "--speed", "4000000")
    wait(lambda: (second.json("/api/v1/status") or {}).get("accounting", {}).get("facts", 0) > 5000, second, "counts")
    shared = [exported_scopes(worker.get("/metrics") or b"") for worker in (first, second)]
    assert shared[0]
    assert shared[1]
    assert not shared[0] & shared[1]

    first.process.kill()
    polls = 0
    while sending.poll() is None or polls < 10:
        ledger = second.json("/api/v1/ledger")
        if ledger is not None:
            assert_balanced(ledger)
            polls += 1
        time.sleep(0.3)
    assert sending.returncode == 0

    expected = offline("online-retail")
    live = second.ledger_of(RETAIL_RECORDS, expected["until"])
    assert_same(live, expected)
    again = LiveWorker(environment, tmp_path, "third")
    workers.append(again)
    again.wait_ready()
    assert second.process.stop() == 0
    assert_same(again.ledger_of(RETAIL_RECORDS, expected["until"]), expected)


@pytest.mark.shared
def test_a_quarter_of_a_telephone_company_equals_the_offline_count(
    environment: dict[str, str], workers: list[LiveWorker], tmp_path: Path
) -> None:
    asked = environment | {"NETGROWTH_DEFINITIONS": "config/definitions/telco-churn.yaml"}
    workers.append(LiveWorker(asked, tmp_path).wait_ready())
    assert replay(asked, "telco-churn").wait(60) == 0
    expected = offline("telco-churn")
    live = workers[0].ledger_of(4914, expected["until"])
    assert_same(live, expected)
    assert live["total"]["net"] == {"customers": -1002, "value": -419_297_800}


def test_a_silent_partition_holds_up_neither_buckets_nor_lapses(
    environment: dict[str, str], workers: list[LiveWorker], tmp_path: Path
) -> None:
    definitions = tmp_path / "short.yaml"
    definitions.write_text(SHORT_LAPSE)
    asked = environment | {"NETGROWTH_DEFINITIONS": str(definitions)}
    worker = LiveWorker(asked, tmp_path).wait_ready()
    workers.append(worker)
    topic = environment["NETGROWTH_TOPIC_PREFIX"] + "customer-events"
    start = datetime(2024, 5, 6, 9, tzinfo=UTC)
    names = {partition_for(f"c{n}".encode(), 4): f"c{n}" for n in range(60)}
    producer = KafkaProducer(bootstrap_servers=environment["KAFKA_BROKERS"])

    def send(partition: int, minutes: int, fact: str) -> None:
        record = _native(names[partition], start + timedelta(minutes=minutes), fact)
        producer.send(topic, orjson.dumps(record), key=names[partition].encode(), partition=partition)

    for partition in range(4):
        send(partition, 0, "joined")
    # For an hour of event time only three of the four have anything to say.
    for minutes in range(1, 61):
        for partition in range(3):
            send(partition, minutes, "purchased")
    producer.flush()
    ledger = worker.ledger_of(4 + 180, "2024-05-06T10:00:00Z")
    assert ledger["until"] == "2024-05-06T10:00:00Z"
    assert ledger["total"]["lost_by_kind"]["lapsed"] == {"customers": 1, "value": 100}
    assert ledger["windows"]["1h"]["lost"]["customers"] == 1
    assert ledger["total"]["closing"]["customers"] == 3
    status: dict[str, Any] = worker.json("/api/v1/status") or {}
    assert status["partitions"]["3"]["idle"]
    assert status["partitions"]["3"]["watermark"] == "2024-05-06T09:00:00Z"


def test_a_pending_loss_falls_due_with_no_new_record(
    environment: dict[str, str], workers: list[LiveWorker], tmp_path: Path
) -> None:
    asked = environment | {"NETGROWTH_DEFINITIONS": "config/definitions/native.yaml"}
    worker = LiveWorker(asked, tmp_path).wait_ready()
    workers.append(worker)
    now = datetime.now(UTC)
    producer = KafkaProducer(bootstrap_servers=environment["KAFKA_BROKERS"])
    leaving = _native("c1", now, "leaving") | {"effective_at": (now + timedelta(seconds=6)).isoformat()}
    for record in (_native("c1", now - timedelta(seconds=1), "joined"), leaving):
        topic = environment["NETGROWTH_TOPIC_PREFIX"] + "customer-events"
        producer.send(topic, orjson.dumps(record), key=b"c1", partition=partition_for(b"c1", 4))
    producer.flush()

    def pending() -> bool:
        found = worker.json("/api/v1/ledger")
        return found is not None and found["total"]["pending_loss"] == {"customers": 1, "value": 100}

    wait(pending, worker, "shows no pending loss", 20)

    def lost() -> bool:
        found = worker.json("/api/v1/ledger")
        return found is not None and found["total"]["lost"]["customers"] == 1

    wait(lost, worker, "did not let the pending loss fall due", 30)
    after = worker.json("/api/v1/ledger") or {}
    assert after["accounting"]["by_clock"] == 1
    assert after["total"]["pending_loss"]["customers"] == 0


def _native(customer: str, at: datetime, fact: str) -> dict[str, Any]:
    return {
        "event_id": f"{customer}-{at.isoformat()}-{fact}",
        "at": at.isoformat(),
        "customer_id": customer,
        "fact": fact,
        "value": 100,
    }
