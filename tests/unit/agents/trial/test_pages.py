import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from agents.trial.pages import PageWatcher, Seen

CLOCK = b"# TYPE netgrowth_surges_clock_timestamp_seconds gauge\nnetgrowth_surges_clock_timestamp_seconds 1.5e+09\n"


class Worker(ThreadingHTTPServer):
    """Answers as a worker does; closes every connection after some answers, as one that is restarted does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.connections = 0
        self.answers = 0
        self.closes_every = 1000
        self.paths: dict[str, bytes] = {"/health/ready": b"{}"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Worker

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_GET(self) -> None:
        self.server.answers += 1
        body = self.server.paths.get(self.path)
        self.send_response(503 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"{}")))
        self.end_headers()
        self.wfile.write(body or b"{}")
        # Without a word of it: the other side finds out when it asks again.
        self.close_connection = self.server.answers % self.server.closes_every == 0

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def worker() -> Iterator[Worker]:
    server = Worker()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def seen_within(watcher: PageWatcher, condition: object) -> Seen:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if condition(watcher.seen):  # type: ignore[operator]
            return watcher.seen
        time.sleep(0.01)
    raise AssertionError(watcher.seen)


def watching(worker: Worker, address: str = "") -> PageWatcher:
    return PageWatcher(address or f"http://127.0.0.1:{worker.server_address[1]}")


def test_everything_is_asked_over_one_connection_and_what_is_not_there_is_none(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr("agents.trial.pages.EVERY_S", 0.01)
    worker.paths |= {"/api/v1/ledger": b'{"at": 1}', "/metrics": CLOCK}
    watcher = watching(worker)
    watcher.start()
    try:
        seen = seen_within(watcher, lambda seen: seen.looked_until is not None and worker.answers > 30)
    finally:
        watcher.stop()
    assert (seen.ready, seen.ledger, seen.health, seen.looked_until) == (True, {"at": 1}, None, 1.5e9)
    assert worker.connections == 1


def test_a_connection_that_ends_is_made_anew(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.trial.pages.EVERY_S", 0.01)
    worker.closes_every = 4
    worker.paths |= {"/api/v1/ledger": b'{"at": 1}'}
    watcher = watching(worker)
    watcher.start()
    try:
        seen_within(watcher, lambda seen: seen.ledger is not None)
        worker.paths["/api/v1/ledger"] = b'{"at": 2}'
        seen_within(watcher, lambda seen: seen.ledger == {"at": 2})
    finally:
        watcher.stop()
    assert worker.connections > 1
