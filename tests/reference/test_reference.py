"""The reference itself, against examples worked out by hand."""

from tests.reference import fold_customer, partition_of, reference_ledger
from tests.reference.facts import DAY, HOUR, instant, rfc3339
from tests.reference.placement import murmur2
from tests.reference.tables import marbles
from tests.reference.windows import Calendar, Window, windows


def amount(customers, value):
    return {"customers": customers, "value": value}


def story(*lines, silo="crm"):
    """Records of one customer: (instant, fact, fields)."""
    return [
        {"event_id": f"e{n}", "at": at, "customer_id": "c", "silo": silo, "fact": fact} | more
        for n, (at, fact, more) in enumerate(lines)
    ]


def ledger(records, **more):
    return reference_ledger([(0, record) for record in records], more)


def movements(records, **more):
    return [(m.kind, rfc3339(m.at)[8:16], m.value) for m in fold_customer(records, more)[0].movements]


def outcomes(records, **more):
    return [outcome for _, outcome in fold_customer(records, more)[1]]


WORKED = story(
    ("2024-01-01T09:00:00Z", "joined", {"value": 100, "segment": "A"}),
    ("2024-01-01T10:00:00Z", "profile_changed", {"segment": "B"}),
    ("2024-01-01T11:00:00Z", "value_changed", {"value": 120}),
    ("2024-01-01T12:00:00Z", "left", {"reason": "price"}),
    ("2024-01-01T12:30:00Z", "joined", {"value": 150, "segment": "C"}),
    ("2024-01-02T12:00:00Z", "leaving", {"effective_at": "2024-01-05T00:00:00Z", "reason": "price"}),
)


def test_the_worked_example_of_the_customer_math():
    out = ledger(WORKED, until="2024-01-05T00:00:00Z")
    total, segments = out["total"], out["segments"]
    assert (total["new"], total["lost"], total["expansion"]) == (amount(1, 100), amount(1, 150), 50)
    assert (total["net"], total["closing"]) == (amount(0, -50), amount(0, 0))
    assert total["early_loss"] == amount(1, 150)
    assert total["transferred_in"] == total["transferred_out"] == amount(0, 0)
    assert (segments["A"]["new"], segments["A"]["transferred_out"]) == (amount(1, 100), amount(1, 100))
    b = segments["B"]
    assert (b["transferred_in"], b["expansion"], b["transferred_out"]) == (amount(1, 100), 20, amount(1, 120))
    c = segments["C"]
    assert (c["transferred_in"], c["expansion"], c["lost"]) == (amount(1, 120), 30, amount(1, 150))
    assert out["accounting"]["applied"] == 6
    assert out["accounting"]["by_clock"] == 1


def test_the_worked_example_shows_the_loss_until_it_is_withdrawn():
    assert ledger(WORKED[:4])["total"]["lost"] == amount(1, 120)
    pending = ledger(WORKED)
    assert pending["total"]["pending_loss"] == amount(1, 150)
    assert pending["accounting"]["pending"] == 1
    assert pending["total"]["lost"] == amount(0, 0)


def test_earned_growth_is_85_and_25_less_100_per_cent():
    base = [
        {
            "event_id": f"o{n}",
            "at": "2024-01-01T00:00:00Z",
            "customer_id": f"o{n}",
            "fact": "opening",
            "value": 100,
        }
        for n in range(10)
    ]
    lost = [
        {"event_id": f"l{n}", "at": "2024-01-02T00:00:00Z", "customer_id": f"o{n}", "fact": "left"}
        for n in range(2)
    ]
    grown = {
        "event_id": "g",
        "at": "2024-01-02T00:00:00Z",
        "customer_id": "o9",
        "fact": "value_changed",
        "value": 150,
    }
    earned = {
        "event_id": "n",
        "at": "2024-01-02T00:00:00Z",
        "customer_id": "n",
        "fact": "joined",
        "value": 250,
        "by_recommendation": True,
    }
    bought = earned | {"customer_id": "b", "by_recommendation": False}
    total = ledger([*base, *lost, grown, earned, bought])["total"]
    assert total["earned"] == amount(1, 250)
    assert total["earned_growth"] == 0.1
    assert (total["stayed"], total["stayed_of"]) == (amount(8, 800), amount(10, 1000))
    assert total["retention"] == 0.8


