"""The embedded broker, a worker on it as an operator would start it, and a browser, for all tests of this folder."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from agents.kafka_clients import kafka_python_options
from agents.trial.broker import EmbeddedBroker
from config.settings import NATIVE_DEFINITIONS, load
from tests.browser.chromium import Chromium
from tests.live_ledger import EmbeddedWorker

STALE_AFTER = "4s"


class Company:
    """A worker, and the facts that it is told."""

    def __init__(self, worker: EmbeddedWorker, producer: KafkaProducer, prefix: str) -> None:
        self.worker = worker
        self._producer = producer
        self._prefix = prefix
        self._told = 0

    @property
    def address(self) -> str:
        """Of the board."""
        return f"http://127.0.0.1:{self.worker.port}/"

    def tell(self, fact: str, *customers: str, **more: Any) -> None:
        """Facts of now, one a customer, on the broker when this returns."""
        for customer in customers:
            self._told += 1
            more |= {"event_id": f"e{self._told}", "customer_id": customer, "fact": fact}
            self.send("customer-events", customer, **more)

    def send(self, topic: str, key: str, *, age_s: float = 0.0, **record: Any) -> None:
        """A record of now, or so old."""
        at = (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat().replace("+00:00", "Z")
        value = json.dumps({"at": at, **record}).encode()
        self._producer.send(self._prefix + topic, key=key.encode(), value=value)
        self._producer.flush()


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    with Chromium() as found:
        yield found


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    with EmbeddedBroker() as found:
        yield found.address


@pytest.fixture(scope="module")
def company(
    broker: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Company]:
    """One that has not been told anything yet; every module has its own.

    A module may say in `MORE` what else is in the definitions, and in `FRESH` how old what is of now may be.
    """
    prefix = f"{request.module.__name__.rpartition('.')[2]}."
    environment = {
        "KAFKA_BROKERS": broker, "NETGROWTH_TOPIC_PREFIX": prefix, "NETGROWTH_GROUP_PREFIX": prefix,
        "NETGROWTH_FRESH": getattr(request.module, "FRESH", STALE_AFTER), "NETGROWTH_FLUSH_INTERVAL": "1s",
    }  # fmt: skip
    settings = load(environment)
    folder: Path = tmp_path_factory.mktemp("company")
    if more := getattr(request.module, "MORE", ""):
        native, _, _ = NATIVE_DEFINITIONS.read_text(encoding="utf-8").partition("\nalerts:")
        (folder / "definitions.yaml").write_text(f"{native}\n{more}", encoding="utf-8")
        environment["NETGROWTH_DEFINITIONS"] = str(folder / "definitions.yaml")
    worker = EmbeddedWorker(environment, folder, NETGROWTH_FLUSH_INTERVAL="1s").wait_ready()
    producer = KafkaProducer(**kafka_python_options(settings), linger_ms=0)
    try:
        yield Company(worker, producer, prefix)
    finally:
        producer.close(timeout=5)
        assert worker.process.stop() == 0, worker.process.last_lines()
