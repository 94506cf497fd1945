"""Intake on the embedded broker: purchases in a topic of the shop's own count as they do offline."""

import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from kafka import KafkaAdminClient

from agents.commands.worker import command as worker_command
from agents.dead_letters import DeadLetterBox
from agents.kafka_clients import kafka_python_options
from agents.replay.sending import create_producer
from agents.topic_reading import read_topic
from config.settings import Settings
from tests.live_ledger import COMMAND, ROOT, EmbeddedWorker, assert_balanced, assert_same, wait

pytestmark = pytest.mark.embedded

PARTITIONS = 3
"""Of the own topic: not those of customer-events."""


def definitions(folder: Path, topic: str) -> Path:
    """Those of the data set, with the records in a topic of the shop's own; everything is inside the horizon."""
    text = (ROOT / "config" / "definitions" / "online-retail.yaml").read_text()
    path = folder / "own.yaml"
    path.write_text(
        text.replace("horizon: 36h", "horizon: 3000d").replace("  shop:\n", f"  shop:\n    own_topics: [{topic}]\n")
    )
    return path


def read_so_far(page: str, topic: str, outcome: str) -> float:
    (line,) = (
        line for line in page.splitlines()
        if line.startswith("netgrowth_records_total{") and f'"{topic}"' in line and f'"{outcome}"' in line
    )  # fmt: skip
    return float(line.rsplit(" ", 1)[1])


def purchases(most: int) -> list[dict[str, Any]]:
    printed = subprocess.run(
        [*COMMAND, "replay", "online-retail", "--print", "customer-events"], cwd=ROOT, check=True, capture_output=True
    ).stdout
    return [orjson.loads(line) for line in printed.splitlines()[:most]]


