"""A new version of the definitions takes over on Apache Kafka: no moment shows a mixture, whoever dies on the way."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from agents.topics import ensure_topics
from config.settings import load
from streams.facts.placement import partition_for
from tests.kafka.broker import KafkaCluster
from tests.live_ledger import LiveWorker, assert_balanced, wait

pytestmark = [pytest.mark.kafka, pytest.mark.exactness]

DEFINITIONS = """
name: company
version: "{version}"
currency: EUR
time_zone: UTC
native: {{silo: native}}
value_model: {{version: "1", field: {{minor_units: value}}}}
reasons: open
activities: open
{lapse}
"""
CUSTOMERS = 400
START = datetime(2024, 5, 6, 9, tzinfo=UTC)


class Watch:
    """Asks all workers all the time, and remembers by which version each moment was told; two at once fail."""

    def __init__(self, workers: list[LiveWorker]) -> None:
        self.told: list[set[str]] = []
        self.faults: list[str] = []
        self._workers = workers
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.is_set():
            versions = set()
            for worker in list(self._workers):
                ledger = worker.json("/api/v1/ledger")
                if ledger is not None:
                    versions.add(ledger["definitions"]["version"])
                    self._check(ledger)
                page = (worker.get("/metrics") or b"").decode()
                info = [line for line in page.splitlines() if line.startswith("netgrowth_definitions_info{")]
                versions |= {version for version in "12" for line in info if f'version="{version}"' in line}
            self.told.append(versions)
            time.sleep(0.1)

    def _check(self, ledger: dict[str, Any]) -> None:
        try:
            assert_balanced(ledger)
            lapsed = ledger["total"]["lost_by_kind"].get("lapsed")
            assert (lapsed is not None) == (ledger["definitions"]["version"] == "2")
        except AssertionError as error:
            self.faults.append(str(error))


@pytest.fixture
def workers() -> Iterator[list[LiveWorker]]:
    started: list[LiveWorker] = []
    yield started
    for worker in started:
        worker.process.stop()


def ended(worker: LiveWorker) -> int | None:
    """The exit status of a worker that ends by itself."""
    for _ in range(600):
        if worker.process.exit_status is not None:
            break
        time.sleep(0.1)
    return worker.process.exit_status


def send(environment: dict[str, str], first: int, last: int) -> None:
    producer = KafkaProducer(bootstrap_servers=environment["KAFKA_BROKERS"])
    topic = environment["NETGROWTH_TOPIC_PREFIX"] + "customer-events"
    for number in range(first, last):
        customer = f"c{number}"
        record = {
            "event_id": customer, "at": (START + timedelta(minutes=number)).isoformat(), "customer_id": customer,
            "fact": "joined", "value": 100,
        }  # fmt: skip
        place = partition_for(customer.encode(), 4)
        producer.send(topic, orjson.dumps(record), key=customer.encode(), partition=place)
    producer.flush()


def test_a_new_version_takes_over_and_no_moment_shows_two(
    kafka: KafkaCluster, prefix: str, workers: list[LiveWorker], tmp_path: Path
) -> None:
    files = {}
    for version, lapse in (("1", ""), ("2", "lapse: {after: 60m, restarted_by: [joined]}")):
        files[version] = tmp_path / f"{version}.yaml"
        files[version].write_text(DEFINITIONS.format(version=version, lapse=lapse))
    old = {
        "KAFKA_BROKERS": kafka.address, "NETGROWTH_TOPIC_PREFIX": prefix, "NETGROWTH_GROUP_PREFIX": prefix,
        "NETGROWTH_DEFINITIONS": str(files["1"]), "NETGROWTH_SESSION_TIMEOUT": "3s",
        "NETGROWTH_HEARTBEAT_INTERVAL": "500ms",
    }  # fmt: skip
    new = old | {"NETGROWTH_DEFINITIONS": str(files["2"]), "NETGROWTH_EDITION": "v2"}
    session = {"NETGROWTH_SESSION_TIMEOUT": "3s"}
    ensure_topics(load(old))
    ensure_topics(load(new))
    send(old, 0, CUSTOMERS // 2)
    workers.append(LiveWorker(old, tmp_path, "old", **session).wait_ready())
    assert workers[0].ledger_of(CUSTOMERS // 2)["total"]["closing"]["customers"] == CUSTOMERS // 2

    # Under other definitions, but of no edition of its own: it may not even stand by.
    wrong = LiveWorker(new | {"NETGROWTH_EDITION": ""}, tmp_path, "wrong", **session)
    assert ended(wrong) == 2
    assert "NETGROWTH_EDITION" in wrong.process.last_lines()

    gone = b"segment=gone/all"
    producer = KafkaProducer(bootstrap_servers=kafka.address)
    row = {"window": "all", "definitions": {"name": "company", "version": "1"}}
    producer.send(f"{prefix}net-growth", orjson.dumps(row), key=gone, partition=partition_for(gone, 4))
    producer.flush()

    with Watch(workers) as watch:
        first = LiveWorker(new, tmp_path, "first", **session)
        wait(lambda: first.json("/api/v1/status") is not None, first, "has no page")
        # It dies in the middle of its way; whoever comes goes on.
        first.process.kill()
        workers.append(second := LiveWorker(new, tmp_path, "second", **session))
        send(old, CUSTOMERS // 2, CUSTOMERS)
        assert ended(workers[0]) == 2
        assert "has taken over from (the first)" in workers[0].process.last_lines()
        # Just now nobody shows anything: the one that took over dies, too.
        second.process.kill()
        workers[:] = [third := LiveWorker(new, tmp_path, "third", **session)]
        ledger = third.wait_ready().ledger_of(CUSTOMERS)
    assert ledger["definitions"]["version"] == "2"
    assert ledger["total"]["new"]["customers"] == CUSTOMERS
    assert ledger["total"]["lost_by_kind"]["lapsed"]["customers"] == CUSTOMERS - 60
    assert watch.faults == []
    assert all(len(versions) <= 1 for versions in watch.told)
    seen = [next(iter(versions)) for versions in watch.told if versions]
    assert seen == sorted(seen)
    assert set(seen) == {"1", "2"}

    # net-growth goes the same way: by one version after the other, the newest of every key by the new one.
    written = rows_written(old, prefix)
    versions = [row["definitions"]["version"] for _, row in written if row is not None]
    assert versions == sorted(versions)
    newest = dict(written)
    assert newest.pop(gone) is None  # a scope that the new one does not know
    assert {row["definitions"]["version"] for row in newest.values() if row["window"] not in ("hour", "day")} == {"2"}

    # The old one cannot come back, and says so.
    back = LiveWorker(old, tmp_path, "back", **session)
    assert ended(back) == 2


def rows_written(environment: dict[str, str], prefix: str) -> list[tuple[bytes, Any]]:
    """Keys and rows of net-growth in the order of being written; None where a row was deleted."""
    consumer = KafkaConsumer(bootstrap_servers=environment["KAFKA_BROKERS"], consumer_timeout_ms=2000)
    topic = f"{prefix}net-growth"
    partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    found = [(one.timestamp, one.key, one.value and orjson.loads(one.value)) for one in consumer]
    consumer.close()
    return [(key, row) for _, key, row in sorted(found, key=lambda one: one[0])]
