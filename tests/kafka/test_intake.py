"""Intake on Apache Kafka: two systems' topics count as one, whoever dies, and links come after the facts."""

import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from kafka import KafkaAdminClient, KafkaProducer

from agents.commands.reconcile import command as reconcile
from agents.commands.report import command as report
from agents.dead_letters import DeadLetterBox
from agents.kafka_clients import kafka_python_options
from agents.topic_reading import read_topic
from agents.topics import ensure_topics
from config.settings import Settings, load
from streams.facts.models import RawRecord
from streams.recount import Recount
from streams.silos.recount import remainders_are_zero
from tests.kafka.broker import KafkaCluster
from tests.live_ledger import LiveWorker, assert_balanced, assert_same, wait
from tests.schema_registry import INVOICE, LATER, PAID, in_wire_format, running
from tests.two_silos import TwoSilos, of_some_customers, one_topic, split

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

PARTITIONS_OF_OWN = 3


def expected_ledger(purchases: list[bytes]) -> dict[str, Any]:
    recount = Recount(one_topic(), partitions=4)
    recount.add([RawRecord(value) for value in purchases])
    return recount.finish()


def make_topics(settings: Settings, topics: list[str], partitions: int = PARTITIONS_OF_OWN) -> None:
    ensure_topics(settings)
    admin = KafkaAdminClient(**kafka_python_options(settings))
    admin.create_topics({name: {"num_partitions": partitions, "replication_factor": 1} for name in topics})
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
        live = first.wait_ready().ledger_of(records, expected["until"], timeout_s=120)
        assert_balanced(live)
        accounting = live["accounting"]
        assert accounting["records"] == records, "what intake wrote twice counts once"
        assert accounting["no_fact"] == {"same_customer": links}
        for name in ("records", "no_fact"):
            expected["accounting"][name] = accounting[name]
        expected["definitions"] = live["definitions"]
        assert_same(live, expected)
        second.process.start()
        assert_same(second.wait_ready().ledger_of(records, expected["until"]), expected)
        explained_by_silo(environment, second, live)
    finally:
        first.process.stop()
        second.process.stop()


def explained_by_silo(environment: dict[str, str], worker: LiveWorker, live: dict[str, Any]) -> None:
    """The worker's card, and the command, explain what each of the two silos counts by itself."""
    url = f"http://127.0.0.1:{worker.port}"
    result = CliRunner(env=environment).invoke(report, ["--silos", "--json", "--url", url])
    assert result.exit_code == 0, result.output
    card = orjson.loads(result.stdout)
    assert {silo["silo"] for silo in card["silos"]} == {"people", "till", "web"}
    assert card["silos_company"] == card["closing"] == live["total"]["closing"]
    assert all(any(cause["cause"] == "linked" for cause in silo["causes"]) for silo in card["silos"])
    assert remainders_are_zero(card["silos"])
    result = CliRunner(env=environment).invoke(reconcile, ["--silos", "--topic", "--json", "--until", card["at"]])
    assert result.exit_code == 0, result.output
    assert orjson.loads(result.stdout)["silos"] == card["silos"]


AVRO = """
name: avro
version: "1"
agreed: {by: a test, at: 2026-01-01}
currency: EUR
time_zone: UTC
value_model: {version: "1", field: paid}
silos:
  billing:
    own_topics: [TOPIC]
    customer_id: account.no
    event_id: id
    rules: [{name: paid, facts: [{fact: purchased, at: at, value: model}]}]
"""


def test_an_own_topic_of_avro_counts_by_its_registry(
    kafka: KafkaCluster, prefix: str, tmp_path: Path
) -> None:
    environment = {
        "KAFKA_BROKERS": kafka.address, "NETGROWTH_TOPIC_PREFIX": prefix, "NETGROWTH_GROUP_PREFIX": prefix,
    }  # fmt: skip
    settings = load(environment)
    topic = f"billing.avro.{settings.topic('v1')}"
    make_topics(settings, [topic], partitions=1)
    others = (PAID | {"id": f"i{number}", "account": {"no": number}} for number in (1, 2))
    records = [in_wire_format(7, INVOICE, other) for other in others]
    torn = in_wire_format(7, INVOICE, PAID)[:-2]
    producer = KafkaProducer(**kafka_python_options(settings))
    for value in (records[0], torn, records[1], in_wire_format(8, LATER, PAID | {"id": "i3", "plan": "pro"})):
        producer.send(topic, key=b"k", value=value)
    producer.close()
    file = tmp_path / "avro.yaml"
    file.write_text(AVRO.replace("TOPIC", topic))
    with running() as registry:
        asked = environment | {
            "NETGROWTH_DEFINITIONS": str(file),
            "NETGROWTH_SCHEMA_REGISTRY": f"http://127.0.0.1:{registry.server_port}",
        }  # fmt: skip
        worker = LiveWorker(asked, tmp_path).wait_ready()
        try:
            ledger = worker.ledger_of(3)
            assert ledger["total"]["new"] == {"customers": 3, "value": 3 * 1250}
            assert sorted(registry.asked) == ["/schemas/ids/7", "/schemas/ids/8"]
        finally:
            assert worker.process.stop() == 0
    box = DeadLetterBox()
    read_topic(settings, "dead-letters", lambda _, found: [box.take(one.key, one.value) for one in found])
    (held,) = box.of()
    assert (held.letter.payload, held.letter.position.offset) == (torn, 1), "a letter holds the record as it lies"
