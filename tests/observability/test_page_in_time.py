"""From a customer's failed checkout in Kafka to the page: worker, Prometheus and Alertmanager as they are shipped."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from agents.trial.broker import EmbeddedBroker
from config.alerting.rule_files import rule_files
from config.definitions_file import load
from config.settings import NATIVE_DEFINITIONS
from tests.live_ledger import LiveWorker
from tests.observability.servers import Alertmanager, Prometheus, Receiver

pytestmark = pytest.mark.observability

CUSTOMERS, HIT = 400, 120
VALUE = 25_000
IN_TIME_S = 10.0


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    definitions = tmp_path / "shop.yaml"
    text = NATIVE_DEFINITIONS.read_text(encoding="utf-8").replace("name: native", "name: shop")
    definitions.write_text(
        text + "\njourney: [{stage: checkout, tier: 1}]\n"
        "health: {thresholds: [{service: shop, satisfied_within: 1s}], yellow: {share: 0.02, customers: 1000}}\n",
        encoding="utf-8",
    )
    with EmbeddedBroker() as broker:
        yield {"KAFKA_BROKERS": broker.address, "NETGROWTH_DEFINITIONS": str(definitions)}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def send(environment: dict[str, str], topic: str, records: list[dict[str, Any]]) -> None:
    producer = KafkaProducer(bootstrap_servers=environment["KAFKA_BROKERS"])
    for record in records:
        key = str(record.get("customer_id", record.get("service")))
        producer.send(topic, json.dumps(record).encode(), key.encode())
    producer.flush(30)
    producer.close()


def openings() -> list[dict[str, Any]]:
    return [
        {
            "event_id": f"o{number}", "at": now_ms() - 60_000, "customer_id": f"c{number}", "fact": "opening",
            "value": VALUE, "segment": "Enterprise", "region": "EMEA",
        }
        for number in range(CUSTOMERS)
    ]  # fmt: skip


def checkouts(name: str, count: int, ok: bool) -> list[dict[str, Any]]:
    return [
        {
            "event_id": f"{name}{number}", "at": now_ms(), "customer_id": f"c{number}", "service": "shop",
            "stage": "checkout", "ok": ok, "latency_ms": 120,
        }
        for number in range(count)
    ]  # fmt: skip


def pages(receiver: Receiver) -> list[dict[str, Any]]:
    """What woke someone."""
    return [body for path, body in receiver.got if path == "/alerts" and body["status"] == "firing"]


def test_a_page_comes_in_time_and_says_who_how_many_and_what_worth(
    environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    for name, text in rule_files(load(environment["NETGROWTH_DEFINITIONS"])).items():
        (rules / name).write_text(text, encoding="utf-8")
    worker = LiveWorker(environment, tmp_path).wait_ready()
    receiver = Receiver()
    alertmanager = Alertmanager(tmp_path, receiver.url)
    prometheus = Prometheus(
        tmp_path, [f"127.0.0.1:{worker.port}"], rules=rules, alertmanager=alertmanager.address
    )
    try:
        send(environment, "customer-events", openings())
        send(environment, "service-status", [{"at": now_ms(), "service": "shop", "status": "up"}])
        send(environment, "qos-signals", checkouts("good", CUSTOMERS, True))
        seen = 'max(netgrowth_health_customers_seen{scope="stage",service="shop",window="5m"})'
        prometheus.wait(seen, lambda n: n == [CUSTOMERS], 60)
        receiver.wait(lambda got: any(path == "/deadman" for path, _ in got))
        assert pages(receiver) == []
        started = time.monotonic()
        send(environment, "qos-signals", checkouts("bad", HIT, False))

        def came(_: Any) -> bool:
            return any(
                alert["labels"]["alertname"] == "NetgrowthCustomersRed" and alert["labels"]["scope"] == "stage"
                for page in pages(receiver) for alert in page["alerts"]
            )  # fmt: skip

        receiver.wait(came)
        took = time.monotonic() - started
        with capsys.disabled():
            print(f"\nfrom the event in Kafka to the page: {took:.1f} s, wanted under {IN_TIME_S:.0f} s")
        assert took < IN_TIME_S
        of_red = [
            alert for page in pages(receiver) for alert in page["alerts"]
            if alert["labels"]["alertname"] == "NetgrowthCustomersRed"
        ]  # fmt: skip
        said = of_red[0]["annotations"]["description"]
        # The first word may come while the last of them are still being counted.
        assert said.startswith("shop, checkout: ")
        assert f" of {CUSTOMERS} seen; " in said
        assert "; operations say up. The trouble is " in said
        assert said.endswith(" No action of ours was entered for the last two hours.")
        assert len({page["groupKey"] for page in pages(receiver)}) == 1, "one trouble, one page"
    finally:
        prometheus.stop()
        alertmanager.stop()
        receiver.stop()
        assert worker.process.stop() == 0
