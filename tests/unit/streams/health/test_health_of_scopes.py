"""Customers disrupted, Apdex, colours, value and false green, against counts made by hand."""

from tests.unit.streams.health.signalling import START, definitions, health_of, only_scope, signal


def test_apdex_of_a_thousand_satisfied_and_four_hundred_tolerating_of_two_thousand() -> None:
    signals = [
        signal(n, n % 60, f"c{n}", latency_ms=500 if n < 1000 else 2_000 if n < 1400 else 5_000) for n in range(2000)
    ]
    scope = only_scope(health_of(signals))
    assert scope["apdex"] == 0.60
    assert scope["interactions"] == {"satisfied": 1000, "tolerating": 400, "frustrated": 600}
    assert (scope["customers"], scope["disrupted"], scope["customer_minutes"]) == (2000, 600, 600)


def test_at_the_very_thresholds_satisfied_and_tolerating_hold() -> None:
    signals = [signal(n, 0, f"c{n}", latency_ms=ms) for n, ms in enumerate((1000, 1000.001, 4000, 4000.001))]
    assert only_scope(health_of(signals))["interactions"] == {"satisfied": 1, "tolerating": 2, "frustrated": 1}


def test_a_failure_is_frustrated_however_fast() -> None:
    scope = only_scope(health_of([signal(1, ok=False, latency_ms=1), signal(2, ok=True, latency_ms=None)]))
    assert scope["interactions"] == {"satisfied": 1, "tolerating": 0, "frustrated": 1}


def test_one_customer_retrying_five_hundred_times_is_one_disrupted_customer() -> None:
    signals = [signal(n, 0.1, "impatient", ok=False) for n in range(500)]
    scope = only_scope(health_of(signals))
    assert (scope["customers"], scope["disrupted"], scope["customer_minutes"]) == (1, 1, 1)
    assert scope["colour"] == "green"


def test_a_customer_is_disrupted_in_a_minute_by_half_of_its_interactions() -> None:
    signals = [signal(1, 0, "half"), signal(2, 0.5, "half", ok=False), signal(3, 0, "third", ok=False)]
    signals += [signal(4, 0, "third"), signal(5, 0.9, "third")]
    scope = only_scope(health_of(signals))
    assert (scope["customers"], scope["disrupted"], scope["customer_minutes"]) == (2, 1, 1)


def test_a_scope_of_three_customers_is_not_red_by_one() -> None:
    three = [signal(n, 0, f"c{n}", ok=n > 0) for n in range(3)]
    assert only_scope(health_of(three))["colour"] == "green"
    assert only_scope(health_of(three[:1]))["colour"] == "green"
    hundred = [signal(n, 0, f"c{n}", ok=n > 30) for n in range(100)]
    assert only_scope(health_of(hundred))["colour"] == "red"


def test_ten_thousand_hurt_customers_are_red_at_a_tenth_of_a_percent() -> None:
    crowd = [
        signal(1, 0, "a", customers=9_990_000), signal(2, 0, "b", customers=10_000, ok=False),
    ]  # fmt: skip
    scope = only_scope(health_of(crowd))
    assert (scope["disrupted"], scope["colour"], scope["counts"]) == (10_000, "red", "sums")
    assert scope["share_lower"] < 0.0011


def test_probes_stand_beside_and_one_that_timed_out_failed() -> None:
    signals = [signal(1), signal(2, 0, "p", synthetic=True), signal(3, 0, "p", synthetic=True, latency_ms=60_000)]
    scope = only_scope(health_of(signals))
    assert (scope["customers"], scope["probes"]) == (1, {"sent": 2, "failed": 1})


def test_needs_differ_by_segment_and_the_first_that_fits_holds() -> None:
    under = definitions(
        "thresholds:\n  - {service: shop, segment: gold, satisfied_within: 100ms}\n  - {satisfied_within: 1s}"
    )
    signals = [signal(1, 0, "a", attributes={"segment": "gold"}), signal(2, 0, "b")]
    scopes = health_of(signals, under=under)["periods"][0]["scopes"]
    assert {row["segment"]: row["disrupted"] for row in scopes} == {"gold": 1, "unknown": 0}


def test_stages_that_the_definitions_do_not_know_are_a_line_of_their_own() -> None:
    under = definitions(more="journey: [{stage: checkout, tier: 1}, browsing]")
    scopes = health_of([signal(1), signal(2, stage="chekout")], under=under)["periods"][0]["scopes"]
    assert {row["stage"]: row["tier"] for row in scopes} == {"checkout": 1, "unknown": 3}


def test_duplicates_count_once_and_of_two_under_one_id_the_first_is_the_signal() -> None:
    twice = [signal(1, 5, ok=False), signal(1, 2), signal(1, 5, ok=False), signal(2, 3, "d", ok=False)]
    for signals in (twice, twice[::-1]):
        scope = only_scope(health_of(signals))
        assert (scope["customers"], scope["disrupted"], scope["customer_minutes"]) == (2, 1, 1)


def test_an_id_that_comes_again_hours_later_is_no_new_signal() -> None:
    signals = [signal(1, 0, "a"), signal(1, 150, "a", ok=False), signal(1, 150, "b", ok=False), signal(2, 151, "a")]
    for arrived in (signals, signals[::-1]):
        health = health_of(arrived, by="hour")
        assert [sum(row["disrupted"] for row in period["scopes"]) for period in health["periods"]] == [0, 0, 1]
        accounting = health["accounting"]
        assert (accounting["counted"], accounting["duplicates"], accounting["late"]) == (3, 1, 0)


