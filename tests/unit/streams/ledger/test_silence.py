"""To the microsecond: from which fact the silence is counted that makes a lapse."""

import pytest

from streams.facts.times import instant_of
from streams.ledger import plain
from streams.ledger.rules import DAY
from streams.tables.calendar import utc_text
from tests.unit.streams.ledger.telling import NATIVE, amount, counted, fact

SILENCE = NATIVE + "lapse: {after: 5d, restarted_by: [purchased, recommended]}\n"
JOINED = fact("2024-03-01T09:00:00Z", "joined", value=100)
HALF_AN_HOUR_LATER = "2024-03-03T09:30:00Z"

STORIES = {
    "a new customer": ([JOINED], "2024-03-01T09:00:00Z"),
    "a first purchase": ([fact("2024-03-01T09:00:00Z", "purchased", value=100)], "2024-03-01T09:00:00Z"),
    "one who returned": (
        [JOINED, fact("2024-03-02T09:00:00Z", "left"), fact("2024-03-04T09:00:00Z", "joined")],
        "2024-03-04T09:00:00Z",
    ),
    "a purchase of one who lapsed": (
        [JOINED, fact("2024-03-08T09:00:00Z", "purchased", value=100)],
        "2024-03-08T09:00:00Z",
    ),
    "one of the base": ([fact("2024-03-01T09:00:00Z", "opening", value=100)], "2024-03-01T09:00:00Z"),
    "one of the base, silent since": (
        [fact("2024-03-01T09:00:00Z", "opening", value=100, last_fact_at="2024-02-28T09:00:00Z")],
        "2024-02-28T09:00:00Z",
    ),
    "one nobody told of": ([fact("2024-03-01T09:00:00Z", "value_changed", value=100)], "2024-03-01T09:00:00Z"),
    "a purchase": ([JOINED, fact("2024-03-03T09:00:00Z", "purchased", value=100)], "2024-03-03T09:00:00Z"),
    "a recommendation": ([JOINED, fact("2024-03-03T09:00:00Z", "recommended")], "2024-03-03T09:00:00Z"),
    "a fact that breaks no silence": (
        [JOINED, fact("2024-03-03T09:00:00Z", "profile_changed", segment="SMB")],
        "2024-03-01T09:00:00Z",
    ),
    "a change told as left and joined": (
        [JOINED, fact("2024-03-03T09:00:00Z", "left"), fact(HALF_AN_HOUR_LATER, "joined", value=100)],
        HALF_AN_HOUR_LATER,
    ),
    "a change told as joined and left": (
        [JOINED, fact("2024-03-03T09:00:00Z", "joined", value=100), fact(HALF_AN_HOUR_LATER, "left")],
        HALF_AN_HOUR_LATER,
    ),
    "an announced end and joined": (
        [
            JOINED,
            fact("2024-03-02T09:00:00Z", "leaving", effective_at="2024-03-03T09:00:00Z"),
            fact(HALF_AN_HOUR_LATER, "joined", value=100),
        ],
        HALF_AN_HOUR_LATER,
    ),
    "an announced end taken back by joined": (
        [
            JOINED,
            fact("2024-03-02T09:00:00Z", "leaving", effective_at=HALF_AN_HOUR_LATER),
            fact("2024-03-03T09:00:00Z", "joined", value=100),
        ],
        "2024-03-01T09:00:00Z",
    ),
}


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("story", STORIES)
def test_a_customer_lapses_at_the_end_of_its_silence(
    story: str, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiled:
        monkeypatch.setattr(plain, "_piece", None)
    told, since = STORIES[story]
    ends = instant_of(since, None, "since") + 5 * DAY
    before = counted(told, utc_text(ends - 1), definitions=SILENCE)["total"]
    assert before["closing"] == amount(1, 100)
    after = counted(told, utc_text(ends), definitions=SILENCE)["total"]
    assert after["closing"] == amount(0, 0)
    lapsed = after["lost_by_kind"]["lapsed"]["customers"] - before["lost_by_kind"]["lapsed"]["customers"]
    assert lapsed == 1
