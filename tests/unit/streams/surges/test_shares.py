"""A part that has grown beside the rest of its whole is told; one that goes with it, or is as large as ever, not."""

import numpy as np
import pytest

from streams.ledger.rules import DAY, MINUTE
from streams.surges.bank import SurgeBank
from streams.surges.budget import SurgeRules
from streams.surges.series import LOST_CUSTOMERS, Series, series
from streams.surges.shares import LINE, line_of
from streams.surges.surge import SurgeEvent

START = 20_000 * DAY
TOTAL = Series(LOST_CUSTOMERS)
SMALL, LARGE = series(LOST_CUSTOMERS, segment="Small"), series(LOST_CUSTOMERS, segment="Large")
BEGINS = 4 * 1440 + 11 * 60


def run(small: float, large: float, seed: int = 1, last: int = BEGINS + 31) -> list[SurgeEvent]:
    """Losses of two segments, 1 and 19 a minute, times these from a moment of the fifth day on."""
    draw, bank, events = np.random.default_rng(seed), SurgeBank(SurgeRules()), []
    for minute in range(last):
        hour = minute // 60 % 24
        level = 0.3 if hour < 6 else 1.7 if 10 <= hour < 18 else 1.0
        since = minute >= BEGINS
        a, b = draw.poisson(level * (small if since else 1)), draw.poisson(19 * level * (large if since else 1))
        counts: dict[Series, float | None] = {TOTAL: float(a + b), SMALL: float(a), LARGE: float(b)}
        events += bank.observe(START + minute * MINUTE, counts)
    return events


def opened(events: list[SurgeEvent], key: Series = SMALL) -> list[int]:
    told = (event for event in events if event.what == "opened" and event.surge.series == key)
    return [(event.at - START) // MINUTE - BEGINS for event in told]


@pytest.mark.parametrize("seed", range(3))
def test_a_doubling_in_a_twentieth_of_all_losses_is_told_within_half_an_hour(seed: int) -> None:
    events = run(2.0, 1.0, seed)
    [told] = opened(events)
    assert 10 <= told <= 30
    [surge] = [event.surge for event in events if event.what == "opened" and event.surge.series == SMALL]
    assert surge.direction == "up"
    assert surge.observed > 1.5 * surge.expected
    assert START + (BEGINS - 15) * MINUTE <= surge.onset <= START + (BEGINS + 20) * MINUTE
    assert opened(events, TOTAL) == opened(events, LARGE) == []


def test_it_stays_open_while_the_part_is_larger_and_closes_after_it() -> None:
    events = run(2.0, 1.0, last=BEGINS + 90)
    assert [event.what.value for event in events if event.surge.series == SMALL][:1] == ["opened"]
    assert not any(event.what == "closed" for event in events)


@pytest.mark.parametrize(("small", "large"), [(1.0, 1.0), (1.3, 1.3), (1.0, 0.3)])
def test_a_part_that_goes_with_its_whole_or_is_as_large_as_ever_has_not_grown(small: float, large: float) -> None:
    assert opened(run(small, large)) == []


def test_many_parts_lie_further_out() -> None:
    assert line_of(1) == line_of(100) == LINE
    assert LINE < line_of(1_000) < line_of(50_000) < LINE + 1.5