def joined(customer: str, value: int, minute: float = -600, **more: object) -> dict[str, object]:
    return {
        "event_id": f"j-{customer}-{minute}", "at": START + int(minute * 60_000), "customer_id": customer,
        "fact": "joined", "value": value, **more,
    }  # fmt: skip


def test_value_at_risk_is_that_of_the_distinct_customers_disrupted() -> None:
    facts = [joined("a", 100_00), joined("b", 7_77), joined("c", 5_00, segment="gold", region="north")]
    facts.append({**joined("b", 9_99, 30), "fact": "value_changed"})
    signals = [signal(n, n, who, ok=False) for n, who in enumerate(["a", "b", "a", "nobody", "b"])]
    scopes = health_of([*signals, signal(9, 0, "c")], facts=facts)["periods"][0]["scopes"]
    by_segment = {row["segment"]: row for row in scopes}
    row = by_segment["unknown"]
    assert (row["disrupted"], row["value_at_risk"], row["value_unknown"]) == (3, 109_99, 1)
    gold = by_segment["gold"]
    assert (gold["region"], gold["value_at_risk"], gold["value_unknown"]) == ("north", 0, 0)
    early = health_of(signals, facts=facts, until=(START + 20 * 60_000) * 1000)["periods"][0]["scopes"][0]
    assert early["value_at_risk"] == 107_77


def test_without_a_ledger_values_are_unknown_and_said_to_be() -> None:
    health = health_of([signal(1, ok=False)])
    scope = only_scope(health)
    assert "value_at_risk" not in scope
    assert scope["value_unknown"] == 1
    assert health["ledger"] == "unknown"
    with_facts = only_scope(health_of([signal(1, ok=False)], facts=[joined("other", 5)]))
    assert "value_at_risk" not in with_facts
    assert with_facts["value_unknown"] == 1


def test_an_empty_cart_that_answers_well_is_false_green_for_exactly_its_minutes() -> None:
    signals = [
        signal(minute * 100 + n, minute, f"c{n}", ok=not 17 <= minute < 40) for minute in range(60) for n in range(30)
    ]
    up = {"at": START - 60_000, "service": "shop", "status": "up"}
    (found,) = health_of(signals, statuses=[up])["false_green"]
    assert (found["start"], found["end"], found["minutes"]) == ("2024-01-01T10:17:00Z", "2024-01-01T10:40:00Z", 23)
    assert (found["service"], found["stage"], found["region"]) == ("shop", "checkout", "unknown")
    down = {"at": START + 20 * 60_000, "service": "shop", "stage": "checkout", "status": "degraded"}
    (found,) = health_of(signals, statuses=[down, up])["false_green"]
    assert (found["start"], found["minutes"]) == ("2024-01-01T10:17:00Z", 3)
    silent = health_of(signals)
    assert (silent["false_green"], silent["status_feed"]) == ([], "unknown")
    assert silent["status_unknown_minutes"] == 23


def test_what_operations_said_long_ago_is_unknown_and_not_up() -> None:
    signals = [signal(minute * 10 + n, minute, f"c{n}", ok=minute < 17) for minute in range(60) for n in range(10)]
    words = [{"at": START + at * 60_000, "service": "shop", "status": "up"} for at in (0, 20, 50)]
    agreed = definitions("thresholds: [{satisfied_within: 1s}]\nstatus_stale_after: 25m")
    health = health_of(signals, statuses=words[:2], under=agreed)
    (found,) = health["false_green"]
    assert (found["start"], found["end"], found["minutes"]) == ("2024-01-01T10:17:00Z", "2024-01-01T10:46:00Z", 29)
    assert health["status_unknown_minutes"] == 14
    again = health_of(signals, statuses=words, under=agreed)
    assert [found["minutes"] for found in again["false_green"]] == [39]
    assert again["status_unknown_minutes"] == 4


def test_periods_have_no_gaps_and_count_each_customer_once() -> None:
    signals = [signal(1, 0, "a", ok=False), signal(2, 20, "a", ok=False), signal(3, 200, "a", ok=False)]
    hours = health_of(signals, by="hour")["periods"]
    assert [period["start"][11:16] for period in hours] == ["10:00", "11:00", "12:00", "13:00"]
    assert [sum(row["disrupted"] for row in period["scopes"]) for period in hours] == [1, 0, 0, 1]
    (day,) = health_of(signals, by="day")["periods"]
    assert (day["scopes"][0]["disrupted"], day["scopes"][0]["customer_minutes"]) == (1, 3)


def test_signals_after_the_end_of_the_clock_are_left_out() -> None:
    until = (START + 60_000) * 1000
    scope = only_scope(health_of([signal(1, 0), signal(2, 1, "on it"), signal(3, 1.01, "after")], until=until))
    assert scope["customers"] == 2


def test_no_signal_makes_up_no_time() -> None:
    health = health_of([])
    assert (health["until"], health["periods"]) == (None, [])


def test_signals_of_an_id_that_is_linked_are_those_of_its_customer():
    joined = {"event_id": "j", "at": START - 60_000, "customer_id": "c", "fact": "joined", "value": 500}
    link = {
        "event_id": "l", "at": START, "fact": "same_customer", "silo": "native", "silo_id": "a", "customer_id": "c",
    }  # fmt: skip
    signals = [signal(1, 0, "a", ok=False), signal(1, 1, "c", ok=False), signal(2, 1, "b")]
    health = health_of(signals, facts=[joined, link])
    (whole,) = health["periods"][0]["services"]
    assert (whole["customers"], whole["disrupted"], whole["value_at_risk"]) == (2, 1, 500)
    assert whole["customer_minutes"] == 2
    apart = health_of(signals, facts=[joined])["periods"][0]["services"][0]
    assert (apart["customers"], apart["disrupted"], apart["value_at_risk"]) == (3, 2, 500)