def test_a_customer_who_moves_segment_leaves_and_returns():
    records = story(
        ("2024-01-01T00:00:00Z", "opening", {"value": 100, "segment": "A", "activity": "spring"}),
        ("2024-01-02T00:00:00Z", "profile_changed", {"segment": "B", "value": 130}),
        ("2024-01-03T00:00:00Z", "left", {"reason": "price"}),
        ("2024-01-04T00:00:00Z", "profile_changed", {"segment": "C", "value": 999}),
        ("2024-01-05T00:00:00Z", "joined", {}),
    )
    assert movements(records) == [
        ("opening", "01T00:00", 100),
        ("transfer", "02T00:00", 100),
        ("expansion", "02T00:00", 30),
        ("lost", "03T00:00", 130),
        ("returned", "05T00:00", 130),
    ]
    assert outcomes(records) == ["applied"] * 3 + ["not_active", "applied"]
    out = ledger(records)
    assert out["segments"]["A"]["stayed_of"] == amount(0, 0)
    assert out["segments"]["B"]["lost"] == amount(1, 130)
    assert out["segments"]["C"]["returned"] == amount(1, 130)
    assert out["total"]["stayed_of"] == amount(1, 100)
    assert [line["still_here"] for line in out["total"]["activities"]] == [1, 0]
    assert out["total"]["early_loss"] == amount(0, 0)


def test_two_silos_report_one_departure():
    records = story(
        ("2024-01-01T00:00:00Z", "joined", {"value": 100}),
        ("2024-01-02T00:00:00Z", "left", {"reason": "service"}),
        ("2024-01-02T00:30:00Z", "left", {"silo": "billing", "reason": "price", "kind": "payment"}),
        ("2024-01-02T00:40:00Z", "left", {"silo": "shop", "reason": "moved"}),
        ("2024-01-04T00:00:00Z", "purchased", {"value": 80}),
        ("2024-01-05T00:00:00Z", "left", {"silo": "shop"}),
        ("2024-01-20T00:00:00Z", "left", {"silo": "shop"}),
    )
    given_rules = {"precedence": ["billing", "crm", "shop"]}
    assert movements(records, **given_rules) == [
        ("new", "01T00:00", 100),
        ("lost", "02T00:00", 100),
        ("returned", "04T00:00", 80),
        ("lost", "20T00:00", 80),
    ]
    assert outcomes(records, **given_rules) == [
        "applied",
        "applied",
        "seen_elsewhere",
        "seen_elsewhere",
        "applied",
        "seen_elsewhere",
        "applied",
    ]
    total = ledger(records, **given_rules)["total"]
    assert [line["reason"] for line in total["reasons"]] == ["price", "unknown"]
    kinds = {"payment": amount(1, 100), "voluntary": amount(1, 80), "beyond_us": amount(0, 0)}
    assert total["lost_by_kind"] == kinds


def test_joins_and_leaves_inside_one_minute():
    records = story(("2024-01-01T00:00:05Z", "joined", {"value": 100}), ("2024-01-01T00:00:50Z", "left", {}))
    minute = ledger(records)["windows"]["5m"]
    assert (minute["new"], minute["lost"], minute["early_loss"]) == (amount(1, 100),) * 3
    assert (minute["net"], minute["closing"], minute["opening"]) == (amount(0, 0),) * 3


