"""Up to when the detectors may judge, and of what nothing is known in a minute."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from agents.feeds import HEALTH as HEALTH_FEED
from agents.feeds import LEDGER as LEDGER_FEED
from agents.feeds import VOICE as VOICE_FEED
from agents.input_ends import Ends
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

BEGINNING_US: Final = 10 * MINUTE
"""One that has not begun, though records lie in its feed, is waited for so long: of a past that is read at once the
feeds do not show up together, and what is judged without one of them never learns of days that this one knew."""


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

    def __init__(self, topic: str, measures: tuple[str, ...], ends: Ends | None = None) -> None:
        """`ends` tells where the partitions of the feed end; None: the feed is not read."""
        self.topic = topic
        self.measures = measures
        self.at: int | None = None
        self.first: int | None = None
        self._ends = ends
        self._moved = 0
        self._comes_since: int | None = None

    def move(self, at: int | None, first: int | None, now: int) -> None:
        """Note where it stands, and the first instant with anything counted."""
        if at != self.at:
            self.at, self._moved = at, now
        self.first = first

    async def expect(self, partitions: Sequence[int], now: int) -> None:
        """Ask whether records lie in the feed, until some do or the clock has begun."""
        if self.at is None and self._ends is not None and self._comes_since is None:
            ends = await self._ends(partitions)
            if any(ends.values()):
                self._comes_since = now

    def is_waited_for(self, now: int) -> bool:
        """Whether minutes that it has not passed are to wait."""
        if self.at is None:
            return self._comes_since is not None and now - self._comes_since < BEGINNING_US
        return now - self._moved < PATIENCE_US

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

    def __init__(
        self, own: OwnCounting, answers: SurveyAnswers | None, ends: Mapping[str, Ends] | None = None
    ) -> None:
        """Clocks that have not begun.

        Args:
            own: series that the definitions name.
            answers: those to surveys, which have no clock of their own.
            ends: by input topic, without prefix, where its partitions end.
        """
        ends = ends or {}
        self.ledger, self.voice, self.health = (
            FeedClock(feed.topic, measures_of(family, own), ends.get(feed.topic))
            for feed, family in ((LEDGER_FEED, LEDGER), (VOICE_FEED, VOICE), (HEALTH_FEED, HEALTH))
        )
        self._answers = answers
        self._answer_measures = measures_of(SURVEYS, own)

    def _all(self) -> tuple[FeedClock, FeedClock, FeedClock]:
        return self.ledger, self.voice, self.health

    def first(self) -> int | None:
        """The first instant with anything counted."""
        return min((clock.first for clock in self._all() if clock.first is not None), default=None)

    async def expect(self, partitions: Sequence[int], now: int) -> None:
        """Once one of them has begun, ask of the others whether they are to come."""
        if any(clock.at is not None for clock in self._all()):
            for clock in self._all():
                await clock.expect(partitions, now)

    def until(self, now: int) -> int | None:
        """The instant up to which minutes may be judged; None: not yet known."""
        known = [clock.at for clock in self._all() if clock.at is not None]
        waited = [clock.at for clock in self._all() if clock.is_waited_for(now)]
        if not known or None in waited:
            return None
        # If all stand still, nothing is behind: they stand where they stand.
        return min((at for at in waited if at is not None), default=max(known))

    def unknown(self, minute: int, watch: FeedWatch) -> list[str]:
        """Measures of which nothing is known in a minute."""
        found = [measure for clock in self._all() if not clock.tells(minute, watch) for measure in clock.measures]
        answered = None if self._answers is None else self._answers.counts.span
        knows_answers = answered is not None and answered[0] < minute <= answered[1] + ANSWERS_KNOWN_US
        return found if knows_answers else [*found, *self._answer_measures]


def watch_feed(watch: FeedWatch, topic: str, counted: Counted, now: int) -> None:
    """Note how much of a feed has come by now."""
    watch.note(topic, sum(counted.offsets().values()), newest_of(counted), now)


def newest_of(counted: Counted) -> int | None:
    """The largest event time that a record of a feed told; None: none did."""
    return max((state.largest for state in counted.states().values() if state.largest is not None), default=None)
