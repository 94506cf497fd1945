"""What a trial can play: records, the definitions that they are counted by, and how fast."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from agents.replay.finding import find_files
from agents.replay.records import Outgoing
from agents.trial.club.flights import DATASET, FILE
from agents.trial.club.records import TOPICS, club_records
from agents.trial.pace import Pace
from agents.trial.playing import of_dataset
from config.settings import NATIVE_DEFINITIONS
from streams.ledger.rules import DAY, HOUR


@dataclass(frozen=True, slots=True)
class Story:
    """Something that can be watched, and how fast it is played.

    Attributes:
        name: of the story and of its definitions file.
        topics: those that its records go to.
        open: makes the records, in the order of their event times. Raises: DataNotFound.
        credit: who made the data and under which licence, as the licence asks.
        notice: what of it is real and what is not, for the board.
        partitions: of the input topics; event time that races costs each of them.
    """

    name: str
    topics: tuple[str, ...]
    open: Callable[[], Callable[[], Iterator[Outgoing]]]
    pace: Pace
    credit: str
    notice: str = ""
    partitions: int = 4

    @property
    def definitions(self) -> Path:
        """The shipped definitions file."""
        return NATIVE_DEFINITIONS.with_name(f"{self.name}.yaml")


CLUB_BEGINS = datetime(2013, 4, 4, 4, tzinfo=UTC)
"""Midnight in New York, eleven days before what is watched: surveys are answered a week after a flight."""

SIGNALS_BEGIN = datetime(2013, 4, 8, 4, tzinfo=UTC)
"""A week before what is watched: signals are most of the records, and their detectors need no more."""

SIGNALS = ("qos-signals", "service-status")


def open_club() -> Callable[[], Iterator[Outgoing]]:
    """The records of the club on the packed flights.

    Raises: DataNotFound.
    """
    path = find_files(DATASET, [FILE])[FILE]
    since, signals_since = (int(at.timestamp()) * 1_000_000 for at in (CLUB_BEGINS, SIGNALS_BEGIN))

    def records() -> Iterator[Outgoing]:
        for record in club_records(path, since):
            if record.topic not in SIGNALS or (record.at_us or 0) >= signals_since:
                yield record

    return records


STORIES = {
    story.name: story
    for story in (
        Story(
            "flight-club",
            TOPICS,
            open_club,
            Pace(
                base_us=11 * DAY,
                base_speed=None,
                speed=2 * 3600,
                legs=(
                    (35 * HOUR, 5_400),  # Monday until Tuesday, 11:00: an hour and a half a second
                    (11 * HOUR, 900),  # a quarter of an hour a second
                    (10 * HOUR, 3_600),  # the night and the morning after
                    (8 * DAY, 14_400),  # until the survey and after
                ),
            ),
            "nycflights13 by Hadley Wickham, of the US Bureau of Transportation Statistics, CC0",
            "Demonstration. Real: every flight from New York, its delays and cancellations (US Bureau of "
            "Transportation Statistics, 2013), and so when those on board were disrupted. Generated: the club's "
            "members, what they say, why they leave and how they answer surveys, by one rule that knows no date and "
            "no airline.",
            partitions=1,
        ),
        Story(
            "online-retail",
            ("customer-events",),
            lambda: of_dataset("online-retail", "customer-events"),
            Pace(base_us=365 * DAY, base_speed=365 * 86_400 / 20, speed=43_200),
            "Online Retail II by Daqing Chen, UCI Machine Learning Repository, CC BY 4.0",
            "Demonstration. Real: purchases at a British gift shop, December 2009 to June 2011.",
        ),
    )
}
"""Name to story; the first is played when none is named."""


def at_speed(story: Story, speed: float | None) -> Story:
    """The story with another speed after its past; None: all of it as fast as possible."""
    return replace(story, pace=replace(story.pace, speed=speed, legs=()))


def times_faster(story: Story, factor: float) -> Story:
    """The story with each of its legs so many times as fast."""
    pace = story.pace
    if pace.speed is None:
        return story
    legs = tuple((length, speed * factor) for length, speed in pace.legs)
    return replace(story, pace=replace(pace, speed=pace.speed * factor, legs=legs))
