"""Who changes class, by cause: lists of movements compared customer by customer."""

from streams.class_changes import TOGETHER, MovementLists, all_differences, by_cause, changed_lines, compare
from streams.ledger.movements import Change, Movement, Scope
from streams.tables.calendar import Calendar
from tests.unit.streams.tables.test_calendar import at

A, B = Scope("A", "north", "basic"), Scope("B", "north", "basic")
MAY = at("2011-05-01T00:30:00+01:00")


def movement(kind="new", when=MAY, scope=A, value=100, **more):
    customers = 0 if kind in ("expansion", "contraction") else 1
    return Movement(kind, when, scope, customers, value, None, **more)


def lists(zone="Europe/London", only=None, **customers):
    found = MovementLists(Calendar(zone), only)
    for customer_id, movements in customers.items():
        for one in movements:
            found.note(Change(customer_id, one, 1))
    return found


def difference(old, new):
    return compare(lists(c=old).customers.get("c", {}), lists(c=new).customers.get("c", {}))


def test_a_withdrawn_movement_leaves_no_trace():
    found = lists(c=[movement()])
    found.note(Change("c", movement(), -1))
    assert found.customers == {"c": {}}
    assert found.totals == {"new": [0, 0]}


def test_movement_month_reason_and_scope_make_the_class():
    one = movement("lost", reason="price")
    for other in (
        movement("lost", reason="service"),
        movement("lost", when=at("2011-06-01T00:30:00+01:00"), reason="price"),
        movement("lost", scope=B, reason="price"),
        movement("returned", reason="price"),
    ):
        found = difference([one], [other])
        assert (found.changes_class, found.value, found.value_added, found.value_removed) == (True, 100, 100, 100)
    assert difference([one], [movement("lost", when=MAY + 60_000_000, reason="price", loss_kind="payment")]) is None
    assert difference([one], [one, one]).changes_class


def test_the_month_is_that_of_the_companys_zone():
    london, utc = lists(c=[movement()]), lists(zone="UTC", c=[movement()])
    assert all_differences(london, utc)["c"].changes_class
    assert all_differences(london, lists(c=[movement()])) == {}


def test_another_value_is_money_and_no_count():
    found = difference(
        [movement(), movement("lost"), movement("expansion", value=5)],
        [movement(value=130), movement("lost", value=90), movement("contraction", value=7)],
    )
    assert not found.changes_class
    assert (found.value_added, found.value_removed, found.value) == (37, 15, 37)


def test_a_pending_loss_is_no_movement_and_a_transfer_names_both_scopes():
    assert difference([movement("pending")], []) is None
    (line,) = lists(c=[movement("transfer", to=B)]).customers["c"]
    assert line == ("transfer", "2011-05", "", "A/north/basic to B/north/basic")


def test_each_customer_has_the_cause_that_alone_changes_its_class():
    old = lists(a=[movement()], b=[movement()], c=[movement()], d=[movement()], e=[movement()])
    moved, dearer = movement(scope=B), movement(value=130)
    new = lists(a=[moved], b=[dearer], c=[movement(scope=B, value=130)], d=[moved], e=[movement()])
    alone = {
        "segments": lists(a=[moved], b=[movement()], c=[moved], d=[movement()]),
        "value model": lists(a=[dearer], b=[dearer], c=[dearer], d=[movement()]),
    }
    differing = all_differences(old, new)
    assert sorted(differing) == ["a", "b", "c", "d"]
    found = by_cause(differing, old, alone, list(alone))
    assert {name: cause.examples for name, cause in found.items()} == {
        "segments": ["a", "c"], "value model": ["b"], TOGETHER: ["d"],
    }  # fmt: skip
    assert (found["segments"].customers, found["segments"].revalued, found["segments"].value) == (2, 0, 230)
    assert (found["value model"].customers, found["value model"].revalued, found["value model"].value) == (0, 1, 30)
    both = alone | {"segments": alone["segments"], "lapse": alone["segments"]}
    assert "segments + lapse" in by_cause(differing, old, both, list(both))
    assert list(by_cause(differing, old, {}, ["lapse"])) == ["lapse"]


def test_only_the_customers_asked_for_are_kept():
    found = lists(only={"a"}, a=[movement()], b=[movement()])
    assert list(found.customers) == ["a"]
    assert found.totals["new"] == [2, 200]


def test_the_lines_that_differ_are_shown_with_both_sides():
    old, new = lists(c=[movement(), movement("lost")]), lists(c=[movement(value=130), movement("lost")])
    line = ("new", "2011-05", "", "A/north/basic")
    assert changed_lines(old.customers["c"], new.customers["c"]) == [(line, [1, 100], [1, 130])]