def test_upgrades_while_pending():
    records = story(
        ("2024-01-01T00:00:00Z", "opening", {"value": 100, "segment": "A"}),
        ("2024-01-02T00:00:00Z", "leaving", {"effective_at": "2024-01-09T00:00:00Z", "reason": "price"}),
        ("2024-01-03T00:00:00Z", "value_changed", {"value": 150}),
        ("2024-01-04T00:00:00Z", "leaving", {"effective_at": "2024-01-06T00:00:00Z", "reason": "service"}),
    )
    before = ledger(records, until="2024-01-05T23:59:59Z")
    assert before["total"]["pending_loss"] == amount(1, 150)
    assert before["accounting"]["pending"] == 1
    assert before["accounting"]["applied"] == 3
    after = ledger(records, until="2024-01-06T00:00:00Z")["total"]
    assert (after["lost"], after["expansion"]) == (amount(1, 150), 50)
    assert after["pending_loss"] == amount(0, 0)
    assert after["reasons"] == [{"reason": "service"} | amount(1, 150)]


def test_a_payment_fails_and_recovers():
    records = story(
        ("2024-01-01T00:00:00Z", "opening", {"value": 100}),
        ("2024-01-02T00:00:00Z", "leaving", {"effective_at": "2024-01-09T00:00:00Z", "kind": "payment"}),
        ("2024-01-03T00:00:00Z", "staying", {}),
    )
    assert movements(records, until="2024-02-01T00:00:00Z") == [("opening", "01T00:00", 100)]
    assert outcomes(records) == ["applied"] * 3
    failed = ledger(records[:2], until="2024-01-09T00:00:00Z")["total"]
    assert failed["lost_by_kind"]["payment"] == failed["lost"] == amount(1, 100)


def test_cancels_for_the_end_of_the_month_and_withdraws():
    records = story(
        ("2024-01-01T00:00:00Z", "opening", {"value": 100}),
        ("2024-01-10T00:00:00Z", "leaving", {"effective_at": "2024-01-31T23:00:00Z"}),
        ("2024-01-20T00:00:00Z", "joined", {"value": 120}),
    )
    out = ledger(records, until="2024-02-10T00:00:00Z", by="week")
    pending = [period["total"]["pending_loss"] for period in out["periods"]]
    assert pending == [amount(0, 0), amount(1, 100), *[amount(0, 0)] * 4]
    assert (out["total"]["lost"], out["total"]["closing"]) == (amount(0, 0), amount(1, 120))


def test_the_last_second_of_the_local_day_in_the_weeks_of_both_clock_changes():
    for day, next_offset in (("2024-03-30", "+01:00"), ("2024-03-31", "+02:00"), ("2024-10-27", "+01:00")):
        last_second = instant(f"{day}T23:59:59{next_offset}")
        records = story((rfc3339(last_second), "joined", {"value": 1}))
        beat = {"event_id": "b", "at": rfc3339(last_second + HOUR), "fact": "heartbeat"}
        out = ledger([*records, beat], time_zone="Europe/Berlin", by="day")
        first, second = out["periods"]
        assert first["start"].startswith(day)
        assert (first["total"]["new"], second["total"]["new"]) == (amount(1, 1), amount(0, 0))
    calendar = Calendar("Europe/Berlin")
    short, long = (
        calendar.bucket(instant(f"{day}T12:00:00Z"), "day") for day in ("2024-03-31", "2024-10-27")
    )
    assert (short[1] - short[0], long[1] - long[0]) == (23 * HOUR, 25 * HOUR)
    assert calendar.text(long[0]) == "2024-10-27T00:00:00+02:00"
    assert calendar.text(long[1]) == "2024-10-28T00:00:00+01:00"


def test_windows_at_a_clock():
    found = windows(instant("2024-05-15T10:20:30Z"), Calendar("Europe/Berlin"))
    as_text = {name: (rfc3339(w.start), rfc3339(w.end)) for name, w in found.items() if name != "all"}
    assert as_text["5m"] == ("2024-05-15T10:16:00Z", "2024-05-15T10:21:00Z")
    assert as_text["24h"] == ("2024-05-14T10:21:00Z", "2024-05-15T10:21:00Z")
    assert as_text["7d"] == ("2024-05-08T11:00:00Z", "2024-05-15T11:00:00Z")
    assert as_text["today"] == ("2024-05-14T22:00:00Z", "2024-05-15T10:21:00Z")
    assert as_text["this_week"] == ("2024-05-12T22:00:00Z", "2024-05-15T10:21:00Z")
    assert as_text["last_quarter"] == ("2023-12-31T23:00:00Z", "2024-03-31T22:00:00Z")
    assert found["this_month"].before == found["last_month"]
    assert found["1h"].before == Window(instant("2024-05-15T08:21:00Z"), instant("2024-05-15T09:21:00Z"))


