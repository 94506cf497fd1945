"""Where facts are no longer kept, a new version begins at an instant with the customers of the one before."""

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from agents.topics import ensure_topics
from config.settings import load
from streams.facts.placement import partition_for
from tests.kafka.broker import KafkaCluster
from tests.kafka.test_editions import DEFINITIONS, rows_written
from tests.live_ledger import COMMAND, ROOT, LiveWorker, assert_balanced

pytestmark = [pytest.mark.kafka, pytest.mark.exactness]

START = datetime(2024, 5, 6, tzinfo=UTC)
HOURS = 200
"""A customer comes every hour; the horizon is 36 h."""


@pytest.fixture
def workers() -> Iterator[list[LiveWorker]]:
    started: list[LiveWorker] = []
    yield started
    for worker in started:
        worker.process.stop()


def test_the_new_count_begins_with_the_customers_there_were_and_says_so(
    kafka: KafkaCluster, prefix: str, workers: list[LiveWorker], tmp_path: Path
) -> None:
    files = {}
    for version, lapse in (("1", ""), ("2", "lapse: {after: 48h, restarted_by: [joined]}")):
        files[version] = str(tmp_path / f"{version}.yaml")
        Path(files[version]).write_text(DEFINITIONS.format(version=version, lapse=lapse))
    old = {
        "KAFKA_BROKERS": kafka.address, "NETGROWTH_TOPIC_PREFIX": prefix, "NETGROWTH_GROUP_PREFIX": prefix,
        "NETGROWTH_DEFINITIONS": files["1"], "NETGROWTH_SESSION_TIMEOUT": "3s", "NETGROWTH_PARTITIONS": "1",
        "NETGROWTH_HEARTBEAT_INTERVAL": "500ms",
    }  # fmt: skip
    new = old | {"NETGROWTH_DEFINITIONS": files["2"], "NETGROWTH_EDITION": "v2"}
    session = {"NETGROWTH_SESSION_TIMEOUT": "3s"}
    ensure_topics(load(old))
    events = f"{prefix}customer-events"
    producer = KafkaProducer(bootstrap_servers=kafka.address)
    for hour in range(HOURS):
        name = f"c{hour}"
        said = {
            "event_id": name, "at": (START + timedelta(hours=hour)).isoformat(), "customer_id": name,
            "fact": "joined", "value": 100,
        }  # fmt: skip
        producer.send(events, orjson.dumps(said), key=name.encode(), partition=partition_for(name.encode(), 1))
    producer.flush()
    workers.append(LiveWorker(old, tmp_path, "old", **session).wait_ready())
    assert workers[0].ledger_of(HOURS)["total"]["closing"]["customers"] == HOURS
    # Retention takes most of them away.
    admin = KafkaAdminClient(bootstrap_servers=kafka.address)
    admin.delete_records({TopicPartition(events, 0): HOURS - 60})
    admin.close()

    kept = {name: text for name, text in os.environ.items() if not name.startswith(("NETGROWTH_", "KAFKA_"))}
    begun = subprocess.run(
        [*COMMAND, "backfill", "--carry-over", files["1"], "--json"], cwd=ROOT, env=kept | new, check=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    counts_from = "2024-05-12T19:00:00Z"  # 36 hours before the newest fact
    assert orjson.loads(begun.stdout)["counts_from"] == counts_from
    workers.append(worker := LiveWorker(new, tmp_path, "new", **session))
    ledger = worker.wait_ready().ledger_of(36)
    assert_balanced(ledger)
    total = ledger["total"]
    assert total["counts_from"] == ledger["segments"]["unknown"]["counts_from"] == counts_from
    assert total["opening"]["customers"] == HOURS - 36  # that of the last hour before the instant, and all earlier
    assert total["new"]["customers"] == 36
    # Silence is a loss now: 48 hours from the instant, since nobody knows how long it had lasted then.
    assert total["lost_by_kind"]["lapsed"]["customers"] == 0
    windows = ledger["windows"]
    assert "counts_from" not in windows["1h"]
    assert {windows[name]["counts_from"] for name in ("7d", "this_month", "all")} == {counts_from}
    rows = [row for _, row in rows_written(old, prefix) if row and row["definitions"]["version"] == "2"]
    assert {row["window"] for row in rows if "counts_from" in row["row"]} >= {"7d", "all", "this_month"}
    assert not any("counts_from" in row["row"] for row in rows if row["window"] == "5m")
    card = worker.json("/api/v1/report?window=this_month") or {}
    assert card["counts_from"] == counts_from
