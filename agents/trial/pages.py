"""Looks at a worker's pages again and again, in a thread, so that a slow answer never holds up the screen."""

import threading
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError

import orjson

TIMEOUT_S = 10.0
EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the pages last said.

    Attributes:
        ready: the worker has its state.
        ledger: the answer of `/api/v1/ledger`; None before there is one.
        status: the answer of `/api/v1/status`; None before there is one.
    """

    ready: bool = False
    ledger: dict[str, Any] | None = None
    status: dict[str, Any] | None = None


class PageWatcher:
    """Keeps `seen` up to date from `start` to `stop`."""

    def __init__(self, address: str) -> None:
        self.seen = Seen()
        self._address = address
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watching the worker", daemon=True)
        # A proxy in the environment is meant for other machines.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

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
            before = self.seen
            self.seen = Seen(ready, ledger or before.ledger, status or before.status)
            self._stop.wait(EVERY_S if ready else EVERY_S / 4)

    def _get(self, path: str) -> dict[str, Any] | None:
        """The JSON of a page; None when it does not answer, or with anything but 200."""
        try:
            with self._opener.open(self._address + path, timeout=TIMEOUT_S) as answer:
                page: dict[str, Any] = orjson.loads(answer.read())
                return page
        except (HTTPError, URLError, OSError, ValueError):
            return None
