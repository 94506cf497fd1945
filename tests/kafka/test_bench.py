"""`netgrowth bench` in small: it measures, and the answers are judged."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.kafka.broker import KafkaCluster

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

ROOT = Path(__file__).resolve().parents[2]
EVENTS = 6_000


def bench(kafka: KafkaCluster, folder: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    """Exit status, the JSON, and what was told on stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "agents.commands.main", "bench", "--broker", kafka.address, "--folder", str(folder),
         "--events", str(EVENTS), "--json", *words],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def test_worker_and_plain_loop_come_to_the_answer_of_the_reference(kafka: KafkaCluster, tmp_path: Path) -> None:
    status, found, told = bench(kafka, tmp_path, "--parts", "throughput", "--only", "netgrowth,loop")
    assert status == 0, told
    assert [run["name"] for run in found["throughput"]] == ["netgrowth", "loop"]
    for run in found["throughput"]:
        assert run["wrong"] == []
        assert run["events"] == EVENTS
        assert run["events_per_second"] >= run["durable_events_per_second"] > 0
        assert run["cpu_s_per_million"] > 0
        assert run["peak_bytes"] > 10 << 20


def test_memory_and_recovery_of_a_small_base(kafka: KafkaCluster, tmp_path: Path) -> None:
    words = ("--parts", "state", "--only", "netgrowth", "--base", "2000")
    status, found, told = bench(kafka, tmp_path, *words)
    assert status == 0, told
    assert found["state"]["records"] == 3300
    assert 0 < found["state"]["start_s"] < 60
    assert 0 < found["state"]["recovery_s"] < 60
