"""Watching a story: what the worker finds out of it, from the moment on that its past is counted."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from agents.replay.sending import Sent
from agents.trial.acts import Act, Acts
from agents.trial.pace import TrialPacer
from agents.trial.pages import Seen
from agents.trial.stories import Story
from config import definitions_file
from streams.ledger.rules import HOUR, SECOND
from streams.tables.calendar import utc_text

NEARLY_US = 4 * HOUR
"""How close to the end of the past all of it counts as counted: at night little is told."""


CLOCKS = ("customer-events", "qos-signals", "social-mentions")


class Watching:
    """Told what the pages say (`look`), it tells the acts.

    Args:
        sent: how far the sending is.
        on_act: takes each act when it first shows.
    """

    def __init__(self, story: Story, sent: Callable[[], Sent | None], on_act: Callable[[Act], None]) -> None:
        self.acts = Acts(ZoneInfo(definitions_file.load(str(story.definitions)).time_zone))
        self.pacer: TrialPacer | None = None
        self._sent = sent
        self._on_act = on_act
        self._looked_until: float | None = None

    def is_past_counted(self) -> bool:
        """Whether surges were looked for in all of the past, which is after everything else was counted."""
        at = self._sent_until()
        return at is not None and self._looked_until is not None and self._looked_until * SECOND >= at - NEARLY_US

    def behind_us(self) -> int:
        """How far the search for surges, which is the last to be done, is behind with what was sent."""
        sent = self._sent()
        if sent is None or self._looked_until is None:
            return 0
        # The clock of each of these feeds is its newest record.
        reachable = min((sent.newest[topic] for topic in CLOCKS if topic in sent.newest), default=0)
        return reachable - round(self._looked_until * SECOND)

    def look(self, seen: Seen) -> None:
        """Tell what shows now, once what is watched has begun."""
        self._looked_until = seen.looked_until
        at = self._sent_until()
        past_ends = None if self.pacer is None else self.pacer.past_ends_us
        if past_ends is None or at is None or at <= past_ends:
            return
        self.acts.watch_from(utc_text(past_ends))
        for act in self.acts.see(seen):
            self._on_act(act)

    def _sent_until(self) -> int | None:
        sent = self._sent()
        return None if sent is None else sent.at_us
