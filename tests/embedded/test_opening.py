"""The opening balance on the embedded broker: each fact in its customer's partition, loaded twice, counted once."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from kafka import KafkaConsumer, TopicPartition

from agents.commands.opening import command
from agents.kafka_clients import kafka_python_options
from agents.topics import BY_NAME, ensure_topics
from config.settings import Settings
from streams.facts.placement import partition_for
from tests.live_ledger import EmbeddedWorker, assert_balanced

pytestmark = pytest.mark.embedded

CUSTOMERS = 40


def load(environment: dict[str, str], folder: Path) -> Any:
    path = folder / "base.csv"
    rows = [f"c-{n},{'gold' if n % 2 else 'silver'},{n}.25,2020-01-01" for n in range(CUSTOMERS)]
    path.write_text("\n".join(["customer,segment,value,since", *rows, "bad,gold,much,", ""]))
    words = ["load", str(path), "--as-of", "2024-01-01T00:00:00Z", "--json"]
    result = CliRunner(env=environment).invoke(command, words)
    assert result.exit_code == 0, result.output
    assert "line 42: value: 'much'" in result.stderr
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


def test_loaded_twice_each_customer_is_opened_once(
    environment: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    ensure_topics(settings, [BY_NAME["customer-events"]])
    told = load(environment, tmp_path)
    assert (told["sent"], told["left_out"], told["opening"]["customers"]) == (CUSTOMERS, 1, CUSTOMERS)
    records = in_topic(settings)
    assert {record.key for record in records} == {f"c-{n}".encode() for n in range(CUSTOMERS)}
    assert len(records) == CUSTOMERS
    for record in records:
        assert record.partition == partition_for(record.key, settings.partitions)
        assert orjson.loads(record.value)["customer_id"].encode() == record.key
    assert load(environment, tmp_path) == told
    assert sorted(record.value for record in in_topic(settings)) == sorted([r.value for r in records] * 2)
    worker = EmbeddedWorker(environment, tmp_path, NETGROWTH_SESSION_TIMEOUT="60s").wait_ready()
    try:
        ledger = worker.ledger_of(2 * CUSTOMERS)
    finally:
        worker.process.stop()
    assert_balanced(ledger)
    value = sum(100 * n + 25 for n in range(CUSTOMERS))
    assert ledger["total"]["opening"] == ledger["total"]["closing"] == {"customers": CUSTOMERS, "value": value}
    assert ledger["accounting"]["ignored"] == {"duplicate": CUSTOMERS}
    assert ledger["accounting"]["dead_lettered"] == {}


def test_topics_that_are_missing_are_named(environment: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "base.csv"
    path.write_text("customer\na\n")
    result = CliRunner(env=environment).invoke(command, ["load", str(path), "--as-of", "2024-01-01T00:00:00Z"])
    assert result.exit_code == 2
    assert "netgrowth topics create" in result.stderr
