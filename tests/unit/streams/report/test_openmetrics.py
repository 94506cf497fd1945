"""The past as OpenMetrics text: the numbers of the periods, at the instants at which they were whole."""

import msgspec
import pytest

from config.definitions_file import load
from config.settings import NATIVE_DEFINITIONS
from streams.facts.models import RawRecord
from streams.recount import Recount
from streams.report.openmetrics import past_lines

DAYS = (("a", "joined", 1), ("b", "joined", 1), ("a", "left", 3))


def lines(by: str) -> list[str]:
    recount = Recount(load(NATIVE_DEFINITIONS), by=by)
    said = [
        {"event_id": f"{n}", "at": f"2024-01-0{day}T10:00:00Z", "customer_id": name, "fact": fact, "value": 1050,
         "reason": 'too "dear"'}
        for n, (name, fact, day) in enumerate(DAYS)
    ]  # fmt: skip
    recount.add([RawRecord(msgspec.json.encode(one), offset=n) for n, one in enumerate(said)])
    return list(past_lines(recount.finish(), by, 100))


def test_each_day_is_told_in_its_last_minute_and_the_last_one_at_the_clock() -> None:
    closing = [line for line in lines("day") if line.startswith("netgrowth_customers_closing{")]
    labels = '{scope="total",window="today"}'
    assert closing == [
        f"netgrowth_customers_closing{labels} 2 1704153540",
        f"netgrowth_customers_closing{labels} 2 1704239940",
        f"netgrowth_customers_closing{labels} 1 1704276000",
    ]


def test_families_are_whole_and_reasons_have_lines_of_their_own() -> None:
    found = lines("hour")
    assert found[-1] == "# EOF"
    assert found.count("# TYPE netgrowth_value_lost_by_reason gauge") == 1
    (lost,) = [
        line for line in found if line.startswith("netgrowth_value_lost_by_reason{") and " 10.5 " in line
    ]
    assert 'window="1h",reason="too \\"dear\\""' in lost
    names = [line.split("{")[0] for line in found if not line.startswith("#")]
    assert names == sorted(names, key=names.index)  # the samples of one family stand together


@pytest.mark.parametrize(("by", "window"), [("week", "this_week"), ("month", "this_month")])
def test_a_period_is_that_of_the_window_that_holds_it(by: str, window: str) -> None:
    assert any(f'window="{window}"' in line for line in lines(by))
