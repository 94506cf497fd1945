"""Three workers on Apache Kafka, one killed: the others never show a part of the company as if it were the whole."""

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kafka import KafkaProducer

from agents.kafka_clients import kafka_python_options
from agents.topics import ensure_topics
from config.settings import load
from tests.kafka.broker import KafkaCluster
from tests.live_ledger import LiveWorker, wait

pytestmark = [pytest.mark.kafka, pytest.mark.exactness]

TOLD_WITHIN_S = 7.0
"""A partition that nobody counts is told after four flushes of a second; the rest is a busy machine."""

BOARD = "/api/v1/board?window=1h"


@pytest.fixture
def environment(kafka: KafkaCluster, prefix: str) -> dict[str, str]:
    return {
        "KAFKA_BROKERS": kafka.address, "NETGROWTH_TOPIC_PREFIX": prefix, "NETGROWTH_GROUP_PREFIX": prefix,
        "NETGROWTH_SESSION_TIMEOUT": "12s", "NETGROWTH_FLUSH_INTERVAL": "1s", "NETGROWTH_CUSTOMER_IDS": "real",
    }  # fmt: skip


@pytest.fixture
def workers(environment: dict[str, str], tmp_path: Path) -> Iterator[list[LiveWorker]]:
    ensure_topics(load(environment))
    started = [LiveWorker(environment, tmp_path, f"worker{number}", **environment) for number in range(3)]
    yield started
    for worker in started:
        worker.process.stop()


def tell_joined(environment: dict[str, str], first: int, last: int) -> None:
    settings = load(environment)
    producer = KafkaProducer(**kafka_python_options(settings))
    at = datetime.now(UTC).isoformat()
    for number in range(first, last):
        record = {"event_id": f"e{number}", "at": at, "customer_id": f"c{number}", "fact": "joined", "value": 100}
        producer.send(settings.topic("customer-events"), key=b"c%d" % number, value=json.dumps(record).encode())
    producer.close()


def joined(worker: LiveWorker) -> tuple[str, int]:
    """State of its board, and how many it says have joined."""
    board = worker.json(BOARD) or {"state": "gone"}
    return board["state"], board.get("row", {"new": {"customers": 0}})["new"]["customers"]


def opened(worker: LiveWorker, measure: str) -> list[str]:
    """Who is behind a number, by any worker."""
    path = f"/api/v1/customers?window=1h&limit=1000&measure={measure}"
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{worker.port}{path}", timeout=30) as answer:
            found = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{measure}: {error.read().decode()}\n{worker.process.last_lines()}") from error
    assert found["total"] == found["counted"] == len(found["customers"])
    return sorted(line["customer"] for line in found["customers"])


def listed(worker: LiveWorker, measure: str) -> set[str] | None:
    """Who is behind a number, or None where the worker says that it cannot be opened now."""
    path = f"/api/v1/customers?window=1h&limit=1000&measure={measure}"
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{worker.port}{path}", timeout=30) as answer:
            return {line["customer"] for line in json.loads(answer.read())["customers"]}
    except urllib.error.HTTPError:
        return None


def test_it_is_right_or_marked_recovering(environment: dict[str, str], workers: list[LiveWorker]) -> None:
    for worker in workers:
        worker.wait_ready()
    tell_joined(environment, 0, 60)
    for worker in workers:
        wait(lambda one=worker: joined(one) == ("ready", 60), worker, "does not say that 60 joined")  # type: ignore[misc]
    owners = [worker for worker in workers if (worker.json("/api/v1/status") or {})["owned"]]
    dead, *others = [*owners, *(worker for worker in workers if worker not in owners)]
    everybody = sorted(f"c{number}" for number in range(60))
    for worker in others:
        assert opened(worker, "gained") == opened(worker, "closing") == everybody

    dead.process.kill()
    tell_joined(environment, 60, 100)
    told, seen, lists = time.monotonic(), set(), Counter[str]()
    while time.monotonic() - told < 60 and {joined(worker) for worker in others} != {("ready", 100)}:
        for worker in others:
            state, count = joined(worker)
            seen.add(state)
            # Until it is known that nobody counts there, it is as if the records were still on their way.
            assert state == "recovering" or count == 100 or time.monotonic() - told < TOLD_WITHIN_S, (state, count)
            for measure in ("gained", "closing"):
                names = listed(worker, measure)
                assert names is None or names >= set(everybody), "a part of the company is listed as if it were all"
                lists[measure] += names is not None
        time.sleep(0.2)
    assert {joined(worker) for worker in others} == {("ready", 100)}
    assert "recovering" in seen
    assert lists["gained"], "no worker listed anybody meanwhile"
    for worker in others:
        assert opened(worker, "closing") == sorted(f"c{number}" for number in range(100))
