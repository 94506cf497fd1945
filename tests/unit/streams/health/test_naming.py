"""Which customers: a fault is named rightly and at once, on any number of partitions; without one nothing is."""

from datetime import datetime

import pytest

from tests.unit.streams.health.faults import hit_by, named_in, stream
from tests.unit.streams.health.signalling import START, definitions, health_of, signal


def minutes_after_start(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp() / 60 - START / 60_000


def test_a_fault_of_two_percent_is_named_within_five_minutes() -> None:
    health = named_in(stream(3, hours=0.4, fault_at=14.5))
    (named,) = health["subsets"]
    assert named["attributes"] == hit_by(3)
    assert (named["service"], named["stage"]) == ("shop", "checkout")
    assert 14.5 < minutes_after_start(named["named_at"]) <= 19.5
    assert 13.5 < minutes_after_start(named["start"]) <= 16.5
    assert 180 < named["customers"] <= 200
    assert named["lift"] > 10
    (whole,) = health["periods"][0]["services"]
    assert whole["colour"] == "green"


def test_partitions_change_no_name() -> None:
    one, four = (named_in(stream(5, customers=2_500, hours=0.5, fault_at=10), n) for n in (1, 4))
    assert [named["attributes"] for named in one["subsets"]] == [hit_by(5)]
    assert one["subsets"] == four["subsets"]
    assert one["periods"] == four["periods"]


@pytest.mark.parametrize("by_customer", [True, False], ids=["the_same_customers", "any_signal"])
def test_nothing_is_named_without_a_fault(by_customer: bool) -> None:
    assert named_in(stream(4, customers=2_500, fault_at=None, by_customer=by_customer))["subsets"] == []


def test_one_customer_who_tries_again_and_again_names_no_group() -> None:
    crowd = [signal(n, n % 60, f"c{n % 300}", attributes={"device": f"d{n % 3}"}) for n in range(6_000)]
    again = [signal(9_000 + n, n % 60, "again", ok=False, attributes={"device": "odd"}) for n in range(3_000)]
    assert health_of(sorted([*crowd, *again], key=lambda one: one["at"]))["subsets"] == []


def test_a_few_more_customers_who_are_hurt_all_the_time_are_no_group() -> None:
    # In customer minutes six of sixty, beside six of six hundred, are overwhelming; in customers they are chance.
    signals = [
        signal(n * 20 + turn, turn * 3 + n % 3, f"c{n}", ok=not (n < 6 or 60 <= n < 66),
               attributes={"device": "odd" if n < 60 else f"d{n % 4}"})
        for n in range(660) for turn in range(20)
    ]  # fmt: skip
    assert health_of(sorted(signals, key=lambda one: one["at"]))["subsets"] == []


def test_when_all_are_hurt_alike_nobody_is_named() -> None:
    storm = [
        signal(n, n % 60, f"c{n % 900}", ok=n % 2 > 0, attributes={"device": f"d{n % 7}"}) for n in range(9_000)
    ]
    health = health_of(sorted(storm, key=lambda one: one["at"]))
    assert health["subsets"] == []
    assert health["periods"][0]["scopes"][0]["colour"] == "red"


def test_attributes_that_are_left_out_are_no_part_of_a_name() -> None:
    hurt = [
        signal(n, n % 60, f"c{n % 900}", ok=n % 9 > 0, attributes={"device": f"d{n % 9}", "shade": f"s{n % 9}"})
        for n in range(9_000)
    ]
    under = definitions("thresholds: [{satisfied_within: 1s}]\nsubsets: {leave_out: [device]}")
    (named,) = health_of(sorted(hurt, key=lambda one: one["at"]), under=under)["subsets"]
    assert named["attributes"] == {"shade": ["s0"]}
    assert (named["customers"], named["disrupted"]) == (100, 100)
    assert "lift" not in named
