"""Reconciling a file with running tables and with the topic on the embedded broker."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from agents.commands.reconcile import command
from agents.replay.sending import create_producer
from agents.topics import BY_NAME, ensure_topics
from config.definitions_file import load as load_definitions
from config.settings import NATIVE_DEFINITIONS, Settings
from streams.facts.models import RawRecord
from streams.facts.placement import partition_for
from streams.recount import Recount

pytestmark = pytest.mark.embedded

COUNT = 3000


def fact(number: int) -> bytes:
    kinds = ("joined", "value_changed", "profile_changed")
    record = {
        "event_id": f"e{number}", "at": 1_700_000_000_000 + number * 1000, "customer_id": f"c{number % 1000}",
        "fact": kinds[number // 1000], "value": number,
    }  # fmt: skip
    if number // 1000 != 1:
        record["segment"] = "ABCD"[(number + number // 1000) % 4]
    return orjson.dumps(record)


@pytest.fixture
def running(settings: Settings, tmp_path: Path) -> Path:
    """3,000 facts in the topic, and the ledger of them all."""
    ensure_topics(settings, [BY_NAME["customer-events"]])
    producer = create_producer(settings)
    for number in range(COUNT):
        producer.send(settings.topic("customer-events"), key=b"c%d" % (number % 1000), value=fact(number))
    producer.close()
    recount = Recount(load_definitions(settings.definitions), partitions=settings.partitions)
    recount.add([RawRecord(fact(number)) for number in range(COUNT)])
    saved = tmp_path / "running.json"
    saved.write_bytes(orjson.dumps(recount.finish()))
    return saved


def reconcile(environment: dict[str, str], running: Path, lines: list[bytes], *words: str) -> tuple[int, Any]:
    file = running.parent / "facts.jsonl"
    file.write_bytes(b"\n".join(lines) + b"\n")
    words = ("--facts", str(file), "--running", str(running), "--json", *words)
    result = CliRunner(env=environment).invoke(command, words)
    return result.exit_code, orjson.loads(result.stdout)


def test_the_same_records_are_equal(environment: dict[str, str], running: Path) -> None:
    status, told = reconcile(environment, running, [fact(number) for number in range(COUNT)])
    assert (status, told["equal"], told["differences"]) == (0, True, [])


def test_a_record_that_the_file_lacks_is_named_by_partition_and_offset(
    environment: dict[str, str], settings: Settings, running: Path
) -> None:
    removed = 1717
    status, told = reconcile(environment, running, [fact(n) for n in range(COUNT) if n != removed])
    assert (status, told["equal"]) == (1, False)
    partition = partition_for(b"c717", settings.partitions)
    before = [n for n in range(removed) if partition_for(b"c%d" % (n % 1000), settings.partitions) == partition]
    place = {
        "topic": settings.topic("customer-events"), "partition": partition, "offset": len(before),
        "missing_from": "file",
    }  # fmt: skip
    assert told["records"] == [place]
    assert told["differences"]
    assert all(difference["records"] == [place] for difference in told["differences"])
    assert told["records_compared"] == {"file": COUNT - 1, "topic": COUNT}


def test_records_stand_at_the_scopes_that_they_touch(environment: dict[str, str], running: Path) -> None:
    lines = [fact(number) for number in range(COUNT)]
    strangers = [lines[8].replace(b"e8", b"new1").replace(b"c8", b"n1"), lines[1].replace(b"e1", b"new2")]
    strangers[1] = strangers[1].replace(b'"c1"', b'"n2"')
    status, told = reconcile(environment, running, lines + strangers)
    assert status == 1
    assert [record["missing_from"] for record in told["records"]] == ["topic", "topic"]
    assert [record["offset"] for record in told["records"]] == [COUNT, COUNT + 1]
    by_scope = {line["scope"]: [record["offset"] for record in line["records"]] for line in told["differences"]}
    assert by_scope["total"] == [COUNT, COUNT + 1]
    assert by_scope["segment:A"] == [COUNT]
    assert by_scope["segment:B"] == [COUNT + 1]


def test_without_kafka_differences_are_told_and_places_are_unknown(
    environment: dict[str, str], running: Path
) -> None:
    lines = [fact(number) for number in range(COUNT - 500)]
    status, told = reconcile({**environment, "KAFKA_BROKERS": "127.0.0.1:1"}, running, lines)
    assert (status, told["positions"]) == (1, "unknown")
    assert "no Kafka broker answers at 127.0.0.1:1" in told["positions_unknown_because"]
    assert told["differences"]
    status, told = reconcile(environment, running, lines, "--no-positions")
    assert status == 1
    assert "positions" not in told


def test_other_definitions_are_refused(environment: dict[str, str], running: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    text = NATIVE_DEFINITIONS.read_text(encoding="utf-8")
    other.write_text(text.replace('version: "1"', 'version: "2"', 1), encoding="utf-8")
    words = ["--facts", str(running), "--running", str(running), "--definitions", str(other)]
    result = CliRunner(env=environment).invoke(command, words)
    assert result.exit_code == 2
    assert "count by the definitions native 1" in result.stderr
