"""The ordinary `netgrowth worker` as a process, asked by its pages."""

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.trial.ports import free_port
from benchmarks.child import Child, ChildFailed

INPUT = "customer-events"
ASK_EVERY_S = 0.05

PATIENT = {"NETGROWTH_SESSION_TIMEOUT": "90s"}
"""For a worker that a busy machine, or the benchmark, keeps waiting: nobody takes it for dead, itself included."""

LONGEST_END_S = 120.0
"""For its last flush: killed in it, it would be waited for by its successor for as long as its session lasts."""


class ServingWorker:
    """One worker from its start to `stop`.

    Args:
        prefix: of its topics and group; workers with the same one share the work.
        cpu: core that it is bound to; None: any.
    """

    def __init__(
        self, broker: str, prefix: str, partitions: int, log: Path, *, cpu: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._port = free_port(0)
        words = {
            "KAFKA_BROKERS": broker, "NETGROWTH_TOPIC_PREFIX": prefix, "NETGROWTH_GROUP_PREFIX": prefix,
            "NETGROWTH_PARTITIONS": str(partitions), "NETGROWTH_WEB_PORT": str(self._port),
            "NETGROWTH_LOG_LEVEL": "WARNING", **(settings or {}),
        }  # fmt: skip
        self.started = time.time()
        command = [sys.executable, "-m", "agents.commands.main", "worker", "--definitions", "native"]
        self.child = Child(command, words, log, cpu=cpu)

    def wait_ready(self, timeout_s: float) -> float:
        """Wait until it has its state and the company's tables; seconds since its start. Raises: ChildFailed."""
        while self._get("/health/ready") is None:
            self._check(timeout_s, "is not ready")
            time.sleep(ASK_EVERY_S)
        return time.time() - self.started

    def applied(self) -> dict[int, int]:
        """Next offset by partition that it owns; empty while there is no answer."""
        status = self.status()
        return {int(number): place or 0 for number, place in (status or {}).get("applied", {}).items()}

    def status(self) -> dict[str, Any] | None:
        """The answer of `/api/v1/status`; None while there is none."""
        page = self._get("/api/v1/status")
        return None if page is None else json.loads(page)

    def wait_applied(self, records: int, timeout_s: float) -> None:
        """Wait until so many records are in the company's tables. Raises: ChildFailed."""
        began = time.time()
        while ((self.status() or {}).get("accounting") or {}).get("records", 0) < records:
            self._check(timeout_s + began - self.started, f"has not counted {records:,} records")
            time.sleep(5 * ASK_EVERY_S)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self.child.stop(LONGEST_END_S)

    def _check(self, timeout_s: float, why: str) -> None:
        ended = self.child.process.poll()
        if ended is not None:
            raise ChildFailed(f"the worker ended with {ended}:\n{self.child.last_lines()}")
        if time.time() - self.started > timeout_s:
            self.child.kill()
            raise ChildFailed(f"the worker {why} after {timeout_s:.0f} s:\n{self.child.last_lines()}")

    def _get(self, path: str) -> bytes | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=30) as answer:
                page: bytes = answer.read()
                return page
        except (urllib.error.URLError, OSError):
            return None
