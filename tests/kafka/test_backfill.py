"""History and kept facts become an edition on Apache Kafka: exact, once, and in force when it has caught up."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from kafka import KafkaProducer

from agents.topics import ensure_topics
from config.settings import load
from streams.facts.placement import partition_for
from tests.kafka.broker import KafkaCluster
from tests.live_ledger import COMMAND, ROOT, LiveWorker, assert_same

pytestmark = [pytest.mark.kafka, pytest.mark.exactness]

RETAIL = "config/definitions/online-retail.yaml"
RECORDS = 8000


@pytest.fixture
def workers() -> Iterator[list[LiveWorker]]:
    started: list[LiveWorker] = []
    yield started
    for worker in started:
        worker.process.stop()


def run(environment: dict[str, str], *words: str, **more: object) -> subprocess.CompletedProcess[bytes]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("NETGROWTH_", "KAFKA_"))}
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [*COMMAND, *words], cwd=ROOT, env=kept | environment, capture_output=True, timeout=120, **more
    )


def test_a_count_from_history_and_kept_facts_is_that_of_all_and_is_made_once(
    kafka: KafkaCluster, prefix: str, workers: list[LiveWorker], tmp_path: Path
) -> None:
    environment = {
        "KAFKA_BROKERS": kafka.address, "NETGROWTH_TOPIC_PREFIX": prefix, "NETGROWTH_GROUP_PREFIX": prefix,
        "NETGROWTH_DEFINITIONS": RETAIL, "NETGROWTH_SESSION_TIMEOUT": "3s", "NETGROWTH_HEARTBEAT_INTERVAL": "500ms",
    }  # fmt: skip
    session = {"NETGROWTH_SESSION_TIMEOUT": "3s"}
    settings = load(environment)
    ensure_topics(settings)
    lines = run({}, "replay", "online-retail", "--print", "customer-events").stdout.splitlines()
    lines = lines[:RECORDS]
    # The file has some of what is kept, too.
    cut, overlap = RECORDS // 2, RECORDS * 5 // 8
    history = tmp_path / "history.jsonl"
    history.write_bytes(b"\n".join(reversed(lines[:overlap])) + b"\n")
    producer = KafkaProducer(bootstrap_servers=kafka.address)
    for line in lines[cut:]:
        key = str(orjson.loads(line)["customer_id"]).encode()
        producer.send(f"{prefix}customer-events", line, key=key, partition=partition_for(key, 4))
    producer.flush()
    workers.append(LiveWorker(environment, tmp_path, "running", **session).wait_ready())
    before = workers[0].ledger_of(len(lines) - cut)

    # Interrupted in the middle, its workers wait; run again it goes on, and once more it changes nothing.
    building = subprocess.Popen(
        [*COMMAND, "backfill", str(history), "--edition", "past"], cwd=ROOT, env=os.environ | environment,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    assert building.stderr is not None
    said = next(line for line in building.stderr if b"is built" in line or line.startswith(b"Error"))
    assert b"partition 0 is built" in said
    building.kill()
    building.wait()
    early = run(environment | {"NETGROWTH_EDITION": "past", "NETGROWTH_WEB_PORT": "0"}, "worker")
    assert early.returncode == 2
    assert b"is being built from history" in early.stderr
    built = run(environment, "backfill", str(history), "--edition", "past", "--json")
    assert built.returncode == 0, built.stderr
    told = orjson.loads(built.stdout)
    assert (told["built"], told["history"], told["kept"]) == ("now", overlap, len(lines) - cut)
    assert orjson.loads(run(environment, "backfill", str(history), "--edition", "past", "--json").stdout) == {
        "edition": "past", "built": "before",
    }  # fmt: skip
    other = tmp_path / "other.jsonl"
    other.write_bytes(lines[0] + b"\n")
    refused = run(environment, "backfill", str(other), "--edition", "past")
    assert refused.returncode == 2
    assert b"from another history" in refused.stderr
    assert workers[0].ledger_of(len(lines) - cut) == before

    new = LiveWorker(environment | {"NETGROWTH_EDITION": "past"}, tmp_path, "past", **session)
    workers.append(new)
    new.wait_ready()
    together = b"\n".join(sorted(lines[:overlap] + lines[cut:], key=_at)) + b"\n"
    count = ("ledger", "--definitions", RETAIL, "--facts", "-", "--partitions", "4", "--json")
    offline = orjson.loads(run({}, *count, input=together).stdout)
    live = new.ledger_of(overlap + len(lines) - cut, offline["until"])
    assert live["accounting"]["ignored"]["duplicate"] > 100
    assert_same(live, offline)
    assert orjson.loads(run(environment, "backfill", str(history), "--edition", "past", "--json").stdout) == {
        "edition": "past", "built": "before",
    }  # fmt: skip


def _at(line: bytes) -> bytes:
    at: str = orjson.loads(line)["at"]
    return at.encode()
