"""A feed that dies and one that is idle, on a worker that a real Prometheus asks: unknown there, zero here.

Only with `NETGROWTH_LONG_DAY=1`: by the broker's clock a feed dies in a minute and more.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from agents.trial.broker import EmbeddedBroker
from config.alerting.rule_files import rule_files
from config.definitions_file import load
from config.settings import NATIVE_DEFINITIONS
from grafana.queries import of_brand, total
from tests.live_ledger import EmbeddedWorker
from tests.observability.servers import Prometheus

pytestmark = [
    pytest.mark.observability,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.environ.get("NETGROWTH_LONG_DAY") != "1", reason="a minute and more: NETGROWTH_LONG_DAY=1"),
]

PROMISED_S = 10
DEAD_AFTER_S = PROMISED_S + 60
SILENT = 'ALERTS{alertname="NetgrowthFeedSilent",alertstate="firing"}'


def send(broker: str, topic: str, key: str, **record: Any) -> None:
    """A record of now."""
    producer = KafkaProducer(bootstrap_servers=broker)
    producer.send(topic, json.dumps({"at": round(time.time() * 1000), **record}).encode(), key.encode())
    producer.flush(30)
    producer.close()


def test_panels_of_a_dead_feed_show_no_data_and_an_idle_one_raises_nothing(tmp_path: Path) -> None:
    definitions, rules = tmp_path / "promised.yaml", tmp_path / "rules"
    native, _, _ = NATIVE_DEFINITIONS.read_text(encoding="utf-8").partition("\nalerts:")
    promises = f"{{customer-events: {PROMISED_S}s, social-mentions: 1h}}"
    definitions.write_text(f"{native}\nalerts: {{heartbeats: {promises}}}\n", encoding="utf-8")
    rules.mkdir()
    for name, text in rule_files(load(definitions)).items():
        (rules / name).write_text(text, encoding="utf-8")
    lost, said = (
        query.replace("$job", ".+").replace("$brand", ".+")
        for query in (total("customers_lost", "1h"), of_brand("mentions", window="1h"))
    )
    with EmbeddedBroker() as broker:
        environment = {"KAFKA_BROKERS": broker.address, "NETGROWTH_DEFINITIONS": str(definitions)}
        worker = EmbeddedWorker(environment, tmp_path)
        prometheus = Prometheus(tmp_path, [f"127.0.0.1:{worker.port}"], rules=rules)
        try:
            worker.wait_ready()
            send(broker.address, "social-mentions", "a", mention_id="m", author_id="a", brand="acme",
                 channel="social", sentiment=-0.8)  # fmt: skip
            send(broker.address, "customer-events", "c", event_id="e0", customer_id="c", fact="opening",
                 value=100)  # fmt: skip
            prometheus.wait(lost, lambda n: n == [0])
            prometheus.wait(f"count({SILENT})", lambda n: n == [1], DEAD_AFTER_S + 30)
            [(labels, _)] = prometheus.query(SILENT)
            assert labels["topic"] == "customer-events", "the other is idle, as it may be"
            prometheus.wait(f"count({said})", lambda n: bool(n))
            prometheus.wait('max(netgrowth_customers_lost{scope="total",window="1h"})', lambda n: n == [0])
            assert prometheus.query(lost) == [], "unknown, not zero"

            send(broker.address, "customer-events", "d", event_id="e1", customer_id="d", fact="joined", value=100)
            prometheus.wait(lost, lambda n: n == [0])
            prometheus.wait(SILENT, lambda n: n == [])
        finally:
            prometheus.stop()
            assert worker.process.stop() == 0
