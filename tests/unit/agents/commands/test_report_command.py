"""The report card from a file, and from what answers as a worker does."""

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest
from click.testing import CliRunner, Result

from agents.commands.report import command
from config.settings import NATIVE_DEFINITIONS


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    """Two customers in January, one of whom leaves in March; a heartbeat in June."""
    records = [
        {"event_id": "1", "at": "2024-01-10T10:00:00Z", "customer_id": "a", "fact": "joined", "value": 1000},
        {"event_id": "2", "at": "2024-01-11T10:00:00Z", "customer_id": "b", "fact": "joined", "value": 500},
        {"event_id": "3", "at": "2024-03-01T10:00:00Z", "customer_id": "a", "fact": "left", "reason": "price"},
        {"at": "2024-03-03T00:00:00Z", "fact": "heartbeat"},
    ]
    path = tmp_path / "facts.jsonl"
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records) + b"{\n")
    return path


def run(*words: str) -> Result:
    return CliRunner().invoke(command, list(words))


def of_file(facts: Path, *words: str) -> Any:
    result = run("--definitions", str(NATIVE_DEFINITIONS), "--facts", str(facts), "--json", *words)
    assert result.exit_code == 0, result.output
    return orjson.loads(result.stdout)


def test_a_past_instant_shows_what_was_then_as_known_now(facts: Path) -> None:
    found = of_file(facts, "--at", "2024-02-01T00:00:00Z")
    assert (found["net"], found["closing"]["customers"]) == ({"customers": 2, "value": 1500}, 2)
    assert (found["at"], found["known_until"]) == ("2024-02-01T00:00:00Z", "2024-03-03T00:00:00Z")
    assert found["final"]


def test_without_an_instant_the_card_is_of_the_files_end_and_provisional(facts: Path) -> None:
    found = of_file(facts)
    assert (found["at"], found["final"]) == ("2024-03-03T00:00:00Z", False)
    assert found["lost"] == {"customers": 1, "value": 1000}
    assert [problem["problem"] for problem in found["problems"]] == ["dead_letters"]
    assert of_file(facts, "--window", "last_month")["lost"]["customers"] == 0


def test_the_text_says_final_and_names_problems(facts: Path) -> None:
    text = run("--definitions", str(NATIVE_DEFINITIONS), "--facts", str(facts), "--at", "2024-02-01T00:00:00Z").stdout
    assert "Final: nothing inside the horizon can change it any more." in text
    assert "1 record could not be admitted (not_json)" in text


def lines(path: Path, records: list[dict[str, Any]]) -> str:
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
    return str(path)


@pytest.fixture
def storm(tmp_path: Path) -> dict[str, str]:
    """Four quiet days of a loss every ten minutes, two hours of fourteen in ten; answers, bad ones two days later."""
    start, days = datetime(2026, 3, 2, tzinfo=UTC), 4
    losses, answers = [], []
    for number in range(days * 144 + 12 * 14):
        late = number - days * 144
        minutes = number * 10 if late < 0 else days * 1440 + late * 10 / 14
        losses.append({
            "event_id": f"e{number}", "at": (start + timedelta(minutes=minutes)).isoformat(), "fact": "left",
            "customer_id": f"c{number}", "value": 10_000, "segment": "SMB", "reason": "reliability",
        })  # fmt: skip
    for number in range(12 * 200):
        hours = number / 10
        answers.append({
            "response_id": f"r{number}", "at": (start + timedelta(hours=hours)).isoformat(), "customer_id": "c1",
            "score": 9 if hours < (days + 2) * 24 else 1, "scale": [0, 10],
        })  # fmt: skip
    losses.append({"at": answers[-1]["at"], "fact": "heartbeat"})
    return {
        "facts": lines(tmp_path / "storm.jsonl", losses), "surveys": lines(tmp_path / "answers.jsonl", answers),
        "told": (start + timedelta(days=days, hours=2)).isoformat(),
    }  # fmt: skip


