"""Label values are bounded, and every worker folds the same ones."""

import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streams.catalogue import ROWS
from streams.tables.folding import folded
from streams.tables.labels import label_cut, members
from streams.tables.scopes import THE_TOTAL, TOTAL
from streams.tables.series import SERIES_BUDGET, cuts, numbers_of, series_count
from streams.tables.windows import BEGINNING, Span
from tests.property.test_running_windows import balances
from tests.unit.agents.made_up_company import START, MadeUpCompany, wide_company
from tests.unit.streams.tables.test_rows import lost


def test_the_values_with_most_customers_are_shown_and_unknown_beside_them():
    cut = label_cut({"price": 900, "service": 70, "moved": 3, "unknown": 1}, 2)
    assert cut.shown == {"price", "service", "unknown"}
    assert cut.values == 4
    assert cut.folds
    assert cut.share == 3 / 974
    assert (cut.name("price"), cut.name("moved"), cut.name("never seen")) == ("price", "other", "other")


def test_nothing_is_folded_within_the_limit():
    cut = label_cut({"a": 1, "b": 2, "unknown": 4}, 2)
    assert cut.shown == {"a", "b", "unknown"}
    assert (cut.folds, cut.share) == (False, 0.0)


def test_a_value_of_the_name_other_is_part_of_other():
    cut = label_cut({"a": 6, "other": 2}, 5)
    assert cut.shown == {"a"}
    assert cut.folds
    assert cut.share == 0.25


def test_a_value_gives_way_only_to_one_of_the_next_power_of_two():
    customers = {"anna": 40, "bert": 33}
    assert label_cut(customers, 1).shown == {"anna"}
    assert label_cut(customers | {"bert": 63}, 1).shown == {"anna"}
    assert label_cut(customers | {"bert": 64}, 1).shown == {"bert"}
    swings = [label_cut({"anna": 40 + n, "bert": 39 + n + n % 3}, 1).shown for n in range(500)]
    changes = sum(one != next_one for one, next_one in pairwise(swings))
    assert changes <= 8


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(0, 1 << 40)), st.integers(1, 9))
def test_cuts_are_bounded_and_independent_of_order(customers, limit):
    cut = label_cut(customers, limit)
    assert cut == label_cut(dict(reversed(customers.items())), limit)
    assert len(cut.shown) <= limit
    assert 0 <= cut.share <= 1


def test_folded_scopes_add_up_to_the_total():
    company = wide_company(30, 4, 2, 600)
    rows = company.rows("24h")
    limited = cuts(company.rows("all"), label_limit=5)
    segments = {
        scope: folded([rows[part] for part in parts], None)
        for scope, parts in members(rows, limited.labels).items()
        if scope[0] == "segment"
    }
    assert len(segments) == 6
    assert len(limited.labels["segment"].shown) == 5
    total = rows[THE_TOTAL]
    for name in ("opening", "new", "lost", "net", "closing"):
        for part in ("customers", "value"):
            assert sum(row[name][part] for row in segments.values()) == total[name][part]
    other = segments["segment", "other", ""]
    assert other["closing"]["customers"] > 0
    assert balances(other)
    assert sum(line["customers"] for line in other["activities"]) == other["new"]["customers"]
    assert other["retention"] == other["stayed"]["customers"] / other["stayed_of"]["customers"]


def test_folded_lists_are_merged_by_name():
    one = row_with_reasons({"price": 2, "moved": 1})
    two = row_with_reasons({"price": 5})
    both = folded([one, two], None)
    assert [(line["reason"], line["customers"]) for line in both["reasons"]] == [("price", 7), ("moved", 1)]
    assert both["lost_by_kind"]["voluntary"]["customers"] == 8
    assert one["reasons"][0]["customers"] == 2


def test_no_more_series_than_the_budget_however_many_scopes():
    company = wide_company(60, 40, 30, 3000)
    made = cuts(company.rows("all"), label_limit=100)
    assert made.series <= SERIES_BUDGET
    shown = {label: len(cut.shown) for label, cut in made.labels.items()}
    # One more of each would not have fitted.
    assert series_count({label: min(cut.values, shown["segment"] + 3) for label, cut in made.labels.items()}) > (
        SERIES_BUDGET
    )
    assert cuts(company.rows("all"), label_limit=100, budget=1_000_000).labels["segment"].values == 60
    assert not cuts(company.rows("all"), label_limit=100, budget=1_000_000).labels["segment"].folds


def test_100_000_made_up_reasons_and_campaigns_stay_bounded_and_complete():
    company = MadeUpCompany()
    for n in range(50_000):
        company.gain(100, START, activity=f"campaign {n}")
        company.lose(100, START + 3_600_000_000, reason=f"because {n}")
    for _ in range(500):
        company.lose(100, START + 3_600_000_000, reason="price")
    rows = company.tables.rows(Span(BEGINNING, START + 2 * 3_600_000_000), TOTAL)
    began = time.perf_counter()
    made = cuts(rows, label_limit=100)
    numbers = list(numbers_of(rows[THE_TOTAL], "total", "24h", made.labels, 2))
    seconds = time.perf_counter() - began
    assert made.series <= SERIES_BUDGET
    assert made.labels["reason"].values == 50_002  # `unknown` is always a line
    assert made.labels["activity"].values == 50_000
    assert "price" in made.labels["reason"].shown
    assert made.labels["reason"].share > 0.9
    by_name: dict[str, dict[str, float]] = {}
    for place, part, number in numbers:
        by_name.setdefault(ROWS[place].name, {})[part] = number
    reasons = by_name["netgrowth_customers_lost_by_reason"]
    assert len(reasons) <= 102
    assert reasons["price"] == 500
    assert sum(reasons.values()) == 50_500 == by_name["netgrowth_customers_lost"][""]
    campaigns = by_name["netgrowth_customers_brought_by_activity"]
    assert len(campaigns) <= 102
    assert sum(campaigns.values()) == 50_000
    assert round(sum(by_name["netgrowth_value_brought_by_activity"].values()), 2) == 50_000.0
    assert seconds < 2


def row_with_reasons(reasons):
    company = MadeUpCompany()
    for reason, count in reasons.items():
        for _ in range(count):
            company.tables.add_movement(lost(10, START, reason=reason))
    company.advance(START)
    return company.rows("all")[THE_TOTAL]

