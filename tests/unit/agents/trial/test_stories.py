"""What the story of `make run` holds, and how long it takes to be watched."""

from collections import defaultdict
from datetime import datetime
from itertools import takewhile

from agents.trial.club.records import TOPICS
from agents.trial.stories import CLUB_BEGINS, SIGNALS, SIGNALS_BEGIN, STORIES, times_faster
from streams.ledger.rules import HOUR

CLUB = STORIES["flight-club"]


def us(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


def test_signals_begin_later_than_the_others() -> None:
    first = defaultdict[str, int](lambda: us(SIGNALS_BEGIN) + HOUR)
    for record in takewhile(lambda one: (one.at_us or 0) < us(SIGNALS_BEGIN) + HOUR, CLUB.open()()):
        first[record.topic] = min(first[record.topic], record.at_us or 0)
    assert first["customer-events"] == us(CLUB_BEGINS)
    assert first["social-mentions"] < us(CLUB_BEGINS) + 24 * HOUR
    assert all(us(SIGNALS_BEGIN) <= first[topic] < us(SIGNALS_BEGIN) + HOUR for topic in SIGNALS)
    assert set(SIGNALS) < set(TOPICS)


def test_what_is_watched_takes_under_three_minutes() -> None:
    begins = us(CLUB_BEGINS) + CLUB.pace.base_us
    survey = us(datetime.fromisoformat("2013-04-24T12:00:00+00:00"))
    assert begins > us(SIGNALS_BEGIN)
    assert 90 < CLUB.pace.due_s(survey - us(CLUB_BEGINS)) < 150
    assert times_faster(CLUB, 2).pace.due_s(survey - us(CLUB_BEGINS)) < 75
