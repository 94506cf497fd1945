"""Surges on the embedded broker: opened, explained by an action, judged by a person, closed."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.live_ledger import COMMAND, ROOT, EmbeddedWorker, wait
from tests.live_surges import QUIET_AFTER, QUIET_BEFORE, SURGE, answers, at, mentions, send, told

pytestmark = pytest.mark.embedded


OWN = """
series:
  late parcels: {counts: unhappy_mentions, where: {topic: late parcel, channel: social}}
  no calls: {counts: mentions, where: {channel: call}}
  low scores: {counts: unhappy_answers, where: {stage: [delivery, returns]}, by: stage}
alerts: {heartbeats: {social-mentions: 10s}}
"""


def netgrowth(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_series_of_ones_own_and_answers_to_surveys_surge_as_well(environment: dict[str, str], tmp_path: Path) -> None:
    definitions = tmp_path / "own.yaml"
    native = (ROOT / "config" / "definitions" / "native.yaml").read_text()
    definitions.write_text(native.partition("\nalerts:")[0] + OWN)
    environment["NETGROWTH_DEFINITIONS"] = str(definitions)
    worker = EmbeddedWorker(environment, tmp_path, NETGROWTH_SESSION_TIMEOUT="60s").wait_ready()
    try:
        # Nobody waits for answers: they are there before the clock of the mentions comes to them.
        broken = {"response_id": "broken", "at": at(5), "customer_id": "c", "score": 9, "scale": [1, 5]}
        send(environment, [*answers(QUIET_BEFORE, 2), *answers(SURGE, 12), broken])
        send(environment, [*mentions(QUIET_BEFORE, 2), *mentions(SURGE, 12)])

        def surging() -> bool:
            found = (worker.json("/api/v1/surges") or {"open": []})["open"]
            wanted = {"late parcels", "low scores", "unhappy_answers"}
            return wanted <= {surge["series"]["measure"] for surge in found}

        wait(surging, worker, "opened no surge of what the definitions name", 60)

        def compared() -> bool:
            found = worker.json("/api/v1/surges") or {"leads": []}
            return [lead["state"] for lead in found["leads"]] == ["shown"]

        wait(compared, worker, "told no lead over surveys", 30)
        page = worker.get("/metrics") or b""
        assert b'netgrowth_survey_lead_seconds{by="surge",measure="unhappy_mentions",' in page
        assert b'netgrowth_feed_silent_after_seconds{topic="social-mentions"} 70.0' in page
        assert b'netgrowth_feed_silent_after_seconds{topic="customer-events"}' not in page, "no promise, and no past"
        letters = netgrowth(environment, "dead-letters", "list")
        assert "score 9 is not on the scale" in letters.stdout, letters.stderr
    finally:
        assert worker.process.stop() == 0


def test_a_surge_is_opened_marked_as_expected_judged_and_closed(environment: dict[str, str], tmp_path: Path) -> None:
    worker = EmbeddedWorker(environment, tmp_path, NETGROWTH_SESSION_TIMEOUT="60s").wait_ready()
    try:
        added = netgrowth(
            environment, "action", "add", "price_change", "dearer parcels", "--scope", "brand=acme", "--expect",
            "unhappy=100000", "--from", at(SURGE.start - 60), "--until", at(SURGE.stop + 600), "--id", "dearer",
        )  # fmt: skip
        assert (added.returncode, added.stdout) == (0, "dearer\n"), added.stderr
        send(environment, [*mentions(QUIET_BEFORE, 2), *mentions(QUIET_BEFORE, 2, brand="other")])
        send(environment, [*mentions(SURGE, 12), *mentions(SURGE, 2, brand="other")])
        seen: list[dict[str, Any]] = []

        def is_open() -> bool:
            found = worker.json("/api/v1/surges")
            seen[:] = [] if found is None else found["open"]
            return bool(seen)

        wait(is_open, worker, "opened no surge", 60)
        assert {surge["series"]["brand"] for surge in seen} == {"acme"}
        assert len({surge["story"] for surge in seen}) == 1
        assert all(surge["is_expected"] for surge in seen)
        assert seen[0]["actions"] == [{"action_id": "dearer", "kind": "price_change", "text": "dearer parcels"}]
        page = (worker.get("/metrics") or b"").decode()
        assert 'netgrowth_surges_open{direction="up",is_expected="true",measure="unhappy_mentions"} ' in page
        assert 'netgrowth_surge_series{state="surge"} 0.0' not in page

        marked = netgrowth(environment, "surges", "mark", seen[0]["id"], "false", "--note", "sent twice")
        assert marked.returncode == 0, marked.stderr
        assert netgrowth(environment, "surges", "mark", "nosuch", "real").returncode == 1
        send(environment, [*mentions(QUIET_AFTER, 2), *mentions(QUIET_AFTER, 2, brand="other")])

        def is_closed() -> bool:
            found = worker.json("/api/v1/surges")
            return found is not None and not found["open"] and found["false_alarms"]["false"] == 1

        wait(is_closed, worker, "closed no surge", 60)
        assert b'netgrowth_surges_judged{verdict="false"} 1.0' in (worker.get("/metrics") or b"")
        card = netgrowth(environment | {"NETGROWTH_WEB_PORT": str(worker.port)}, "report")
        assert card.returncode == 2  # without customers there is no report card
    finally:
        assert worker.process.stop() == 0
    events = [(event["what"], event["id"]) for event in told(environment) if event["what"] != "updated"]
    assert len(events) == len(set(events))
    ids = {surge_id for _, surge_id in events}
    assert set(events) == {(what, surge_id) for surge_id in ids for what in ("opened", "closed")}
    assert seen[0]["id"] in ids
