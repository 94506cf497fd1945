"""The reference at the edges of the rules, worked out by hand; one customer, 2 January 2024."""

from tests.reference import fold_customer, reference_ledger
from tests.reference.facts import DAY, HOUR, rfc3339

BASE = ("00:00", "opening", {"value": 100, "segment": "A"})


def told(*lines):
    """Records of one day: (time of day, fact, fields)."""
    return [
        {"event_id": f"e{n}", "at": f"2024-01-02T{at}:00Z", "customer_id": "c", "silo": "crm", "fact": fact}
        | more
        for n, (at, fact, more) in enumerate(lines)
    ]


def became(records, **more):
    history, outcomes = fold_customer(records, more)
    moves = [(m.kind, rfc3339(m.at)[11:16], m.value) for m in history.movements]
    return moves, [outcome for _, outcome in outcomes]


def test_the_highest_silo_that_reports_in_time_gives_the_reason():
    records = told(
        BASE,
        ("10:00", "left", {"silo": "app", "reason": "app's"}),
        ("10:10", "left", {"silo": "billing", "reason": "billing's", "kind": "payment"}),
        ("10:20", "left", {"reason": "crm's", "kind": "voluntary"}),
    )
    lost = fold_customer(records, {"precedence": ["billing", "crm"]})[0].movements[-1]
    assert (lost.reason, lost.loss_kind, rfc3339(lost.at)[11:16]) == ("billing's", "payment", "10:00")


def test_a_report_without_a_reason_leaves_the_stated_one_and_gives_its_kind():
    records = told(
        BASE,
        ("10:00", "left", {"reason": "price"}),
        ("11:00", "leaving", {"silo": "billing", "kind": "payment", "effective_at": "2024-02-01T00:00:00Z"}),
    )
    lost = fold_customer(records, {"precedence": ["billing"]})[0].movements[-1]
    assert (lost.reason, lost.loss_kind) == ("price", "payment")


def test_a_report_that_states_nothing_changes_nothing():
    records = told(
        BASE,
        ("10:00", "left", {"silo": "app", "reason": "price", "kind": "payment"}),
        ("10:10", "left", {"silo": "billing"}),
        ("10:20", "left", {"reason": "service"}),
    )
    lost = fold_customer(records, {"precedence": ["billing", "crm"]})[0].movements[-1]
    assert (lost.reason, lost.loss_kind) == ("service", "voluntary")


def test_another_silos_left_between_them_keeps_two_facts_from_being_one_change():
    records = told(
        BASE,
        ("10:00", "left", {}),
        ("10:10", "left", {"silo": "shop"}),
        ("10:30", "joined", {}),
        ("10:40", "joined", {"silo": "app"}),
        ("10:50", "left", {"silo": "shop"}),
        ("11:00", "left", {"silo": "app"}),
    )
    moves, outcomes = became(records, same_departure=0)
    assert moves == [
        ("opening", "00:00", 100),
        ("lost", "10:00", 100),
        ("returned", "10:30", 100),
        ("lost", "10:50", 100),
    ]
    assert outcomes[2:] == ["already_lost", "applied", "already_active", "applied", "already_lost"]
    moves, outcomes = became([*records[:3], *records[3:5], records[6] | {"silo": "app"}])
    assert moves[-1] == ("returned", "10:30", 100)
    assert outcomes[-1] == "seen_elsewhere"


def test_a_left_seen_elsewhere_still_stands_between_a_joined_and_a_left():
    records = told(
        BASE,
        ("08:00", "left", {}),
        ("09:30", "purchased", {}),
        ("10:00", "joined", {"value": 500}),
        ("10:10", "left", {"silo": "shop"}),
        ("10:30", "left", {}),
    )
    moves, outcomes = became(records)
    assert moves[-1] == ("lost", "10:30", 100)
    assert outcomes[-3:] == ["already_active", "seen_elsewhere", "applied"]


def test_a_joined_that_ended_a_pending_loss_gives_its_fields_once():
    records = told(
        BASE,
        ("09:00", "leaving", {"effective_at": "2024-02-01T00:00:00Z"}),
        ("10:00", "joined", {"value": 120}),
        ("10:10", "value_changed", {"value": 130}),
        ("10:20", "left", {}),
    )
    moves, outcomes = became(records, until="2024-03-01T00:00:00Z")
    assert moves[1:] == [("expansion", "10:00", 20), ("expansion", "10:10", 10)]
    assert outcomes == ["applied"] * 5


def test_a_lapse_between_a_joined_and_a_left_keeps_them_from_being_one_change():
    records = told(
        BASE,
        ("09:30", "joined", {"value": 120}),
        ("10:10", "purchased", {}),
        ("10:20", "left", {}),
    )
    moves, outcomes = became(records, lapse={"after": 10 * HOUR, "restarted_by": []})
    assert [move[:2] for move in moves[1:]] == [("lost", "10:00"), ("returned", "10:10"), ("lost", "10:20")]
    assert outcomes == ["applied", "already_active", "applied", "applied"]


def test_a_pending_loss_that_fell_due_is_half_of_one_change():
    records = told(
        BASE,
        ("09:00", "leaving", {"effective_at": "2024-01-02T12:00:00Z"}),
        ("11:00", "joined", {"silo": "shop"}),
        ("11:30", "leaving", {"effective_at": "2024-01-02T12:00:00Z"}),
        ("13:00", "joined", {"segment": "B"}),
    )
    moves, outcomes = became(records, lapse={"after": 12 * HOUR + 1, "restarted_by": []})
    assert moves == [("opening", "00:00", 100), ("transfer", "13:00", 100)]
    assert outcomes == ["applied"] * 5
    assert became(records[:4], until="2024-01-02T12:00:00Z")[0][-1] == ("lost", "12:00", 100)