def test_one_change_in_the_other_order_and_no_third():
    records = story(
        ("2024-01-01T00:00:00Z", "opening", {"value": 100, "segment": "A"}),
        ("2024-01-02T10:00:00Z", "joined", {"value": 120, "segment": "B"}),
        ("2024-01-02T10:20:00Z", "left", {}),
        ("2024-01-02T10:40:00Z", "joined", {"value": 500}),
        ("2024-01-02T11:50:00Z", "left", {}),
    )
    assert movements(records) == [
        ("opening", "01T00:00", 100),
        ("transfer", "02T10:20", 100),
        ("expansion", "02T10:20", 20),
        ("lost", "02T11:50", 120),
    ]
    assert outcomes(records) == ["applied"] * 3 + ["already_active", "applied"]


def test_a_lapse_is_restarted_and_returned_from():
    records = story(
        ("2024-01-10T00:00:00Z", "opening", {"value": 100, "last_fact_at": "2024-01-08T00:00:00Z"}),
        ("2024-01-11T00:00:00Z", "purchased", {"value": 100}),
        ("2024-01-17T00:00:00Z", "value_changed", {"value": 7}),
        ("2024-01-18T00:00:00Z", "purchased", {}),
    )
    lapse = {"after": 5 * DAY, "restarted_by": ["purchased"]}
    assert movements(records, lapse=lapse, until="2024-01-23T00:00:00Z") == [
        ("opening", "10T00:00", 100),
        ("lost", "16T00:00", 100),
        ("returned", "18T00:00", 100),
        ("lost", "23T00:00", 100),
    ]
    assert outcomes(records, lapse=lapse) == ["applied", "no_change", "not_active", "applied"]
    old = story(("2024-01-10T00:00:00Z", "opening", {"value": 1, "last_fact_at": "2023-01-01T00:00:00Z"}))
    assert movements(old, lapse=lapse) == [("opening", "10T00:00", 1), ("lost", "10T00:00", 1)]


def test_trailing_spend_counts_what_changed_nothing_and_never_falls_below_zero():
    records = story(
        ("2024-01-01T00:00:00Z", "purchased", {"amount": 50}),
        ("2024-01-02T00:00:00Z", "recommended", {"amount": -80}),
        ("2024-01-03T00:00:00Z", "purchased", {"amount": 10}),
        ("2024-01-06T00:00:00Z", "purchased", {"amount": 90}),
        ("2024-01-06T01:00:00Z", "value_changed", {"value": 5}),
    )
    trailing = {"span": 5 * DAY, "facts": ["purchased", "recommended"]}
    assert movements(records, trailing=trailing) == [
        ("new", "01T00:00", 50),
        ("recommended", "02T00:00", 0),
        ("contraction", "03T00:00", 50),
        ("expansion", "06T00:00", 20),
    ]
    assert outcomes(records, trailing=trailing)[-1] == "no_change"


def test_precedence_leaves_out_a_lower_silos_field():
    records = story(
        ("2024-01-01T00:00:00Z", "joined", {"value": 100, "segment": "A"}),
        ("2024-01-02T00:00:00Z", "value_changed", {"silo": "shop", "value": 5}),
        ("2024-01-03T00:00:00Z", "value_changed", {"silo": "shop", "value": 5, "region": "north"}),
        ("2024-01-04T00:00:00Z", "value_changed", {"silo": "billing", "value": 7}),
        ("2024-01-05T00:00:00Z", "value_changed", {"value": 9}),
    )
    given_rules = {"precedence": ["billing", "crm"]}
    assert outcomes(records, **given_rules) == ["applied", "outranked", "applied", "applied", "outranked"]
    assert movements(records, **given_rules)[1:] == [
        ("transfer", "03T00:00", 100),
        ("contraction", "04T00:00", 93),
    ]


