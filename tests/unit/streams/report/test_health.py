"""The section of the report card on what customers experience: who knew of troubles first."""

from typing import Any

import pytest

from streams.health.live.complaints import Complaints
from streams.health.live.health_now import health_now
from streams.report.health import health_lines, health_section
from streams.report.wording import span
from tests.unit.streams.health.live.company_of_books import LiveHealth
from tests.unit.streams.health.live.test_followed import END, leaves, ledger_of, listening
from tests.unit.streams.health.signalling import definitions
from tests.unit.streams.health.test_detection import mention, trouble


def lines_of(mentions: list[dict[str, Any]] | None, left_at: float | None = None) -> list[str]:
    """The lines on troubles after one of ten minutes."""
    ledger = ledger_of("z", *(f"c{n}" for n in range(10)))
    live = LiveHealth(definitions(), 1, ledger)
    if mentions is not None:
        listening(live, mentions)
    live.send([*trouble(), END])
    if left_at is not None:
        leaves(live, ledger, "c3", left_at)
    live.settle()
    told = health_now(live.company, "1h")
    assert told is not None
    lines = list(health_lines(health_section(told, [], {}), "EUR"))
    return lines[next(place for place, line in enumerate(lines) if "troubles of the last week" in line) :]


def test_without_mentions_the_card_says_that_it_is_unknown() -> None:
    assert lines_of(None) == [
        "  troubles of the last week: 1; who was first is unknown, there are no mentions",
        "    shop, checkout, gold, north: since 2024-01-01T10:10:00Z, until 2024-01-01T10:20:00Z",
    ]


@pytest.mark.parametrize(
    ("minute", "words", "first"), [(15, "4 minutes before", "1"), (10.5, "30 seconds after", "0")]
)
def test_the_card_says_who_was_first_and_when_the_first_customer_left(minute: float, words: str, first: str) -> None:
    summary, row = lines_of([mention(1, minute, customer_id="c3")], 131)
    assert summary == (
        f"  troubles of the last week: 1; of 1 that were complained of we were first in {first}; "
        "first loss 2.0 hours after detection (median of 1)"
    )
    assert row.endswith(f"detected {words} the first complaint, first loss 2.0 hours after detection")


def test_nobody_complained() -> None:
    assert lines_of([])[0] == "  troubles of the last week: 1; nobody complained"
    assert Complaints().of_customer(1) == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (59.4, "59 seconds"), (60, "1 minute"), (3_599, "60 minutes"), (5_400, "1.5 hours"),
     (259_200, "3.0 days")],
)  # fmt: skip
def test_a_span_in_the_unit_that_fits(seconds: float, words: str) -> None:
    assert span(seconds) == words
