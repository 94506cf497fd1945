"""The base of day one on Apache Kafka: loaded, cut off, loaded again while workers count; each customer once."""

import json
import os
import pty
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from kafka import KafkaProducer

from agents.topics import ensure_topics
from config.settings import load
from streams.facts.placement import partition_for
from tests.kafka.broker import KafkaCluster
from tests.live_ledger import COMMAND, ROOT, LiveWorker, assert_balanced, wait

pytestmark = [pytest.mark.kafka, pytest.mark.exactness]

CUSTOMERS = 20_000
"""What 400,000 take is in docs/operations.md."""


def load_command(environment: dict[str, str], base: Path) -> list[str]:
    return [*COMMAND, "opening", "load", str(base), "--as-of", "2024-01-01T00:00:00Z", "--json"]


class _Terminal:
    """A terminal that keeps what is written to it."""

    def __init__(self) -> None:
        self._reader, self.writer = pty.openpty()
        self.shown = b""
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def close(self) -> None:
        os.close(self.writer)
        self._thread.join()
        os.close(self._reader)

    def _read(self) -> None:
        try:
            while some := os.read(self._reader, 4096):
                self.shown += some
        except OSError:  # Linux says so when the other side is closed
            pass


def test_a_base_loaded_in_pieces_and_again_is_opened_once(kafka: KafkaCluster, prefix: str, tmp_path: Path) -> None:
    environment = {
        "KAFKA_BROKERS": kafka.address, "NETGROWTH_TOPIC_PREFIX": prefix, "NETGROWTH_GROUP_PREFIX": prefix,
    }  # fmt: skip
    settings = load(environment)
    ensure_topics(settings)
    base = tmp_path / "base.csv"
    rows = (f"c-{n},{'ABC'[n % 3]},{n % 900}.50,fair,2021-0{n % 9 + 1}-11\n" for n in range(CUSTOMERS))
    base.write_text("customer,segment,value,activity,since\n" + "".join(rows))
    # One of them was seen to leave first: a customer we had, though we never saw it join.
    left = {"event_id": "x", "at": "2024-02-01T00:00:00Z", "customer_id": "c-7", "fact": "left", "reason": "price"}
    producer = KafkaProducer(bootstrap_servers=kafka.address)
    place = partition_for(b"c-7", settings.partitions)
    producer.send(settings.topic("customer-events"), json.dumps(left).encode(), key=b"c-7", partition=place)
    producer.close()
    environment_of_commands = os.environ | environment
    worker = LiveWorker(environment, tmp_path, NETGROWTH_SESSION_TIMEOUT="60s").wait_ready()
    try:
        before = worker.ledger_of(1)
        assert before["total"]["lost"] == {"customers": 1, "value": 0}
        cut_off = subprocess.Popen(load_command(environment, base), cwd=ROOT, env=environment_of_commands)
        wait(lambda: _records(worker) > 1000, worker, "has not counted a thousand customers")
        cut_off.send_signal(signal.SIGKILL)
        cut_off.wait()
        terminal = _Terminal()
        whole = subprocess.run(
            load_command(environment, base), cwd=ROOT, env=environment_of_commands, check=True,
            stdout=subprocess.PIPE, stderr=terminal.writer, timeout=120,
        )  # fmt: skip
        terminal.close()
        assert json.loads(whole.stdout)["sent"] == CUSTOMERS
        assert b" customers" in terminal.shown, "a terminal shows how far it is"
        ledger = worker.ledger_of(CUSTOMERS + 1)
    finally:
        assert worker.process.stop() == 0
    assert_balanced(ledger)
    value = sum(n % 900 * 100 + 50 for n in range(CUSTOMERS))
    total = ledger["total"]
    assert total["opening"] == {"customers": CUSTOMERS, "value": value}
    assert total["lost"] == {"customers": 1, "value": 750}, "it is put right: it had been here, with this value"
    again = ledger["accounting"]["records"] - CUSTOMERS - 1
    assert again > 0
    # Those of the partition that is a month ahead are known without their ids.
    ignored = ledger["accounting"]["ignored"]
    assert ignored.keys() <= {"duplicate", "already_known"}
    assert sum(ignored.values()) == again


def _records(worker: LiveWorker) -> int:
    ledger = worker.json("/api/v1/ledger")
    return 0 if ledger is None else ledger["accounting"]["records"]
