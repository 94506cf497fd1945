"""A real Prometheus for tests, scraping pages that the tests serve."""

import email
import email.policy
import json
import os
import shutil
import socket
import socketserver
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from streams.facts.placement import partition_for

Page = Callable[[str], tuple[bytes, str]]
"""Accept header in, page and content type out."""

READY_S = 30.0
ALERTMANAGER = Path(__file__).parents[2] / "config/alertmanager"


def binary(name: str) -> str:
    """Path of a program of the packages `prometheus` and `prometheus-alertmanager`.

    A folder in `PROMETHEUS_BIN` holds other versions of them (`make newer-prometheus`).

    Raises: RuntimeError when it is not installed.
    """
    found = shutil.which(name, path=os.environ.get("PROMETHEUS_BIN"))
    if found is None:
        packages = "prometheus prometheus-alertmanager"
        raise RuntimeError(f"{name} is not installed: apt-get install -y --no-install-recommends {packages}")
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

    def __init__(
        self, folder: Path, targets: list[str], *, rules: Path | None = None, alertmanager: str | None = None
    ) -> None:
        """`rules`: folder of rule files, evaluated once a second; `alertmanager`: host:port."""
        self.url = self._url = f"http://127.0.0.1:{_free_port()}"
        job = {
            "job_name": "netgrowth", "honor_timestamps": False, "sample_limit": 25_000,
            "static_configs": [{"targets": targets}],
        }  # fmt: skip
        every = {"scrape_interval": "1s", "scrape_timeout": "900ms", "evaluation_interval": "1s"}
        config: dict[str, Any] = {"global": every, "scrape_configs": [job]}
        if rules is not None:
            config["rule_files"] = [str(rules / "*.yml")]
        if alertmanager is not None:
            config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
        (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
        self._folder = folder
        self._process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        with (self._folder / "prometheus.log").open("ab") as log:
            return subprocess.Popen(
                [
                    binary("prometheus"), f"--config.file={self._folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self._folder / 'tsdb'}", f"--web.listen-address={self._url[7:]}",
                    # What fires before Alertmanager is found, some five seconds after the start, is told again. Four
                    # times this is how long Alertmanager believes it, so a restart must not take longer.
                    "--rules.alert.resend-delay=15s",
                    # What fires after `for` fires on after a restart; by default that must be ten minutes or more.
                    "--rules.alert.for-grace-period=15s",
                ],
                stdout=log, stderr=log,
            )  # fmt: skip

    def restart(self) -> None:
        """End it and start it again, with what it has stored."""
        _end(self._process)
        self._process = self._start()

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The answer to an instant query, ordered by its labels. Warnings are failures."""
        asked = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"{self._url}/api/v1/query?{asked}", timeout=5) as answer:
            found = json.load(answer)
        assert not found.get("warnings"), found
        assert not found.get("infos"), found
        lines = [(line["metric"], float(line["value"][1])) for line in found["data"]["result"]]
        return sorted(lines, key=lambda line: sorted(line[0].items()))

    def over(self, expression: str, span_s: float) -> list[tuple[dict[str, str], list[float]]]:
        """The answer over a span up to now, second by second. Warnings are failures."""
        now = time.time()
        asked = urllib.parse.urlencode({"query": expression, "start": now - span_s, "end": now, "step": 1})
        with urllib.request.urlopen(f"{self._url}/api/v1/query_range?{asked}", timeout=15) as answer:
            found = json.load(answer)
        assert not found.get("warnings"), found
        return [(one["metric"], [float(value) for _, value in one["values"]]) for one in found["data"]["result"]]

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
        _end(self._process)


class Receiver:
    """Keeps what is posted to it: (path, JSON), in order of arrival."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Any]] = []
        got = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got.append((self.path, json.loads(body)))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def wait(self, wanted: Callable[[list[tuple[str, Any]]], bool], timeout_s: float = READY_S) -> None:
        """Wait until what came is as wanted. Raises: AssertionError with all that came."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            if wanted(list(self.got)):
                return
            time.sleep(0.05)
        raise AssertionError(f"after {timeout_s} s there came {self.got}")

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class MailServer:
    """Takes e-mail as a server without encryption does.

    Attributes:
        got: of each message its recipients and itself.
    """

    def __init__(self) -> None:
        self.got: list[tuple[list[str], EmailMessage]] = []
        got = self.got

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self._say("220 here")
                to: list[str] = []
                while line := self.rfile.readline().decode():
                    command = line[:4].upper()
                    if command == "DATA":
                        self._say("354 go on")
                        lines = iter(self.rfile.readline, b".\r\n")
                        text = b"".join(one[1:] if one.startswith(b"..") else one for one in lines)
                        got.append((to, email.message_from_bytes(text, policy=email.policy.default)))
                        to = []
                    elif command == "RCPT":
                        to.append(line.partition("<")[2].partition(">")[0])
                    elif command == "QUIT":
                        self._say("221 bye")
                        return
                    self._say("250 ok")

            def _say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def of_cause(receiver: Receiver, cause: str, path: str = "/alerts") -> list[dict[str, Any]]:
    """What the webhook got about one cause."""
    return [body for at, body in list(receiver.got) if at == path and body["commonLabels"].get("cause") == cause]


def of_pager(receiver: Receiver) -> list[dict[str, Any]]:
    """What was sent to PagerDuty, without what is about the monitor."""
    return [
        body for path, body in list(receiver.got)
        if path == "/pagerduty" and "cause=\"monitor\"" not in json.dumps(body).replace('\\"', '"')
    ]  # fmt: skip


class Alertmanager:
    """A server of the shipped configuration; its outgoing addresses are those of a receiver."""

    def __init__(self, folder: Path, receiver: str, mail: str | None = None) -> None:
        """`receiver`: address of a `Receiver`; `mail`: host:port of a server of e-mail, None: where none listens."""
        self.address = f"127.0.0.1:{_free_port()}"
        self.url = f"http://{self.address}"
        shutil.copytree(ALERTMANAGER / "templates", folder / "templates", dirs_exist_ok=True)
        (folder / "slack").write_text(f"{receiver}/slack", encoding="utf-8")
        text = (ALERTMANAGER / "alertmanager.yml").read_text(encoding="utf-8")
        text = text.replace("http://127.0.0.1:9095", receiver)
        text = text.replace("localhost:25", mail or "localhost:25")
        text = text.replace("/etc/netgrowth/secrets/slack_webhook_url", str(folder / "slack"))
        (folder / "pagerduty").write_text("key", encoding="utf-8")
        text = text.replace("/etc/netgrowth/secrets/pagerduty_routing_key", str(folder / "pagerduty"))
        text = text.replace("global:\n", f"global:\n  pagerduty_url: {receiver}/pagerduty\n")
        (folder / "alertmanager.yml").write_text(text, encoding="utf-8")
        self._folder = folder
        self._process = self._start()

    def restart(self) -> None:
        """End it and start it again, with what it has stored."""
        _end(self._process)
        self._process = self._start(_start_delay())

    def _start(self, more: Sequence[str] = ()) -> "subprocess.Popen[bytes]":
        with (self._folder / "alertmanager.log").open("ab") as log:
            process = subprocess.Popen(
                [
                    binary("prometheus-alertmanager"), f"--config.file={self._folder / 'alertmanager.yml'}",
                    f"--storage.path={self._folder / 'alertmanager'}", f"--web.listen-address={self.address}",
                    "--cluster.listen-address=", *more,
                ],
                stdout=log, stderr=log,
            )  # fmt: skip
        until = time.monotonic() + READY_S
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1):
                    return process
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def stop(self) -> None:
        _end(self._process)


@cache
def _start_delay() -> list[str]:
    """From 0.30 on it can wait until Prometheus has told all again, before it decides what is news."""
    known = subprocess.run([binary("prometheus-alertmanager"), "--help"], capture_output=True, text=True, check=False)
    return ["--dispatch.start-delay=15s"] if "--dispatch.start-delay" in known.stdout + known.stderr else []


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def names_by_partition() -> list[str]:
    """A name that lies in each of four partitions."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < 4:
        found.setdefault(partition_for(f"p{number}".encode(), 4), f"p{number}")
        number += 1
    return [found[place] for place in range(4)]
