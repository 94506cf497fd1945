"""Looks at a worker's pages again and again, in a thread, so that a slow answer never holds up the screen."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import orjson

SURGES_CLOCK = re.compile(rb"^netgrowth_surges_clock_timestamp_seconds (\S+)", re.MULTILINE)
TIMEOUT_S = 10.0
EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the pages last said.

    Attributes:
        ready: the worker has its state.
        ledger: the answer of `/api/v1/ledger`; None before there is one.
        status: the answer of `/api/v1/status`; None before there is one.
        health: the answer of `/api/v1/health` over the last hour; None before there is one.
        surges: the answer of `/api/v1/surges`; None before there is one.
        looked_until: event time up to which surges were looked for, seconds since 1970; None: not at all so far.
    """

    ready: bool = False
    ledger: dict[str, Any] | None = None
    status: dict[str, Any] | None = None
    health: dict[str, Any] | None = None
    surges: dict[str, Any] | None = None
    looked_until: float | None = None


class PageWatcher:
    """Keeps `seen` up to date from `start` to `stop`; `look` is shown it each time, in the watcher's thread."""

    def __init__(self, address: str, look: Callable[[Seen], None] | None = None) -> None:
        self.seen = Seen()
        self._look = look
        # One connection for all that is asked, by no proxy of the environment: that is meant for other machines.
        self._connection = HTTPConnection(urlsplit(address).netloc, timeout=TIMEOUT_S)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watching the worker", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; an answer that is under way is not waited for."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            ready = self._get("/health/ready") is not None
            ledger = self._get("/api/v1/ledger") if ready else None
            status = self._get("/api/v1/status") if ready else None
            health = self._get("/api/v1/health?window=1h") if ready else None
            surges = self._get("/api/v1/surges") if ready else None
            before = self.seen
            self.seen = Seen(
                ready, ledger or before.ledger, status or before.status, health or before.health,
                surges or before.surges, self._looked_until() if ready else None,
            )
            if self._look is not None:
                self._look(self.seen)
            self._stop.wait(EVERY_S if ready else EVERY_S / 4)

    def _looked_until(self) -> float | None:
        found = SURGES_CLOCK.search(self._read("/metrics") or b"")
        return None if found is None else float(found[1])

    def _get(self, path: str) -> dict[str, Any] | None:
        """The JSON of a page; None when it does not answer, or with anything but 200."""
        text = self._read(path)
        try:
            page: dict[str, Any] | None = None if text is None else orjson.loads(text)
        except ValueError:
            return None
        return page

    def _read(self, path: str) -> bytes | None:
        try:
            self._connection.request("GET", path)
            answer = self._connection.getresponse()
            text = answer.read()
        except (HTTPException, OSError):
            self._connection.close()
            return None
        return text if answer.status == 200 else None
