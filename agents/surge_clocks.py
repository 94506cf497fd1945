"""Up to when the detectors may judge, and of what nothing is known in a minute."""

from collections.abc import Mapping
from typing import Final, Protocol

from agents.feeds import HEALTH as HEALTH_FEED
from agents.feeds import LEDGER as LEDGER_FEED
from agents.feeds import VOICE as VOICE_FEED
from agents.survey_answers import SurveyAnswers
from streams.ledger.rules import DAY, MINUTE, SECOND
from streams.surges.own_series import OwnCounting, measures_of
from streams.surges.series import HEALTH, LEDGER, SURVEYS, VOICE
from streams.tables.silence import FeedWatch
from streams.tables.watermark import PartitionState

ANSWERS_KNOWN_US: Final = DAY
"""How long after the last answer to a survey it is known that none came; later the feed may have ended."""

PATIENCE_US: Final = 60 * SECOND
"""A clock behind the other that stands still for so long is not waited for: what it counts is unknown meanwhile."""


class Counted(Protocol):
    """What is counted of one feed, company-wide."""

    def states(self) -> Mapping[int, PartitionState]:
        """What each partition last told of its time."""
        ...

    def offsets(self) -> Mapping[int, int]:
        """The next offset of each partition that is counted."""
        ...


class FeedClock:
    """The clock of one feed's counts, and since when it stands still by the wall clock.

    Attributes:
        topic: the feed, without prefix.
        measures: what is counted of it.
        at: where it stands, microseconds; None: not known.
        first: the first instant with anything counted; None: there is none.
    """

    def __init__(self, topic: str, measures: tuple[str, ...]) -> None:
        self.topic = topic
        self.measures = measures
        self.at: int | None = None
        self.first: int | None = None
        self._moved = 0

    def move(self, at: int | None, first: int | None, now: int) -> None:
        """Note where it stands, and the first instant with anything counted."""
        if at != self.at:
            self.at, self._moved = at, now
        self.first = first

    def is_waited_for(self, now: int) -> bool:
        """Whether minutes that it has not passed are to wait."""
        return self.at is not None and now - self._moved < PATIENCE_US

    def tells(self, minute: int, watch: FeedWatch) -> bool:
        """Whether a minute is known of it: the feed had begun, the clock has passed it, and the feed was not silent.

        The clock of a feed that stands still goes on with the wall's: only `watch` tells idle from dead.
        """
        if self.first is None or self.at is None:
            return False
        return self.first < minute + MINUTE <= self.at and not watch.is_silent(self.topic, minute + MINUTE)


class SurgeClocks:
    """The clocks of all that the detectors count.

    Attributes: ledger, voice, health: that of each feed.
    """

    def __init__(self, own: OwnCounting, answers: SurveyAnswers | None) -> None:
        """`own`: series that the definitions name; `answers`: those to surveys, which have no clock of their own."""
        self.ledger = FeedClock(LEDGER_FEED.topic, measures_of(LEDGER, own))
        self.voice = FeedClock(VOICE_FEED.topic, measures_of(VOICE, own))
        self.health = FeedClock(HEALTH_FEED.topic, measures_of(HEALTH, own))
        self._answers = answers
        self._answer_measures = measures_of(SURVEYS, own)

    def _all(self) -> tuple[FeedClock, FeedClock, FeedClock]:
        return self.ledger, self.voice, self.health

    def first(self) -> int | None:
        """The first instant with anything counted."""
        return min((clock.first for clock in self._all() if clock.first is not None), default=None)

    def until(self, now: int) -> int | None:
        """The instant up to which minutes may be judged; None: nothing is known of time."""
        known = [clock for clock in self._all() if clock.at is not None]
        if not known:
            return None
        waited = [clock.at for clock in known if clock.is_waited_for(now) and clock.at is not None]
        # If all stand still, nothing is behind: they stand where they stand.
        return min(waited) if waited else max(clock.at for clock in known if clock.at is not None)

    def unknown(self, minute: int, watch: FeedWatch) -> list[str]:
        """Measures of which nothing is known in a minute."""
        found = [measure for clock in self._all() if not clock.tells(minute, watch) for measure in clock.measures]
        answered = None if self._answers is None else self._answers.counts.span
        knows_answers = answered is not None and answered[0] < minute <= answered[1] + ANSWERS_KNOWN_US
        return found if knows_answers else [*found, *self._answer_measures]


def watch_feed(watch: FeedWatch, topic: str, counted: Counted, now: int) -> None:
    """Note how much of a feed has come by now."""
    newest = max((state.largest for state in counted.states().values() if state.largest is not None), default=None)
    watch.note(topic, sum(counted.offsets().values()), newest, now)
