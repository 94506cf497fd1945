"""What keeps a worker from starting is said in a sentence, with exit status 2."""

import socket
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agents.commands.worker import command
from agents.replay.sending import create_producer
from agents.topics import ensure_topics
from config.settings import Settings, load
from streams.ledger.changelog import Progress, claim, flush_records
from streams.ledger.counts import FactCounts
from streams.ledger.packing import pack_counts
from streams.ledger.remembered import NEVER
from tests.live_ledger import EmbeddedWorker

pytestmark = pytest.mark.embedded

NO_RECORDS = {"records": 0, "unmapped": 0, "no_fact": {}, "dead_lettered": {}}


def started(environment: dict[str, str]) -> Result:
    return CliRunner().invoke(command, env=environment)


def test_topics_that_may_not_be_created_are_named(environment: dict[str, str]) -> None:
    found = started(environment | {"NETGROWTH_CREATE_TOPICS": "false"})
    assert found.exit_code == 2
    assert f"{environment['NETGROWTH_TOPIC_PREFIX']}scope-parts" in found.output
    assert "topics create --print" in found.output


def test_a_taken_port_is_named_with_the_setting(environment: dict[str, str]) -> None:
    ensure_topics(load(environment))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        found = started(environment | {"NETGROWTH_WEB_PORT": port})
    assert found.exit_code == 2
    assert port in found.output
    assert "NETGROWTH_WEB_PORT" in found.output


def test_a_topic_with_another_number_of_partitions_is_named(environment: dict[str, str]) -> None:
    ensure_topics(load(environment))
    found = started(environment | {"NETGROWTH_PARTITIONS": "3"})
    assert found.exit_code == 2
    assert "customer-events" in found.output


@pytest.mark.parametrize(
    ("definitions", "partitions", "told"),
    [
        (("online-retail", "7"), 4, "counted under the definitions online-retail 7, and these are native 1: start"),
        (("native", "1"), 3, "counted on 3 partitions and the topic has 4; restore the topic, or count it anew"),
    ],
)
def test_a_state_of_others_is_one_sentence_and_status_2(
    environment: dict[str, str], settings: Settings, tmp_path: Path, definitions: tuple[str, str], partitions: int,
    told: str,
) -> None:
    ensure_topics(settings)
    saved = Progress(1, 1, 5, NEVER, NEVER, partitions, definitions, pack_counts(FactCounts(), NO_RECORDS))
    producer = create_producer(settings)
    for key, value in (claim(1), *flush_records([], saved)):
        producer.send(settings.topic("ledger-changelog"), key=key, value=value, partition=2)
    producer.close()
    worker = EmbeddedWorker(environment, tmp_path)
    wait_for_end = time.monotonic() + 40
    while worker.process.exit_status is None and time.monotonic() < wait_for_end:
        time.sleep(0.2)
    status = worker.process.exit_status
    worker.process.stop()
    log = (tmp_path / "worker.log").read_text(encoding="utf-8")
    assert status == 2, log
    assert "Traceback" not in log
    faults = [line for line in log.splitlines() if " CRITICAL " in line or " ERROR " in line]
    assert len(faults) == 1, log
    assert f"partition 2 of {settings.topic('customer-events')}" in faults[0]
    assert told in faults[0]
