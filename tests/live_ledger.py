"""A running worker seen from outside: its pages, the offline count it must equal, and the laws it must keep."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from agents.trial.ports import free_port
from agents.trial.worker_process import WorkerProcess
from tests.property.counting import differences

ROOT = Path(__file__).resolve().parents[1]
COMMAND = (sys.executable, "-m", "agents.commands.main")
AT_REST = 9
"""Looks in a row that must find the same ledger: longer than a partition takes to become idle."""

LEVELS = (("opening", 1), ("new", 1), ("returned", 1), ("lost", -1), ("transferred_in", 1), ("transferred_out", -1))


class LiveWorker:
    """One worker process and its pages.

    Attributes:
        program: the module that is run.
    """

    program = "agents.commands.main"

    def __init__(self, environment: Mapping[str, str], folder: Path, name: str = "worker", **settings: str) -> None:
        self.port = free_port(0)
        more = {"NETGROWTH_WEB_PORT": str(self.port), "NETGROWTH_FLUSH_INTERVAL": "200ms"}
        more |= {"NETGROWTH_SESSION_TIMEOUT": "10s", **settings}
        self.process = WorkerProcess(
            {**environment, **more}, folder / f"{name}.log", program=self.program, inherit_settings=False
        )
        self.process.start()

    def get(self, path: str) -> bytes | None:
        """The page; None while there is no good answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                page: bytes = answer.read()
                return page
        except (urllib.error.URLError, OSError):
            return None

    def json(self, path: str) -> dict[str, Any] | None:
        """The page as JSON; None while there is no good answer."""
        page = self.get(path)
        return None if page is None else json.loads(page)

    def wait_ready(self) -> "LiveWorker":
        """Until it has its partitions and the company's tables."""
        wait(lambda: self.get("/health/ready") is not None, self, "is not ready")
        return self

    def ledger_of(self, records: int, until: str | None = None, timeout_s: float = 90.0) -> dict[str, Any]:
        """The ledger once so many records are counted, the clock has come so far, and nothing moves any more.

        Without `until` a busy machine may look at rest a moment before the last partitions are known as idle.
        """
        seen: list[dict[str, Any]] = []

        def at_rest() -> bool:
            ledger = self.json("/api/v1/ledger")
            if ledger is None or ledger["accounting"]["records"] < records or (seen and ledger != seen[-1]):
                seen.clear()
            elif until is not None and (ledger["until"] or "") < until:
                return False
            if ledger is not None:
                seen.append(ledger)
            return len(seen) >= AT_REST and seen[-1]["accounting"]["records"] >= records

        wait(at_rest, self, f"has not counted {records} records", timeout_s)
        return seen[-1]


class EmbeddedWorker(LiveWorker):
    """The same beside the embedded broker, which it does not ask again at once for what is not there."""

    program = "agents.trial.embedded_worker"


def wait(holds: Callable[[], bool], worker: LiveWorker, why: str, timeout_s: float = 60.0) -> None:
    """Until it holds; a worker that has ended, or takes too long, fails the test with the end of its log."""
    end = time.monotonic() + timeout_s
    while not holds():
        ended = worker.process.exit_status
        assert ended is None, f"the worker ended with {ended}:\n{worker.process.last_lines()}"
        assert time.monotonic() < end, f"the worker {why}:\n{worker.process.last_lines()}"
        time.sleep(0.3)


def replay(environment: Mapping[str, str], dataset: str, *options: str) -> subprocess.Popen[bytes]:
    """Send a data set; the caller waits for its end."""
    return subprocess.Popen([*COMMAND, "replay", dataset, *options], cwd=ROOT, env={**_path(), **environment})


def offline(dataset: str, *options: str) -> dict[str, Any]:
    """`netgrowth ledger` over the records of a data set, placed on four partitions."""
    records = subprocess.run(
        [*COMMAND, "replay", dataset, "--print", "customer-events", *options], cwd=ROOT, env=_path(), check=True,
        stdout=subprocess.PIPE,
    ).stdout  # fmt: skip
    counted = subprocess.run(
        [*COMMAND, "ledger", "--definitions", f"config/definitions/{dataset}.yaml", "--facts", "-", "--partitions",
         "4", "--json"],
        cwd=ROOT, env=_path(), input=records, check=True, stdout=subprocess.PIPE,
    ).stdout  # fmt: skip
    ledger: dict[str, Any] = json.loads(counted)
    return ledger


def assert_same(live: dict[str, Any], recounted: dict[str, Any]) -> None:
    """To the last integer, at equal clocks."""
    found = differences(live, recounted)
    assert not found, "\n".join(found)


def assert_balanced(ledger: Mapping[str, Any]) -> None:
    """Every scope and window balances, and the parts sum to the total."""
    for where, row in rows_of(ledger):
        for unit in ("customers", "value"):
            closing = sum(sign * row[name][unit] for name, sign in LEVELS)
            if unit == "value":
                closing += row["expansion"] - row["contraction"]
            assert closing == row["closing"][unit] >= 0, (where, unit)
    for parts in ("segments", "regions", "products"):
        for unit in ("customers", "value"):
            whole = sum(row["closing"][unit] for row in ledger[parts].values())
            assert whole == ledger["total"]["closing"][unit], parts


def rows_of(ledger: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every row with a name for it."""
    yield "total", ledger["total"]
    for parts in ("segments", "regions", "products", "windows"):
        for name, row in ledger[parts].items():
            yield f"{parts} {name}", row
            if "before" in row:
                yield f"{parts} {name} before", row["before"]
    for segment, regions in ledger["segment_regions"].items():
        for region, row in regions.items():
            yield f"{segment} x {region}", row


def exported_scopes(page: bytes) -> set[str]:
    """Label sets of the closing balances on a page of metrics."""
    name = "netgrowth_customers_closing{"
    return {line.rsplit(" ", 1)[0] for line in page.decode().splitlines() if line.startswith(name)}


def _path() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if not name.startswith(("NETGROWTH_", "KAFKA_"))}
