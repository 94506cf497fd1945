"""Crash-only: the first thing that must not happen ends the process, and recovery is the way on."""

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from typing import Any

logger = logging.getLogger(__name__)


class TransportFailure(Exception):
    """The worker cannot know any longer that what it does is exact; the process ends."""


class DeliveryFailed(TransportFailure):
    """A record was not delivered, or not in time."""


class CommitFailed(TransportFailure):
    """Offsets could not be committed for too long."""


class QuiesceTimeout(TransportFailure):
    """What was in work did not end in time before partitions are given up."""


class LogRewound(TransportFailure):
    """A partition gave records before the offset that was expected: its log was replaced or truncated."""


class RecoveryFailed(TransportFailure):
    """A changelog could not be read to its end."""


class GroupUnheard(TransportFailure):
    """The group has not answered for longer than the session timeout: its partitions may have another owner."""


class ProcessPaused(TransportFailure):
    """The process stood still so long that its partitions may belong to another worker."""


class CannotStart(Exception):
    """What is saved does not belong to this worker as it was started, so starting it again changes nothing.

    The text says what to do; it is all that is told, and the exit status is 2.
    """


class FailStop:
    """Ends the process with exit status 1, or 2 for CannotStart; once, from any thread.

    The app is crashed first, which lets Faust end in order; while it does, nothing is committed any more, since
    `reason` is set. If that takes longer than `grace` seconds the process is ended by force.

    Attributes:
        reason: why the process ends; None while it does not.
        stop: ends the worker in order as SIGTERM does; a worker that cannot start has no crash to show.
    """

    def __init__(self, app: Any, grace: float) -> None:
        self._app = app
        self._grace = grace
        self._lock = threading.Lock()
        self._crashing: asyncio.Task[None] | None = None
        self.reason: BaseException | None = None
        self.stop: Callable[[], None] | None = None

    def __call__(self, reason: BaseException) -> None:
        with self._lock:
            if self.reason is not None:
                return
            self.reason = reason
        if isinstance(reason, CannotStart):
            logger.critical("%s (%s)", reason, type(reason).__name__)
        else:
            logger.critical("The process ends: %s: %s", type(reason).__name__, reason)
        timer = threading.Timer(self._grace, exit_by_force, [self.exit_status])
        timer.daemon = True
        timer.start()
        try:
            self._app.loop.call_soon_threadsafe(self._crash, reason)
        except RuntimeError:
            # The loop is closed: the process is ending already.
            exit_by_force(self.exit_status)

    @property
    def exit_status(self) -> int:
        """Of the process, if it ends now for the reason given."""
        return 2 if isinstance(self.reason, CannotStart) else 1

    def _crash(self, reason: BaseException) -> None:
        if isinstance(reason, CannotStart) and self.stop is not None:
            self.stop()
            return
        self._crashing = asyncio.ensure_future(self._app.crash(reason))


def exit_by_force(status: int = 1) -> None:
    """End the process at once, whatever its threads do."""
    logging.shutdown()
    os._exit(status)
