"""A replay on the embedded broker: order, keys, partitions as Java's clients choose them, timestamps of now."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from agents.kafka_clients import kafka_python_options
from agents.topics import ensure_topics
from agents.trial.playing import BackgroundReplay, of_dataset
from config.settings import Settings, load

pytestmark = pytest.mark.embedded

# Partition of four that org.apache.kafka.clients.producer's murmur2 gives a key; from Kafka's own UtilsTest
# (murmur2 of "21" is -973932308, of "foobar" -790332482), each made positive and taken modulo 4.
JAVA_PARTITIONS = {"21": (-973932308 & 0x7FFFFFFF) % 4, "foobar": (-790332482 & 0x7FFFFFFF) % 4}


def read_topic(settings: Settings, name: str, expected: int) -> list[ConsumerRecord]:
    consumer = KafkaConsumer(**kafka_python_options(settings), enable_auto_commit=False)
    try:
        consumer.assign([TopicPartition(settings.topic(name), n) for n in range(settings.partitions)])
        consumer.seek_to_beginning()
        records: list[ConsumerRecord] = []
        deadline = time.monotonic() + 20
        while len(records) < expected and time.monotonic() < deadline:
            records += [record for batch in consumer.poll(timeout_ms=500).values() for record in batch]
        return records
    finally:
        consumer.close()


def write_purchases(folder: Path, rows: list[tuple[str, str, str]]) -> None:
    with (folder / "purchases.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("customer_id", "at", "value_gbp", "kind", "country", "lines", "units"))
        writer.writerows((*row, "purchase", "UK", "1", "1") for row in rows)


def replay(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agents.commands.main", "replay", *arguments],
        env={"PYTHONPATH": ":".join(sys.path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_rows_arrive_in_order_per_customer_where_java_would_put_them(
    environment: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    ensure_topics(settings)
    keys = ["21", "foobar", "21", "", "foobar"]
    write_purchases(tmp_path, [(key, f"2024-01-01T00:00:0{n}", str(n)) for n, key in enumerate(keys)])
    before_ms = int(time.time() * 1000)
    done = replay(environment, "online-retail", "--data", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "5 records sent to customer-events" in done.stderr
    records = read_topic(settings, "customer-events", 5)
    assert len(records) == 5
    for key, expected in (("21", ["0", "2"]), ("foobar", ["1", "4"])):
        of_key = [record for record in records if record.key == key.encode()]
        assert [orjson.loads(record.value)["value_gbp"] for record in of_key] == expected
        assert {record.partition for record in of_key} == {JAVA_PARTITIONS[key]}
    assert [record.key for record in records if orjson.loads(record.value)["value_gbp"] == "3"] == [None]
    assert all(before_ms - 1000 <= record.timestamp <= time.time() * 1000 + 1000 for record in records)


def test_nothing_is_sent_while_a_topic_is_missing(environment: dict[str, str], tmp_path: Path) -> None:
    write_purchases(tmp_path, [("c_1", "2024-01-01T00:00:00", "1")])
    for _ in range(2):
        done = replay(environment, "online-retail", "--data", str(tmp_path))
        assert done.returncode == 2
        assert "netgrowth topics create" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_replay_in_the_background_is_paced_and_stopped(
    environment: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    ensure_topics(settings)
    days = [(f"c_{n}", f"2024-01-{n:02d}T00:00:00", "1") for n in range(1, 29)]
    write_purchases(tmp_path, days)
    playing = BackgroundReplay(load(environment), of_dataset("online-retail", data=tmp_path), 86_400 * 10)
    playing.start()
    time.sleep(0.75)
    assert playing.is_playing
    playing.stop()
    assert not playing.is_playing
    assert playing.error is None
    assert 2 <= playing.sent.records <= 12
    assert len(read_topic(settings, "customer-events", playing.sent.records)) == playing.sent.records


def test_what_ends_a_background_replay_is_kept(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "purchases.csv").write_text("customer,at\n", encoding="utf-8")
    playing = BackgroundReplay(load(environment), of_dataset("online-retail", data=tmp_path), None)
    playing.start()
    playing.stop()
    assert "has no column customer_id" in str(playing.error)


def test_ctrl_c_ends_a_replay_in_order(environment: dict[str, str], settings: Settings, tmp_path: Path) -> None:
    ensure_topics(settings)
    write_purchases(tmp_path, [(f"c_{n}", f"2024-01-01T00:00:{n:02d}", "1") for n in range(60)])
    words = [sys.executable, "-m", "agents.commands.main", "replay", "online-retail", "--data", str(tmp_path)]
    with subprocess.Popen(
        [*words, "--speed", "1"],
        env={"PYTHONPATH": ":".join(sys.path), **environment},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert read_topic(settings, "customer-events", 1), "nothing was sent"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "stopped before the end" in told
    assert "Traceback" not in told
    count = int(told[: told.index(" sent to ")].split()[-2].replace(",", ""))
    assert len(read_topic(settings, "customer-events", count)) == count < 60
