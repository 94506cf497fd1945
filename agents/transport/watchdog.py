"""A thread that notices what an event loop cannot notice of itself: that it stands still, or that time has jumped."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable

from agents.transport.failure import ProcessPaused, exit_by_force

logger = logging.getLogger(__name__)

_INTERVAL = 0.5


def clock() -> float:
    """Seconds by a clock that never goes back and also counts while the machine sleeps, where there is one."""
    boot_time: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)


class Watchdog:
    """Ends a process that stood still for longer than `max_pause`, and tells whether the event loop turns.

    A process stopped for longer than half the session timeout may have lost its partitions, and would go on writing
    to changelogs that have a new owner: a zombie. Its end is immediate, without a last flush or commit.
    """

    def __init__(
        self, *, max_pause: float, loop_stall: float, now: Callable[[], float] = clock,
        end: Callable[[], None] = exit_by_force,
    ) -> None:
        self._max_pause = max_pause
        self._loop_stall = loop_stall
        self._now = now
        self._end = end
        self._stop = threading.Event()
        self._seen_at = now()
        self._turned_at = now()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch this event loop; call it on the loop."""
        self._loop = loop
        self._seen_at = self._turned_at = self._now()
        self._turn()
        threading.Thread(target=self._run, name="transport-watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()

    def is_live(self) -> bool:
        """Whether the event loop has turned lately; of any thread."""
        return self._now() - self._turned_at <= self._loop_stall

    def check(self) -> None:
        """One look: end the process if time has jumped since the last one."""
        now = self._now()
        pause, self._seen_at = now - self._seen_at, now
        if pause > self._max_pause + _INTERVAL:
            error = ProcessPaused(f"the process stood still for {pause:.1f} s, longer than {self._max_pause:g} s")
            logger.critical("The process ends: %s", error)
            self._end()

    def _turn(self) -> None:
        self._turned_at = self._now()
        if self._loop is not None and not self._stop.is_set():
            self._loop.call_later(_INTERVAL, self._turn)

    def _run(self) -> None:
        while not self._stop.wait(_INTERVAL):
            self.check()
