from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from streams.facts.models import RejectReason
from streams.facts.refusal import Refused
from streams.facts.times import EPOCH, instant_of

LONDON = ZoneInfo("Europe/London")


def at(*parts: int) -> int:
    return int((datetime(*parts, tzinfo=UTC) - EPOCH).total_seconds()) * 1_000_000


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2011-01-15T12:00:00", at(2011, 1, 15, 12)),
        ("2011-07-15T12:00:00", at(2011, 7, 15, 11)),
        ("2011-07-15 12:00", at(2011, 7, 15, 11)),
        ("2011-07-15", at(2011, 7, 14, 23)),
        ("2011-07-15T12:00:00Z", at(2011, 7, 15, 12)),
        ("2011-07-15T12:00:00.25-05:00", at(2011, 7, 15, 17) + 250_000),
        # Clocks go forward on 27 March 2011: 01:00 becomes 02:00, so 01:30 never was and counts as 02:30 BST.
        ("2011-03-27T00:59:59", at(2011, 3, 27, 0, 59, 59)),
        ("2011-03-27T01:30:00", at(2011, 3, 27, 1, 30)),
        ("2011-03-27T02:30:00", at(2011, 3, 27, 1, 30)),
        ("2011-03-27T02:00:00", at(2011, 3, 27, 1)),
        # Clocks go back on 30 October 2011: 02:00 becomes 01:00, so 01:30 was twice; the earlier one is BST.
        ("2011-10-30T00:59:59", at(2011, 10, 29, 23, 59, 59)),
        ("2011-10-30T01:30:00", at(2011, 10, 30, 0, 30)),
        ("2011-10-30T02:00:00", at(2011, 10, 30, 2)),
    ],
)
def test_local_times_of_london(text: str, instant: int) -> None:
    assert instant_of(text, LONDON) == instant


def test_a_date_without_midnight_begins_when_the_gap_ends() -> None:
    # In Sao Paulo clocks went from 2017-10-15T00:00 to 01:00.
    assert instant_of("2017-10-15", ZoneInfo("America/Sao_Paulo")) == at(2017, 10, 15, 3)


@pytest.mark.parametrize(
    "text", ["", "now", "2011-02-29", "2011-13-01T00:00:00", "15/07/2011", "2011-07-15T24:00:00", "x" * 10]
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(Refused) as refused:
        instant_of(text, LONDON, "joined_on")
    assert refused.value.reason is RejectReason.BAD_TIME
    assert "joined_on" in refused.value.detail


def test_a_local_time_needs_a_zone() -> None:
    assert instant_of("2011-07-15T12:00:00+02:00", None) == at(2011, 7, 15, 10)
    with pytest.raises(Refused, match="without a zone"):
        instant_of("2011-07-15T12:00:00", None)