def test_leaving_at_once_is_left_and_what_is_due_comes_before_the_facts():
    at_once = told(BASE, ("10:00", "leaving", {"effective_at": "2024-01-02T10:00:00Z"}))
    assert became(at_once)[0][-1] == ("lost", "10:00", 100)
    assert fold_customer(at_once, {})[0].movements[-1].by_clock is False
    due = told(
        BASE, ("09:00", "leaving", {"effective_at": "2024-01-02T10:00:00Z"}), ("10:00", "purchased", {})
    )
    assert [kind for kind, _, _ in became(due)[0]] == ["opening", "lost", "returned"]


def test_a_fact_of_an_unknown_customer_implies_an_opening_and_is_applied():
    for fact, more, expected in (
        ("left", {}, ["opening", "lost"]),
        ("staying", {"segment": "B"}, ["opening"]),
        ("value_changed", {"value": 50}, ["opening"]),
        ("leaving", {"effective_at": "2024-02-01T00:00:00Z"}, ["opening"]),
    ):
        moves, outcomes = became(told(("10:00", fact, more)))
        assert [kind for kind, _, _ in moves] == expected
        assert moves[0][2] == more.get("value", 0)
        assert outcomes == ["pending" if fact == "leaving" else "applied"]
    assert became(told(("10:00", "recommended", {}))) == ([], ["not_a_customer"])


def test_a_recommender_counts_once_where_it_last_recommended():
    records = told(
        BASE,
        ("10:00", "recommended", {"count": 3}),
        ("11:00", "profile_changed", {"segment": "B"}),
        ("12:00", "recommended", {}),
    )
    out = reference_ledger([(0, record) for record in records], {})
    assert (out["total"]["referrals"], out["total"]["recommenders"]) == (4, 1)
    assert (out["segments"]["A"]["referrals"], out["segments"]["A"]["recommenders"]) == (3, 0)
    assert (out["segments"]["B"]["referrals"], out["segments"]["B"]["recommenders"]) == (1, 1)


def test_a_cohort_counts_first_losses_to_the_last_instant_of_its_days():
    records = [
        {"event_id": f"{name}{n}", "customer_id": name, "at": at, "fact": fact} | more
        for n, (name, at, fact, more) in enumerate(
            (
                ("a", "2024-01-01T00:00:00Z", "joined", {}),
                ("a", "2024-01-31T00:00:00Z", "left", {}),
                ("a", "2024-03-01T00:00:00Z", "joined", {}),
                ("b", "2024-01-31T23:30:00Z", "joined", {}),
                ("b", "2024-03-02T00:00:00Z", "left", {}),
                ("c", "2024-02-01T00:00:00Z", "opening", {"since": "2024-01-15T00:00:00Z"}),
                ("d", "2024-02-01T00:00:00Z", "opening", {}),
            )
        )
    ]
    out = reference_ledger([(0, record) for record in records], {"time_zone": "Europe/Berlin"})
    january = {"month": "2024-01", "joined": 2, "lost_30d": 1, "lost_90d": 1, "lost_365d": 1, "still_here": 2}
    february = {
        "month": "2024-02",
        "joined": 1,
        "lost_30d": 0,
        "lost_90d": 1,
        "lost_365d": 1,
        "still_here": 0,
    }
    assert out["cohorts"] == [january, february]


def test_a_window_is_final_when_the_horizon_and_the_grouping_window_have_passed():
    records = [(0, record) for record in told(BASE)]
    for until, final in (("2024-01-03T12:59:59Z", False), ("2024-01-03T13:00:00Z", True)):
        rules = {"until": until, "horizon": 12 * HOUR, "grouping": HOUR}
        assert reference_ledger(records, rules)["windows"]["yesterday"]["final"] is final
    found = reference_ledger(records, {"until": rfc3339(1_704_153_600_000_000 + DAY)})["windows"]
    assert found["today"]["before"]["opening"] == {"customers": 1, "value": 100}
    assert found["yesterday"]["stayed"] == {"customers": 1, "value": 100}
    assert "before" not in found["yesterday"]


def test_a_late_opening_corrects_the_loss_at_once_and_no_other_old_movement():
    left, returned, opening = told(
        ("10:00", "left", {}),
        ("11:30", "joined", {"value": 50}),
        ("09:00", "opening", {"value": 100, "segment": "A", "silo": "billing"}),
    )
    beat = {"event_id": "b", "at": "2024-01-20T00:00:00Z", "fact": "heartbeat"}
    again = left | {"event_id": "again", "at": "2024-01-20T01:00:00Z", "fact": "joined", "value": 7}
    rules = {"precedence": ["billing"]}
    first = [("opening", "09:00", 100), ("lost", "10:00", 100)]
    assert became([left, returned, beat, opening], **rules)[0] == [*first, ("returned", "11:30", 50)]
    history, _ = fold_customer([left, beat, opening, again], rules)
    assert [(m.kind, m.value, m.scope[0]) for m in history.movements][-1] == ("returned", 100, "A")
    moved = left | {
        "event_id": "moved",
        "at": "2024-01-02T10:30:00Z",
        "fact": "profile_changed",
        "segment": "B",
    }
    history, _ = fold_customer([left, moved, beat, opening, again], rules)
    assert [(m.kind, m.value, m.scope[0]) for m in history.movements][-1] == ("returned", 100, "B")
