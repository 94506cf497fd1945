"""The report card from a file, and from what answers as a worker does."""

import threading
from collections.abc import Iterator
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


@pytest.mark.parametrize(
    ("words", "told"),
    [
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
