"""Surges, verdicts and actions, read back by every worker, so that any of them can tell."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from agents.topic_following import follow
from config.settings import Settings
from streams.surges.board import SurgeLog

logger = logging.getLogger(__name__)

TOPICS = ("surges", "surge-verdicts", "surge-watch", "actions")
POLL_MS = 200
RECORDS_AT_ONCE = 500


class SurgeBoard:
    """Reads these topics until it is cancelled.

    Attributes:
        log: what they hold.
        complete: all that lay in the topics when reading began has been read.
        clock: of the tables, microseconds, asked for; None: not known.
    """

    def __init__(self, settings: Settings, clock: Callable[[], int | None]) -> None:
        self.log = SurgeLog()
        self.complete = False
        self.clock = clock
        self._settings = settings

    async def read(self) -> None:
        """Read until cancelled.

        Raises: aiokafka's errors; the process is to end then.
        """
        name_of = {self._settings.topic(name): name for name in TOPICS}

        async def take(records: Sequence[Any]) -> None:
            for record in records:
                self.take(name_of[record.topic], record.key, record.value)

        def complete() -> None:
            self.complete = True

        await follow(
            self._settings, dict.fromkeys(name_of, 1), take, complete, poll_ms=POLL_MS,
            records_at_once=RECORDS_AT_ONCE,
        )

    def take(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        """The next record of a topic, without prefix; one that is not to be read is passed over."""
        try:
            if topic == "surges":
                self.log.take_event(value)
            elif topic == "surge-watch":
                self.log.take_watching(value)
            elif topic == "surge-verdicts":
                self.log.take_verdict(key, value)
            else:
                self.log.take_action(value)
        except (msgspec.MsgspecError, KeyError, TypeError):
            logger.warning("A record of %s is not to be read and was passed over: key %r", topic, (key or b"")[:80])