def test_arrival_duplicates_conflicts_and_retractions():
    joined, changed, left = story(
        ("2024-01-01T00:00:00Z", "joined", {"value": 100}),
        ("2024-01-02T00:00:00Z", "value_changed", {"value": 120}),
        ("2024-01-02T06:00:00Z", "left", {}),
    )
    other = changed | {"value": 110}
    retraction = {
        "event_id": "r",
        "at": "2024-01-02T07:00:00Z",
        "customer_id": "c",
        "silo": "crm",
        "fact": "retracted",
        "retracts": "e2",
    }
    for arrived in (
        [joined, changed, changed, other, left, retraction],
        [retraction, left, other, joined, changed],
    ):
        history, outcome = fold_customer(arrived, {})
        assert [(m.kind, m.value) for m in history.movements] == [("new", 100), ("expansion", 10)]
        became = {(fact.event_id, fact.value): result for fact, result in outcome if result != "duplicate"}
        assert became == {
            ("e0", 100): "applied",
            ("e1", 110): "applied",
            ("e1", 120): "conflict",
            ("e2", None): "retracted",
            ("r", None): "applied",
        }
    back = retraction | {"event_id": "rr", "retracts": "r", "at": "2024-01-02T08:00:00Z"}
    assert movements([joined, retraction, left, back], until="2024-01-03T00:00:00Z")[-1][0] == "lost"


def test_what_is_older_than_the_horizon():
    first, later, last = story(
        ("2024-01-10T00:00:00Z", "joined", {"value": 100}),
        ("2024-01-08T00:00:00Z", "value_changed", {"value": 50}),
        ("2024-01-11T00:00:00Z", "value_changed", {"value": 70}),
    )
    beat = {"event_id": "b", "at": "2024-01-20T00:00:00Z", "fact": "heartbeat"}
    out = ledger([first, beat, later, last])
    assert out["accounting"]["ignored"] == {"superseded": 1}
    assert out["accounting"]["beyond_horizon"] == 1
    assert out["total"]["contraction"] == 30


def test_an_opening_is_never_late():
    opening = story(("2024-01-01T00:00:00Z", "opening", {"value": 100, "segment": "A"}))
    changed = {"event_id": "v", "at": "2024-01-10T00:00:00Z", "customer_id": "c", "silo": "crm"}
    left = changed | {"fact": "left"}
    changed |= {"fact": "value_changed", "value": 120}
    beat = {"event_id": "b", "at": "2024-01-20T00:00:00Z", "fact": "heartbeat"}
    unknown = ledger([beat, *opening])
    assert unknown["total"]["opening"] == amount(1, 100)
    assert unknown["accounting"]["beyond_horizon"] == 0
    assert movements([changed, *opening]) == [("opening", "01T00:00", 100), ("expansion", "10T00:00", 20)]
    assert movements([changed, beat, *opening]) == [("opening", "01T00:00", 120)]
    assert movements([left, beat, *opening]) == [("opening", "01T00:00", 100), ("lost", "10T00:00", 100)]
    assert outcomes([left, beat, *opening, opening[0] | {"event_id": "z"}]) == [
        "applied",
        "already_known",
        "applied",
    ]


def test_marbles():
    assert marbles(60, 0, None)["customers_per_marble"] == 1
    assert marbles(121, 7, None) == {
        "customers_per_marble": 2,
        "gained": 60,
        "lost": 3,
        "remainder_gained": 1,
        "remainder_lost": 1,
    }
    assert marbles(0, 610, None)["customers_per_marble"] == 20
    assert marbles(9, 5, 4)["remainder_gained"] == 1


def test_keys_are_placed_as_java_places_them():
    """Known answers of the Java client's own test of murmur2."""
    signed = {"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536}
    assert {text: murmur2(text.encode()) for text in signed} == {t: v & 0xFFFFFFFF for t, v in signed.items()}
    assert partition_of("21", 1) == 0