def test_records_of_an_own_topic_count_as_they_do_offline(
    environment: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    topic = f"shop.purchases.{settings.topic('v2')}"
    records = purchases(3_000)
    admin = KafkaAdminClient(**kafka_python_options(settings))
    admin.create_topics({topic: {"num_partitions": PARTITIONS, "replication_factor": 1}})
    admin.close()
    producer = create_producer(settings)
    for record in records:
        producer.send(topic, key=record["country"].encode(), value=orjson.dumps(record))
    producer.send(topic, key=None, value=b"no JSON")
    producer.close()
    file = definitions(tmp_path, topic)
    asked = environment | {"NETGROWTH_DEFINITIONS": str(file), "NETGROWTH_SESSION_TIMEOUT": "60s"}

    own = tmp_path / "own.jsonl"
    own.write_bytes(b"\n".join(orjson.dumps(record) for record in records))
    counted = subprocess.run(
        [*COMMAND, "ledger", "--definitions", str(file), "--own", f"{topic}={own}", "--partitions", "4", "--json"],
        cwd=ROOT, check=True, capture_output=True,
    ).stdout  # fmt: skip
    offline = orjson.loads(counted)
    facts = offline["accounting"]["facts"]
    assert 2_000 < facts < 3_000

    worker = EmbeddedWorker(asked, tmp_path).wait_ready()
    try:
        live = worker.ledger_of(facts, offline["until"])
        assert_balanced(live)
        # Records are those of customer-events; what gave no fact was counted at intake.
        left_out = live["accounting"]
        assert (left_out["records"], left_out["no_fact"], left_out["dead_lettered"]) == (facts, {}, {})
        for name in ("records", "no_fact"):
            offline["accounting"][name] = left_out[name]
        assert_same(live, offline)
        page = (worker.get("/metrics") or b"").decode()
        assert read_so_far(page, topic, "taken") == facts
        assert read_so_far(page, topic, "dead_lettered") == 1
        lags = [line for line in page.splitlines() if "lag_records{" in line and f'topic="{topic}"' in line]
        assert [float(line.rsplit(" ", 1)[1]) for line in lags] == [0] * PARTITIONS
    finally:
        assert worker.process.stop() == 0
    box = DeadLetterBox()
    read_topic(settings, "dead-letters", lambda _, found: [box.take(one.key, one.value) for one in found])
    assert [held.letter.position.topic for held in box.of()] == [topic]


def test_an_own_topic_that_is_not_there_is_named_at_the_start(environment: dict[str, str], tmp_path: Path) -> None:
    file = definitions(tmp_path, "nobody.knows.it")
    done = CliRunner(env=environment).invoke(worker_command, ["--definitions", str(file)])
    assert done.exit_code == 2
    assert "own topics of the definitions are not there" in done.stderr
    assert "nobody.knows.it" in done.stderr


ASKING = """
name: asking
version: "1"
agreed: {by: a test, at: 2026-01-01}
currency: EUR
time_zone: UTC
native: {silo: app}
value_model: {version: "1", field: {minor_units: paid}}
silos:
  shop:
    own_topics: [PREFIXshop.orders]
    customer_id: {linked: account}
    event_id: id
    rules: [{name: paid, facts: [{fact: purchased, at: at, value: model}]}]
voice:
  own_topics: [PREFIXcalls]
  sources:
    calls:
      mention_id: call
      at: at
      author_id: line
      channel: {constant: call}
      brand: {constant: us}
      text: said
      customer_id: {linked: account, silo: shop}
surveys:
  own_topics: [PREFIXanswers]
  rules:
    - {name: nps, at: at, response_id: id, customer_id: {linked: account, silo: shop}, score: points,
       low: {constant: "0"}, high: {constant: "10"}}
"""


def test_answers_and_mentions_bear_the_customer_whose_alias_their_id_is(
    environment: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    prefix = settings.topic("")
    file = tmp_path / "asking.yaml"
    file.write_text(ASKING.replace("PREFIX", prefix))
    admin = KafkaAdminClient(**kafka_python_options(settings))
    own = {name: {"num_partitions": 1, "replication_factor": 1} for name in ("shop.orders", "calls", "answers")}
    admin.create_topics({prefix + name: how for name, how in own.items()})
    admin.close()
    at = "2026-01-05T10:00:00Z"
    links = [("7", "shop:8"), ("8", "crm-17")]
    worker = EmbeddedWorker(environment | {"NETGROWTH_DEFINITIONS": str(file)}, tmp_path).wait_ready()
    try:
        producer = create_producer(settings)
        for alias, customer in links:
            link = {
                "fact": "same_customer", "event_id": alias, "at": at, "silo": "shop", "silo_id": alias,
                "customer_id": customer,
            }  # fmt: skip
            producer.send(settings.topic("customer-events"), key=f"shop:{alias}".encode(), value=orjson.dumps(link))
        producer.flush()
        told: dict[bytes, Any] = {}

        def both_told() -> bool:
            read_topic(settings, "customer-links", lambda _, found: [told.update({r.key: r.value}) for r in found])
            return len(told) == 2

        wait(both_told, worker, "tells no links")
        for account in ("7", "8", "9"):
            call = {"call": f"c{account}", "at": at, "line": "+49", "said": "no", "account": account}
            answer = {"id": f"a{account}", "at": at, "account": account, "points": 3}
            producer.send(prefix + "calls", value=orjson.dumps(call))
            producer.send(prefix + "answers", value=orjson.dumps(answer))
        producer.close()
        written: dict[str, dict[str, Any]] = {"social-mentions": {}, "survey-responses": {}}

        def all_written() -> bool:
            for topic, found in written.items():
                read_topic(settings, topic, lambda _, lines, of=found: [of.update(record_of(one)) for one in lines])
            return all(len(found) == 3 for found in written.values())

        wait(all_written, worker, "writes no answers and mentions")
    finally:
        assert worker.process.stop() == 0
    meant = {"7": "crm-17", "8": "crm-17", "9": "shop:9"}
    assert {name: customer for name, (_, customer) in written["social-mentions"].items()} == {
        f"c{account}": customer for account, customer in meant.items()
    }
    assert {key for key, _ in written["social-mentions"].values()} == {b"+49"}
    assert written["survey-responses"] == {
        f"a{account}": (customer.encode(), customer) for account, customer in meant.items()
    }


def record_of(record: Any) -> dict[str, tuple[bytes, str]]:
    """Its id to its key and the customer in its body."""
    value = orjson.loads(record.value)
    return {value.get("mention_id") or value["response_id"]: (record.key, value["customer_id"])}