def test_the_card_of_files_says_how_much_earlier_than_surveys_a_trouble_was_told(storm: dict[str, str]) -> None:
    words = ["--definitions", str(NATIVE_DEFINITIONS), "--facts", storm["facts"]]
    found = orjson.loads(run(*words, "--surveys", storm["surveys"], "--json").stdout)
    [lead] = found["surges"]["leads"]
    assert (lead["state"], lead["series"]["measure"]) == ("shown", "lost_customers")
    assert 47 < lead["lead_hours"] < 90
    assert found["surges"]["watched"]["series"]["warming"] >= 0
    text = run(*words, "--surveys", storm["surveys"]).stdout
    assert re.search(r"lost customers, segment SMB, told 2026-03-06T.*: \d\d\.\d h before surveys", text), text
    without = run(*words, "--surges").stdout
    assert "no lead over surveys for 1 trouble: no answers, or too few, to compare with" in without
    assert "h before surveys" not in without
    assert "surges" not in of_file(Path(storm["facts"])), "detectors take their time: only where asked for"


def test_at_an_instant_the_card_knows_no_surge_of_later(storm: dict[str, str]) -> None:
    before = of_file(Path(storm["facts"]), "--surges", "--at", "2026-03-05T23:00:00Z")
    assert (before["surges"]["open"], before["surges"]["closed"]) == ([], [])
    within = of_file(Path(storm["facts"]), "--surveys", storm["surveys"], "--at", storm["told"])
    assert {"lost_customers"} <= {surge["series"]["measure"] for surge in within["surges"]["open"]}
    [lead] = within["surges"]["leads"]
    assert "lead_hours" not in lead, "no answer has shown it by then"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--surveys", "x"], "go with --facts"),
        (["--surges", "--url", "x"], "go with --facts"),
        (["--facts", "-", "--surveys", "-", "--definitions", "y"], "only one file can be standard input"),
        (["--facts", "x"], "--facts needs --definitions"),
        (["--definitions", "x"], "--definitions goes with --facts"),
        (["--facts", "x", "--definitions", "y", "--url", "z"], "keep one"),
        (["--at", "yesterday", "--url", "z"], "2011-06-30T20:08:00Z"),
        (["--url", "http://127.0.0.1:1"], "no worker answers at http://127.0.0.1:1"),
        (["--url", "file:///etc/hostname"], "no address of a worker"),
    ],
)
def test_what_cannot_be_asked_is_told_with_how_to_mend_it(words: list[str], told: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert told in result.stderr


class _Worker(BaseHTTPRequestHandler):
    card: ClassVar[dict[str, Any]]
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        refused = "fortnight" in self.path or "at=2024-01" in self.path
        body = {"error": "this needs the tables as they stood then"} if refused else self.card
        self.send_response(400 if refused else 200)
        self.end_headers()
        self.wfile.write(orjson.dumps(body))

    def log_message(self, format: str, *words: object) -> None:
        """Silent: it is a test's."""


@pytest.fixture
def worker(facts: Path) -> Iterator[str]:
    _Worker.card = of_file(facts)
    server = HTTPServer(("127.0.0.1", 0), _Worker)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_worker_is_asked_for_window_and_instant(worker: str) -> None:
    result = run("--url", worker, "--at", "2024-03-03T00:00:30Z", "--window", "7d")
    assert result.exit_code == 0, result.output
    assert _Worker.asked[-1] == "/api/v1/report?window=7d&at=2024-03-03T00%3A00%3A30Z"
    assert "Report card at 2024-03-03T00:00:00Z" in result.stdout


def test_a_workers_refusal_is_told_in_its_own_words(worker: str) -> None:
    result = run("--url", worker, "--at", "2024-01-01T00:00:00Z")
    assert (result.exit_code, result.stderr) == (2, "Error: this needs the tables as they stood then\n")


def test_an_answer_for_another_instant_is_not_taken_for_it(worker: str) -> None:
    result = run("--url", worker, "--at", "2024-02-01T00:00:00Z")
    assert result.exit_code == 2
    assert "answers for 2024-03-03T00:00:00Z alone" in result.stderr
