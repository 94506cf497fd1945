"""A real Prometheus for tests, scraping pages that the tests serve."""

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Page = Callable[[str], tuple[bytes, str]]
"""Accept header in, page and content type out."""

READY_S = 30.0


def binary(name: str) -> str:
    """Path of a program of the package `prometheus`.

    Raises: RuntimeError when it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is not installed: apt-get install -y --no-install-recommends prometheus")
    return found


class PageServer:
    """Serves one page on a port of its own."""

    def __init__(self, page: Page) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body, content_type = page(self.headers.get("Accept", ""))
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Prometheus:
    """A server that scrapes the targets once a second."""

    def __init__(self, folder: Path, targets: list[str]) -> None:
        self._url = f"http://127.0.0.1:{_free_port()}"
        job = {
            "job_name": "netgrowth", "honor_timestamps": False, "sample_limit": 25_000,
            "static_configs": [{"targets": targets}],
        }  # fmt: skip
        config = {"global": {"scrape_interval": "1s", "scrape_timeout": "900ms"}, "scrape_configs": [job]}
        (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
        with (folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    binary("prometheus"), f"--config.file={folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address={self._url[7:]}",
                ],
                stdout=log, stderr=log,
            )  # fmt: skip

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The answer to an instant query, ordered by its labels. Warnings are failures."""
        asked = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"{self._url}/api/v1/query?{asked}", timeout=5) as answer:
            found = json.load(answer)
        assert not found.get("warnings"), found
        assert not found.get("infos"), found
        lines = [(line["metric"], float(line["value"][1])) for line in found["data"]["result"]]
        return sorted(lines, key=lambda line: sorted(line[0].items()))

    def wait(self, expression: str, wanted: Callable[[list[float]], bool], timeout_s: float = READY_S) -> list[float]:
        """Ask until the numbers are as wanted. Raises: AssertionError with the last answer."""
        until, last = time.monotonic() + timeout_s, None
        while time.monotonic() < until:
            try:
                last = sorted(n for _, n in self.query(expression))
            except (urllib.error.URLError, ConnectionError):
                last = None
            if last is not None and wanted(last):
                return last
            time.sleep(0.1)
        raise AssertionError(f"{expression} is {last} after {timeout_s} s")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
