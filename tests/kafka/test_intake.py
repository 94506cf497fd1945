"""Intake on Apache Kafka: two systems' topics count as one, whoever dies, and links come after the facts."""

import time
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from agents.kafka_clients import kafka_python_options
from agents.topics import ensure_topics
from config.settings import load
from streams.facts.models import RawRecord
from streams.recount import Recount
from tests.kafka.broker import KafkaCluster
from tests.live_ledger import LiveWorker, assert_balanced, assert_same, wait
from tests.two_silos import TwoSilos, of_some_customers, one_topic, split

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

PARTITIONS_OF_OWN = 3


def expected_ledger(purchases: list[bytes]) -> dict[str, Any]:
    recount = Recount(one_topic(), partitions=4)
    recount.add([RawRecord(value) for value in purchases])
    return recount.finish()


def make_topics(settings: Any, topics: list[str]) -> None:
    ensure_topics(settings)
    admin = KafkaAdminClient(**kafka_python_options(settings))
    admin.create_topics({name: {"num_partitions": PARTITIONS_OF_OWN, "replication_factor": 1} for name in topics})
    admin.close()


def test_two_silos_with_links_after_the_facts_equal_one_topic_whoever_dies(
    kafka: KafkaCluster, prefix: str, tmp_path: Path
) -> None:
    purchases = of_some_customers(4)
    silos: TwoSilos = split(purchases, prefix)
    file = tmp_path / "two-silos.yaml"
    file.write_text(silos.definitions)
    environment = {
        "KAFKA_BROKERS": kafka.address, "NETGROWTH_TOPIC_PREFIX": prefix, "NETGROWTH_GROUP_PREFIX": prefix,
        "NETGROWTH_DEFINITIONS": str(file), "NETGROWTH_COMMIT_INTERVAL": "500ms",
    }  # fmt: skip
    settings = load(environment)
    make_topics(settings, list(silos.records))
    expected = expected_ledger(purchases)
    told = silos.shuffled(7)
    links = len(silos.records[f"{prefix}crm.same-people"])
    records = expected["accounting"]["facts"] + links

    first, second = (LiveWorker(environment, tmp_path, name, NETGROWTH_SESSION_TIMEOUT="6s") for name in "ab")
    try:
        first.wait_ready()
        second.wait_ready()
        producer = KafkaProducer(**kafka_python_options(settings))
        for place, (topic, key, value) in enumerate(told):
            producer.send(topic, key=key, value=value)
            if place % 100 == 0:
                time.sleep(0.05)
            if place in (len(told) // 4, len(told) // 2):
                first.process.kill()
            if place in (len(told) // 3, len(told) * 2 // 3):
                wait(lambda: first.process.exit_status is not None, second, "goes on")
                first.process.start()
        producer.close()
        second.process.kill()
        live = first.wait_ready().ledger_of(records, timeout_s=120)
        assert_balanced(live)
        accounting = live["accounting"]
        assert accounting["records"] == records, "what intake wrote twice counts once"
        assert accounting["no_fact"] == {"same_customer": links}
        for name in ("records", "no_fact"):
            expected["accounting"][name] = accounting[name]
        expected["definitions"] = live["definitions"]
        assert_same(live, expected)
        second.process.start()
        assert_same(second.wait_ready().ledger_of(records), expected)
    finally:
        first.process.stop()
        second.process.stop()
