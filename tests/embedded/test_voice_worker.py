"""Mentions on the embedded broker: records in, the figures of the offline count out."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.live_ledger import AT_REST, COMMAND, ROOT, EmbeddedWorker, replay, wait

pytestmark = [pytest.mark.embedded, pytest.mark.shared]

MOODS = ("mentions", "happy", "unhappy")


def sent() -> list[dict[str, Any]]:
    found = subprocess.run(
        [*COMMAND, "replay", "airline-tweets", "--print", "social-mentions"], cwd=ROOT, check=True,
        stdout=subprocess.PIPE,
    ).stdout  # fmt: skip
    return [json.loads(line) for line in found.splitlines()]


def offline(records: list[dict[str, Any]]) -> dict[str, Any]:
    counted = subprocess.run(
        [*COMMAND, "voice", "--definitions", "airline-tweets", "--mentions", "-", "--json"], cwd=ROOT, check=True,
        input=b"\n".join(json.dumps(record).encode() for record in records), stdout=subprocess.PIPE,
    ).stdout  # fmt: skip
    found: dict[str, Any] = json.loads(counted)
    return found


def test_a_week_of_tweets_ends_at_the_offline_figures(environment: dict[str, str], tmp_path: Path) -> None:
    asked = environment | {"NETGROWTH_DEFINITIONS": "config/definitions/airline-tweets.yaml"}
    worker = EmbeddedWorker(asked, tmp_path, NETGROWTH_SESSION_TIMEOUT="60s").wait_ready()
    records = sent()
    try:
        assert replay(asked, "airline-tweets").wait(60) == 0
        seen: list[dict[str, Any]] = []
        last = max(record["created_at"] for record in records)

        def at_rest() -> bool:
            voice = worker.json("/api/v1/voice")
            if voice is None or voice["accounting"]["records"] < len(records) or voice["at"] < last:
                return False
            seen.append(voice)
            return len(seen) > AT_REST and seen[-1] == seen[-AT_REST]

        wait(at_rest, worker, f"has not counted {len(records)} records", 60)
        page = (worker.get("/metrics") or b"").decode()
    finally:
        assert worker.process.stop() == 0
    live = seen[-1]
    of_day = live["windows"]["24h"]
    expected = offline([record for record in records if record["created_at"] >= of_day["start"]])
    # A copy of what was said before the day has no reach of its own; counted by itself the day does not know that.
    for brand, row in expected["total"].items():
        assert of_day["brands"][brand] == row | {"reach": of_day["brands"][brand]["reach"]}
    assert of_day["brands"].keys() == expected["total"].keys()
    assert of_day["topics"] == expected["topics"]
    assert live["accounting"] == {
        "records": len(records), "dead_lettered": {}, "unmapped": 0, "mentions": len(records), "duplicates": 0,
        "lost": 0,
    }  # fmt: skip
    united = expected["total"]["@united"]
    for name, metric in zip(MOODS, ("mentions", "mentions_happy", "mentions_unhappy"), strict=True):
        assert f'netgrowth_{metric}{{brand="@united",window="24h"}} {united[name]:.1f}\n' in page
    assert f'netgrowth_records_total{{outcome="mentions",topic="social-mentions"}} {len(records):.1f}\n' in page
