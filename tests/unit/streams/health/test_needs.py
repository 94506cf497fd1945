"""T that is learnt: from the same time of day in the days before, by hours in which customers fared as usual."""

import pytest

from streams.health.needs import Needs
from streams.health.rules import HealthRules, Learning, Threshold
from streams.ledger.rules import DAY, HOUR

KIND = ("api", "calling")
START = 10_000 * DAY


def told(latencies: list[float], unusual: tuple[int, ...] = ()) -> Needs:
    """Needs at the hour after hours with these latencies."""
    needs = Needs(HealthRules(learning=Learning(margin=1.5, days=2, around_hours=1, after_us=DAY)))
    for hour, latency in enumerate(latencies):
        needs.begin(START + hour * HOUR)
        needs.absorb(KIND, START + hour * HOUR, latency, hour not in unusual)
    needs.begin(START + len(latencies) * HOUR)
    return needs


def test_in_the_first_day_nothing_is_known() -> None:
    assert told([100.0] * 23).learnt(KIND) is None
    assert told([100.0] * 24).learnt(KIND) == 150.0
    assert told([100.0] * 24)("other", "calling", "unknown") is None


def test_it_is_a_margin_above_the_slowest_hour_at_about_the_same_time_of_day() -> None:
    latencies = [100.0] * 48
    latencies[1], latencies[25], latencies[12] = 300.0, 200.0, 900.0
    assert told(latencies).learnt(KIND) == 450.0  # hours 23, 0 and 1 of two days; noon is another time
    latencies[1] = 100.0
    assert told(latencies).learnt(KIND) == 300.0


def test_hours_in_which_customers_were_disrupted_teach_nothing_unless_there_are_no_others() -> None:
    latencies = [100.0] * 48
    latencies[25] = 5_000.0
    assert told(latencies, unusual=(25,)).learnt(KIND) == 150.0
    assert told(latencies, unusual=tuple(range(48))).learnt(KIND) == 7_500.0


@pytest.mark.parametrize(("segment", "satisfied"), [("gold", 10.0), ("silver", 20.0)])
def test_a_stated_need_goes_before_what_is_learnt(segment: str, satisfied: float) -> None:
    stated = Threshold("api", None, "gold", 10), Threshold("api", None, None, 20)
    needs = Needs(HealthRules(thresholds=stated))
    needs.begin(START)
    needs.absorb(KIND, START, 999.0, True)
    needs.begin(START + 2 * DAY)
    assert needs("api", "calling", segment) == satisfied
