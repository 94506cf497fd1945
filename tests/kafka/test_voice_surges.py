"""Mentions and surges on Apache Kafka: four partitions, two workers, and a SIGKILL in the middle of a surge."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agents.topics import ensure_topics
from config.settings import load
from tests.kafka.broker import KafkaCluster
from tests.live_ledger import AT_REST, LiveWorker, wait
from tests.live_surges import QUIET_AFTER, QUIET_BEFORE, SURGE, mentions, send, told
from tests.unit.streams.voice.posts import bots, one_author, people

pytestmark = pytest.mark.kafka

DEFINITIONS = """
name: voices
version: "1"
currency: EUR
time_zone: UTC
native: {silo: native}
value_model: {version: "1", field: {minor_units: value}}
reasons: open
activities: open
"""


@pytest.fixture
def environment(kafka: KafkaCluster, prefix: str, tmp_path: Path) -> dict[str, str]:
    definitions = tmp_path / "voices.yaml"
    definitions.write_text(DEFINITIONS)
    return {
        "KAFKA_BROKERS": kafka.address,
        "NETGROWTH_TOPIC_PREFIX": prefix,
        "NETGROWTH_GROUP_PREFIX": prefix,
        "NETGROWTH_DEFINITIONS": str(definitions),
    }


@pytest.fixture
def workers() -> Iterator[list[LiveWorker]]:
    started: list[LiveWorker] = []
    yield started
    for worker in started:
        worker.process.stop()


def in_text(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same with instants as texts, by which they are sent in order."""
    for record in records:
        moment = datetime.fromtimestamp(record["at"] / 1000, UTC)
        record["at"] = moment.isoformat().replace("+00:00", "Z")
    return records


def test_swarms_spread_over_partitions_and_workers_are_told_from_people(
    environment: dict[str, str], workers: list[LiveWorker], tmp_path: Path
) -> None:
    ensure_topics(load(environment))
    workers.extend(LiveWorker(environment, tmp_path, name) for name in ("first", "second"))
    for worker in workers:
        worker.wait_ready()
    clean = people(300)
    records = in_text([*clean, *bots(1000), *one_author(1000)])
    sent = send(environment, records)
    last = max(record["at"] for record in records)[:19]
    seen: list[list[dict[str, Any] | None]] = []

    def merged() -> bool:
        now = [worker.json("/api/v1/voice") for worker in workers]
        if any(voice is None or voice["accounting"]["mentions"] < sent for voice in now):
            return False
        if any(voice is None or voice["at"][:19] < last for voice in now):
            return False
        seen.append(now)
        return len(seen) >= AT_REST and all(earlier == now for earlier in seen[-AT_REST:])

    wait(merged, workers[0], "has not merged all mentions", 60)
    owned = [set((worker.json("/api/v1/status") or {})["owned"]) for worker in workers]
    assert all(owned)
    at_rest = [voice for voice in seen[-1] if voice is not None]
    for voice in at_rest:
        acme = voice["windows"]["24h"]["brands"]["acme"]
        # The loud account is one author more, with its first mention.
        assert abs(acme["mentions"] - len(clean)) <= 0.01 * len(clean)
        assert abs(acme["authors"] - len(clean)) <= 0.01 * len(clean)
        kinds = Counter(verdict["kind"] for verdict in voice["verdicts"])
        assert kinds["swarm"] == 1
        assert kinds["one_author"] == 1
        assert voice["windows"]["24h"]["set_apart"]["swarms"] == 1000
        assert voice["windows"]["24h"]["set_apart"]["bots"] == 999
    assert at_rest[0]["windows"] == at_rest[1]["windows"]


@pytest.mark.parametrize("is_its_worker", [True, False])
def test_a_surge_is_opened_once_and_closed_once_though_a_worker_is_killed(
    environment: dict[str, str], workers: list[LiveWorker], tmp_path: Path, is_its_worker: bool
) -> None:
    """The other worker's partitions are idle when it dies: what comes into them then is waited for, not missed."""
    ensure_topics(load(environment))
    workers.extend(LiveWorker(environment, tmp_path, name) for name in ("first", "second"))
    for worker in workers:
        worker.wait_ready()
    half = (SURGE.start + SURGE.stop) // 2
    send(environment, mentions(QUIET_BEFORE, 2))
    send(environment, mentions(range(SURGE.start, half), 12))

    def shows(worker: LiveWorker, is_open: bool) -> bool:
        surges = worker.json("/api/v1/surges")
        return surges is not None and bool(surges["open"]) is is_open

    for worker in workers:
        wait(partial(shows, worker, True), worker, "shows no surge", 60)
    runs = [b"netgrowth_surges_clock_timestamp_seconds" in (worker.get("/metrics") or b"") for worker in workers]
    assert sum(runs) == 1
    killed, left = workers if runs[0] is is_its_worker else workers[::-1]
    killed.process.kill()
    send(environment, mentions(range(half, SURGE.stop), 12))
    send(environment, mentions(QUIET_AFTER, 2))
    wait(partial(shows, left, False), left, "does not close the surge", 120)
    assert b"netgrowth_surges_clock_timestamp_seconds" in (left.get("/metrics") or b"")

    events = told(environment)
    by_number = {event["number"]: event for event in events}
    assert all(by_number[event["number"]] == event for event in events)
    assert sorted(by_number) == list(range(1, len(by_number) + 1))
    ids = {event["id"] for event in events}
    happened = Counter((event["what"], event["id"]) for event in by_number.values() if event["what"] != "updated")
    assert happened == {(what, surge_id): 1 for surge_id in ids for what in ("opened", "closed")}
    start = datetime(2024, 5, 6, tzinfo=UTC) + timedelta(minutes=SURGE.start)
    onset = datetime.fromisoformat(by_number[1]["onset"].replace("Z", "+00:00"))
    assert abs(onset - start) <= timedelta(minutes=15)
