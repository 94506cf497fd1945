"""What a row says of one scope and window."""

from hypothesis import given
from hypothesis import strategies as st

from streams.ledger.movements import Membership, Movement, Recommendation, Scope, Stay
from streams.ledger.rules import DAY, HOUR, MINUTE
from streams.tables.cells import LOST
from streams.tables.levels import Level
from streams.tables.rows import RowRules, marbles, row, top_reasons
from streams.tables.scopes import EVERY, THE_TOTAL
from streams.tables.tables import TableRules, Tables
from streams.tables.windows import BEGINNING, Span

A, B = Scope("A", "north", "p"), Scope("B", "north", "p")
START = 15_000 * DAY
ALL = Span(BEGINNING, START + 400 * DAY)


def opening(value, at=START, scope=A, activity="shop"):
    return Movement("opening", at, scope, 1, value, None, activity=activity)


def lost(value, at, scope=A, reason="price", opened=None, since=START, activity="shop", steps=(), **more):
    stay = Stay(since, since, since, since, since if opened is not None else None, opened or 0, steps)
    gain = Membership(since, scope, activity)
    return Movement(
        "lost", at, scope, 1, value, None, reason=reason, loss_kind="voluntary", membership=gain, stay=stay, **more
    )


def row_of(movements, span=ALL, scope=THE_TOTAL):
    tables = Tables(TableRules())
    for movement in movements:
        tables.add_movement(movement)
    return tables.rows(span, EVERY)[scope]


def amount(customers, value):
    return {"customers": customers, "value": value}


def test_earned_growth_is_85_and_25_less_100_per_cent():
    # Reichheld: of 100 held 85 are kept, and 25 come by recommendation.
    base = [opening(1) for _ in range(100)]
    gone = [lost(1, START + HOUR, opened=1) for _ in range(15)]
    recommended = [Movement("new", START + HOUR, A, 1, 1, None, activity="friend", earned=True) for _ in range(25)]
    bought = [Movement("new", START + HOUR, A, 1, 1, None, activity="spring") for _ in range(10)]
    row = row_of([*base, *gone, *recommended, *bought])
    assert row["earned_growth"] == 0.1
    assert row["earned"] == amount(25, 25)
    assert row["retention"] == 0.85


def test_a_kind_of_loss_that_was_all_withdrawn_is_as_if_it_had_not_been():
    withdrawn = row({(LOST, "lapsed", "lapsed", 0): [0, 0]}, Level(), RowRules())
    assert withdrawn == row({}, Level(), RowRules())
    assert "lapsed" not in withdrawn["lost_by_kind"]


def test_ratios_without_a_base_are_absent():
    row = row_of([Movement("new", START, A, 1, 0, None, activity="x")])
    assert "earned_growth" not in row
    assert "retention" not in row


def test_a_customer_who_grew_stays_at_the_value_of_the_windows_start():
    movements = [
        opening(100),
        Movement("expansion", START + 2 * DAY, A, 0, 20, None),
        Movement("expansion", START + 4 * DAY, A, 0, 30, None),
        lost(150, START + 5 * DAY, opened=100, steps=((START, 100), (START + 2 * DAY, 120), (START + 4 * DAY, 150))),
        opening(7),
    ]
    row = row_of(movements, Span(START + 3 * DAY, START + 6 * DAY))
    assert row["opening"] == amount(2, 127)
    assert row["stayed_of"] == amount(2, 127)
    assert row["stayed"] == amount(1, 7)
    assert row["lost"] == amount(1, 150)
    assert row["closing"] == amount(1, 7)


def test_who_moved_out_is_in_neither_count_even_if_back():
    there = Stay(START, START, START, START, START, 100, ((START, 100),))
    back = Stay(START, START + HOUR, START, START, START, 100, ((START, 100),))
    movements = [
        opening(100),
        Movement("transfer", START + HOUR, A, 1, 100, None, to=B, stay=there),
        Movement("transfer", START + 2 * HOUR, B, 1, 100, None, to=A, stay=back),
    ]
    row = row_of(movements, scope=("segment", "A", ""))
    assert (row["opening"], row["stayed_of"], row["closing"]) == (amount(1, 100), amount(0, 0), amount(1, 100))
    assert (row["transferred_in"], row["transferred_out"]) == (amount(1, 100), amount(1, 100))
    for scope in (THE_TOTAL, ("region", "north", "")):
        whole = row_of(movements, scope=scope)
        assert whole["stayed"] == whole["stayed_of"] == amount(1, 100)
        assert whole["transferred_in"] == whole["transferred_out"] == amount(0, 0)
    moved = row_of(movements, scope=("segment_region", "B", "north"))
    assert (moved["transferred_in"], moved["stayed_of"]) == (amount(1, 100), amount(0, 0))


