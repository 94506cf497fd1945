"""Health on Apache Kafka: four partitions, two workers, one of them killed; the figures and the name of one count."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from agents.topics import ensure_topics
from config.definitions_file import parse
from config.settings import load
from tests.embedded.test_health_worker import facts, health_at_rest, read_back, rows, send
from tests.kafka.broker import KafkaCluster
from tests.live_ledger import LiveWorker, wait
from tests.unit.streams.health.faults import hit_by, stream
from tests.unit.streams.health.live.company_of_books import LiveHealth
from tests.unit.streams.health.live.test_live_health import an_hour
from tests.unit.streams.health.signalling import START, health_of

pytestmark = pytest.mark.kafka

SEED, CUSTOMERS = 1, 4_000
SHOP = """
name: shop
version: "1"
currency: EUR
time_zone: UTC
native: {silo: native}
value_model: {version: "1", field: {minor_units: value}}
reasons: open
activities: open
health: {thresholds: [{satisfied_within: 1s}]}
"""


@pytest.fixture
def environment(kafka: KafkaCluster, prefix: str, tmp_path: Path) -> dict[str, str]:
    definitions = tmp_path / "shop.yaml"
    definitions.write_text(SHOP, encoding="utf-8")
    return {
        "KAFKA_BROKERS": kafka.address, "NETGROWTH_TOPIC_PREFIX": prefix, "NETGROWTH_GROUP_PREFIX": prefix,
        "NETGROWTH_DEFINITIONS": str(definitions),
    }  # fmt: skip


@pytest.fixture
def workers() -> Iterator[list[LiveWorker]]:
    started: list[LiveWorker] = []
    yield started
    for worker in started:
        worker.process.stop()


def an_hour_with_a_fault() -> list[dict[str, Any]]:
    """A fault that hits 2 % of the customers from minute 25 on; those of one region and device."""
    return [
        {
            "event_id": one.event_id, "at": one.at // 1000, "customer_id": one.customer_id, "service": one.service,
            "stage": one.stage, "ok": one.ok, "latency_ms": (one.latency_us or 0) / 1000,
            "attributes": one.attributes,
        }
        for one in stream(SEED, customers=CUSTOMERS, fault_at=25.3)
    ]  # fmt: skip


def test_a_fault_over_all_partitions_is_named_as_in_one_whoever_dies(
    environment: dict[str, str], workers: list[LiveWorker], tmp_path: Path
) -> None:
    agreed, signals, known = parse(SHOP), an_hour_with_a_fault(), facts(400)
    chance = random.Random(SEED)
    again = chance.sample(signals, 500)
    ensure_topics(load(environment))
    workers.extend(LiveWorker(environment, tmp_path, name) for name in ("first", "second"))
    first, second = (worker.wait_ready() for worker in workers)
    producer = KafkaProducer(bootstrap_servers=environment["KAFKA_BROKERS"], linger_ms=20)

    def send_on(topic: str, documents: list[dict[str, Any]]) -> None:
        for document in documents:
            key = document["customer_id"].encode()
            producer.send(environment["NETGROWTH_TOPIC_PREFIX"] + topic, json.dumps(document).encode(), key)
        producer.flush()

    send_on("customer-events", known)
    half = len(signals) // 2
    send_on("qos-signals", signals[:half])
    wait(lambda: counted(second) > half // 2, second, "counts")
    owned = [set((worker.json("/api/v1/status") or {})["owned"]) for worker in (first, second)]
    assert owned[0] | owned[1] == {0, 1, 2, 3}
    assert not owned[0] & owned[1]
    health_at_rest(second, half, signals[:half])
    assert listed(first) == listed(second)
    first.process.kill()
    send_on("qos-signals", [*signals[half:], *again])
    live = health_at_rest(second, len(signals) + len(again), signals)
    producer.close()
    assert len(listed(second)) == max(row["disrupted"] for row in live["periods"][0]["services"])

    expected = health_of(signals, facts=known, by="hour", under=agreed)
    assert rows(live["periods"][0]) == rows(expected["periods"][-1])
    assert live["accounting"]["signals"]["duplicates"] == len(again)
    alone = LiveHealth(agreed)
    for start in range(0, len(signals), 2000):
        alone.send(signals[start : start + 2000])
        alone.tick()
    alone.settle()
    (named,) = live["subsets"]
    (of_one,) = alone.company.named
    assert named["attributes"] == hit_by(SEED) == {one.attribute: list(one.values) for one in of_one.subset.choices}
    assert (named["customers"], named["disrupted"]) == (of_one.customers, of_one.disrupted)
    assert named["named_at"] <= "2024-01-01T10:30:18Z"  # within five minutes


def listed(worker: LiveWorker) -> list[tuple[Any, ...]]:
    """When, where and for how long each customer behind the largest number was disrupted, as any worker tells it."""
    health = worker.json("/api/v1/health")
    assert health is not None
    row = max(health["periods"][0]["services"], key=lambda one: one["disrupted"])
    path: str | None = (
        f"/api/v1/customers?measure=disrupted&limit=1000&service={row['service']}&stage={row['stage']}"
    )
    found = []
    while path is not None:
        page = worker.json(path)
        assert page is not None
        assert page["total"] == page["counted"] == row["disrupted"] > 0
        names = ("at", "until", "minutes", "segment", "region", "value")
        found += [tuple(line.get(name) for name in names) for line in page["customers"]]
        path = page.get("next")
    return sorted(found, key=repr)


def test_signals_under_two_ids_of_one_customer_are_of_one_whoever_dies(
    environment: dict[str, str], workers: list[LiveWorker], tmp_path: Path
) -> None:
    agreed, known, signals = parse(SHOP), facts(60), an_hour(3)
    chance = random.Random(SEED)
    under_either = [
        one | {"customer_id": f"app-{one['customer_id']}"} if chance.random() < 0.5 else one for one in signals
    ]
    links = [
        {
            "event_id": f"l{number}", "at": START - 1_800_000, "fact": "same_customer", "silo": "native",
            "silo_id": f"app-c{number}", "customer_id": f"c{number}",
        }
        for number in range(60)
    ]  # fmt: skip
    ensure_topics(load(environment))
    workers.extend(LiveWorker(environment, tmp_path, name) for name in ("first", "second"))
    first, second = (worker.wait_ready() for worker in workers)
    half = len(signals) // 2
    send(environment, "customer-events", known, "customer_id")
    send(environment, "qos-signals", under_either[:half], "customer_id")
    wait(lambda: counted(second) > half // 2, second, "counts")
    send(environment, "customer-events", links, "silo_id")
    first.process.kill()
    send(environment, "qos-signals", under_either[half:], "customer_id")
    live = health_at_rest(second, len(signals), signals)
    expected = health_of(signals, facts=known, by="hour", under=agreed)
    assert rows(live["periods"][0]) == rows(expected["periods"][-1])
    assert live["accounting"]["signals"]["records"] == len(signals), "what is handed over is no signal more"
    offline = health_of(under_either, facts=[*known, *links], by="hour", under=agreed, partitions=4)
    assert rows(live["periods"][0]) == rows(offline["periods"][-1])
    in_trouble = read_back(environment, "customers-in-trouble")
    assert len(in_trouble) == live["in_trouble"] > 0
    assert not [name for name in in_trouble if name.startswith("app-")]


def counted(worker: LiveWorker) -> int:
    """Signals that the company has counted."""
    health = worker.json("/api/v1/health")
    return 0 if health is None else health["accounting"]["signals"].get("records", 0)
