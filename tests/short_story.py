"""The story of `make run`, nine days of it and at once: up to the evening of the trouble, when its alert is open."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from agents.replay.finding import find_files
from agents.replay.records import Outgoing
from agents.trial.club.flights import DATASET, FILE
from agents.trial.club.records import club_records
from agents.trial.pace import Pace
from agents.trial.stories import STORIES, Story
from streams.ledger.rules import DAY

PAST = 7 * DAY
"""What its detectors learn from, before anything is told."""


def instant(text: str) -> int:
    """Microseconds since 1970."""
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


BEGINS, ENDS = instant("2013-04-09T04:00:00+00:00"), instant("2013-04-17T06:00:00+00:00")


def short_story() -> Story:
    """It stands still at its end, so that whoever looks sees the same each time. Raises: DataNotFound."""
    path = find_files(DATASET, [FILE])[FILE]

    def records() -> Iterator[Outgoing]:
        return takewhile(lambda record: (record.at_us or 0) < ENDS, club_records(path, BEGINS))

    return replace(STORIES["flight-club"], pace=Pace(PAST, None, None), open=lambda: records)