def test_joining_and_leaving_inside_one_window_is_in_both_bowls():
    gain = Movement("new", START, A, 1, 50, None, activity="spring")
    row = row_of([gain, lost(50, START + MINUTE, early=True, activity="spring")])
    assert (row["marbles"]["gained"], row["marbles"]["lost"]) == (1, 1)
    assert row["net"] == amount(0, 0)
    assert row["stayed_of"] == amount(0, 0)
    assert row["early_loss"] == amount(1, 50)
    assert row["activities"] == [{"activity": "spring", "customers": 1, "value": 50, "still_here": 0}]


def test_still_here_counts_only_gains_of_the_window_itself():
    gains = [Movement("new", START + n * DAY, A, 1, 5, None, activity="spring") for n in (0, 2, 2)]
    gone = [
        lost(5, START + 3 * DAY, since=START, activity="spring"),
        lost(5, START + 3 * DAY, since=START + 2 * DAY, activity="spring"),
    ]
    row = row_of([*gains, *gone], Span(START + DAY, START + 4 * DAY))
    assert row["activities"] == [{"activity": "spring", "customers": 2, "value": 10, "still_here": 1}]


def test_a_recommender_counts_once_where_the_last_recommendation_was():
    first = Movement("recommended", START, A, 0, 0, None, count=2)
    second = Movement("recommended", START + HOUR, B, 0, 0, None, count=3, previous=Recommendation(START, A))
    assert (row_of([first, second])["recommenders"], row_of([first, second])["referrals"]) == (1, 5)
    in_a = row_of([first, second], scope=("segment", "A", ""))
    in_b = row_of([first, second], scope=("segment", "B", ""))
    assert (in_a["recommenders"], in_a["referrals"]) == (0, 2)
    assert (in_b["recommenders"], in_b["referrals"]) == (1, 3)
    later = row_of([first, second], Span(START + MINUTE, START + DAY))
    assert (later["recommenders"], later["referrals"]) == (1, 3)


def test_reasons_are_ordered_by_customers_then_value_then_name():
    losses = [
        *(lost(1, START, reason="many") for _ in range(3)),
        lost(9, START, reason="b"),
        lost(9, START, reason="a"),
        lost(50, START, reason="dear"),
        lost(2, START, reason=""),
    ]
    row = row_of([opening(72), *losses])
    assert [line["reason"] for line in row["reasons"]] == ["many", "dear", "a", "b", "unknown"]
    assert row["reasons_unusable"] == amount(1, 2)
    assert [line["reason"] for line in top_reasons(row, by="value", most=3)] == ["dear", "a", "b"]


def test_pending_is_a_level_beside_the_ledger():
    movements = [
        opening(10),
        Movement("pending", START + HOUR, A, 1, 10, None),
        Movement("pending", START + 3 * HOUR, A, -1, -10, None),
    ]
    assert row_of(movements, Span(START, START + 2 * HOUR))["pending_loss"] == amount(1, 10)
    assert row_of(movements, Span(START + 2 * HOUR, START + 3 * HOUR))["pending_loss"] == amount(1, 10)
    row = row_of(movements)
    assert row["pending_loss"] == amount(0, 0)
    assert row["closing"] == amount(1, 10)


def test_a_movement_taken_back_leaves_nothing():
    tables = Tables(TableRules())
    movements = [opening(10), lost(10, START + HOUR, opened=10)]
    for sign in (1, -1):
        for movement in movements:
            tables.add_movement(movement, sign)
    assert tables.rows(ALL) == {}
    assert not tables.buckets.minutes
    assert not tables.buckets.days


def test_marbles_of_the_shrinking_base():
    assert marbles(325, 1327) == {
        "customers_per_marble": 50,
        "gained": 6,
        "lost": 26,
        "remainder_gained": 25,
        "remainder_lost": 27,
    }
    assert marbles(60, 0)["customers_per_marble"] == 1
    assert marbles(61, 0)["customers_per_marble"] == 2
    assert marbles(7, 3, per_marble=4)["remainder_lost"] == 3


@given(gained=st.integers(0, 10**9), lost_ones=st.integers(0, 10**9))
def test_no_customer_is_lost_between_the_marbles(gained, lost_ones):
    bowls = marbles(gained, lost_ones)
    each = bowls["customers_per_marble"]
    assert bowls["gained"] * each + bowls["remainder_gained"] == gained
    assert bowls["lost"] * each + bowls["remainder_lost"] == lost_ones
    assert max(bowls["gained"], bowls["lost"]) <= 60
