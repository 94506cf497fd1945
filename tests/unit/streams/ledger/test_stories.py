"""One readable story for each turn that a customer's life may take, told to the ledger."""

from streams.facts.times import instant_of
from streams.ledger.partition import PartitionLedger
from streams.ledger.rules import LedgerRules
from tests.unit.streams.ledger.telling import NATIVE, amount, balances, counted, fact, facts_of


def test_one_who_moves_segment_leaves_and_returns() -> None:
    out = counted([
        fact("2024-03-01T09:00:00Z", "joined", segment="SMB", value=100),
        fact("2024-03-05T09:00:00Z", "profile_changed", segment="Enterprise"),
        fact("2024-03-10T09:00:00Z", "left", reason="price"),
        fact("2024-04-01T09:00:00Z", "joined", value=250),
    ])
    total, small, large = out["total"], out["segments"]["SMB"], out["segments"]["Enterprise"]
    assert (total["new"], total["lost"], total["returned"]) == (amount(1, 100), amount(1, 100), amount(1, 250))
    assert total["closing"] == amount(1, 250)
    assert total["transferred_in"] == total["transferred_out"] == amount(0, 0)
    assert (small["new"], small["transferred_out"], small["lost"]) == (amount(1, 100), amount(1, 100), amount(0, 0))
    # It returns where it was held, since the source says nothing else.
    assert (large["transferred_in"], large["lost"], large["returned"]) == (
        amount(1, 100), amount(1, 100), amount(1, 250),
    )  # fmt: skip
    assert large["reasons"] == [{"reason": "price", "customers": 1, "value": 100}]
    assert all(balances(row) for row in (total, small, large))


def test_one_whose_leaving_two_silos_report() -> None:
    ranked = NATIVE + "precedence: [billing, crm]\n"
    told = [
        fact("2024-03-01T09:00:00Z", "joined", value=100),
        fact("2024-03-10T09:00:00Z", "left", silo="crm", reason="moved"),
        fact("2024-03-10T09:40:00Z", "left", silo="billing", reason="unpaid", kind="payment"),
        fact("2024-03-12T09:00:00Z", "left", silo="shop", reason="other"),
    ]
    out = counted(told, definitions=ranked)
    assert out["total"]["lost"] == amount(1, 100)
    assert out["accounting"]["ignored"] == {"seen_elsewhere": 2}
    # The higher silo gives reason and kind when it reports within the grouping window; the instant stays.
    assert out["total"]["reasons"] == [{"reason": "unpaid", "customers": 1, "value": 100}]
    assert out["total"]["lost_by_kind"]["payment"] == amount(1, 100)
    assert out["cohorts"][0]["still_here"] == 0


def test_one_who_joins_and_leaves_inside_one_minute() -> None:
    out = counted([
        fact("2024-03-01T09:00:05Z", "joined", silo="shop", value=100, activity="spring"),
        fact("2024-03-01T09:00:40Z", "left", silo="crm", reason="mistake"),
    ])
    minute = out["windows"]["5m"]
    for row in (out["total"], minute):
        assert (row["new"], row["lost"], row["early_loss"]) == (amount(1, 100), amount(1, 100), amount(1, 100))
        assert (row["net"], row["closing"]) == (amount(0, 0), amount(0, 0))
        assert row["activities"] == [{"activity": "spring", "customers": 1, "value": 100, "still_here": 0}]


def test_one_who_upgrades_while_its_loss_is_pending() -> None:
    told = [
        fact("2024-03-01T09:00:00Z", "joined", value=100),
        fact("2024-03-10T09:00:00Z", "leaving", effective_at="2024-03-31T00:00:00Z", reason="price"),
        fact("2024-03-15T09:00:00Z", "value_changed", value=180),
    ]
    before = counted(told)
    assert before["total"]["pending_loss"] == amount(1, 180)
    assert (before["total"]["lost"], before["total"]["closing"]) == (amount(0, 0), amount(1, 180))
    assert before["accounting"]["pending"] == 1
    after = counted(told, "2024-03-31T00:00:00Z")
    assert after["total"]["pending_loss"] == amount(0, 0)
    assert (after["total"]["lost"], after["total"]["expansion"]) == (amount(1, 180), 80)
    assert (after["accounting"]["pending"], after["accounting"]["by_clock"]) == (0, 1)
    assert after["total"]["net"] == amount(0, -80)


def test_one_whose_payment_fails_and_recovers_is_no_loss() -> None:
    out = counted([
        fact("2024-03-01T09:00:00Z", "joined", value=100),
        fact("2024-03-10T09:00:00Z", "leaving", effective_at="2024-03-17T00:00:00Z", kind="payment"),
        fact("2024-03-14T09:00:00Z", "staying"),
    ], "2024-05-01T00:00:00Z")
    assert (out["total"]["lost"], out["total"]["pending_loss"]) == (amount(0, 0), amount(0, 0))
    assert out["total"]["closing"] == amount(1, 100)
    assert (out["accounting"]["applied"], out["accounting"]["by_clock"]) == (3, 0)


def test_one_who_cancels_for_the_months_end_and_withdraws() -> None:
    told = [
        fact("2024-03-01T09:00:00Z", "joined", value=100),
        fact("2024-03-10T09:00:00Z", "leaving", effective_at="2024-03-31T23:59:59Z", reason="price"),
    ]
    assert counted(told)["total"]["pending_loss"] == amount(1, 100)
    told.append(fact("2024-03-20T09:00:00Z", "staying"))
    out = counted(told, "2024-04-30T00:00:00Z")
    assert (out["total"]["pending_loss"], out["total"]["lost"]) == (amount(0, 0), amount(0, 0))
    assert out["total"]["reasons"] == []
    assert out["accounting"]["movements"] == {"new": 1}


def test_a_second_before_midnight_falls_in_its_local_day_in_the_weeks_of_both_clock_changes() -> None:
    # In Berlin clocks go on at 02:00 on 31 March 2024 and back at 03:00 on 27 October 2024.
    for last_second, day, length in (
        ("2024-03-30T22:59:59Z", "2024-03-30T00:00:00+01:00", 24),
        ("2024-03-31T21:59:59Z", "2024-03-31T00:00:00+01:00", 23),
        ("2024-04-01T21:59:59Z", "2024-04-01T00:00:00+02:00", 24),
        ("2024-10-26T21:59:59Z", "2024-10-26T00:00:00+02:00", 24),
        ("2024-10-27T22:59:59Z", "2024-10-27T00:00:00+02:00", 25),
        ("2024-10-28T22:59:59Z", "2024-10-28T00:00:00+01:00", 24),
    ):
        next_day = last_second.replace("59:59Z", "59:59.999999Z")
        told = [
            fact(last_second, "joined", value=100),
            fact(next_day, "heartbeat"),
        ]
        periods = counted(told, zone="Europe/Berlin", by="day")["periods"]
        assert [(p["start"], p["total"]["new"]) for p in periods] == [(day, amount(1, 100))], last_second
        assert counted(told, zone="Europe/Berlin")["windows"]["today"]["new"] == amount(1, 100)
        # A microsecond later it is the next day, and this one lies whole behind it: as many hours as it had.
        hour = int(last_second[11:13]) + 1
        midnight = f"{last_second[:11]}{hour:02d}:00:00Z"
        after = counted([*told, fact(midnight, "joined", "d", value=7)], zone="Europe/Berlin", by="day")
        assert [p["total"]["new"]["customers"] for p in after["periods"]] == [1, 1]
        assert (after["windows"]["today"]["new"], after["windows"]["yesterday"]["new"]) == (
            amount(1, 7), amount(1, 100),
        )  # fmt: skip
        whole = [fact(day, "joined", value=100), fact(last_second, "heartbeat")]
        assert len(counted(whole, zone="Europe/Berlin", by="hour")["periods"]) == length


def test_two_currencies_never_add_without_a_rate() -> None:
    money = """
rates: {USD: [{from: 2024-01-01, rate: "0.9"}]}
value_model: {version: "1", field: {money: price, currency: {field: currency}}}
silos:
  crm:
    event_id: id
    customer_id: who
    rules:
      - name: joined
        facts: [{fact: joined, at: at, value: model}]
"""
    out = counted([
        {"id": "1", "who": "a", "at": "2024-03-01T09:00:00Z", "price": "10.00", "currency": "EUR"},
        {"id": "2", "who": "b", "at": "2024-03-01T09:00:00Z", "price": "10.00", "currency": "USD"},
        {"id": "3", "who": "c", "at": "2024-03-01T09:00:00Z", "price": "10.00", "currency": "CHF"},
        {"id": "4", "who": "d", "at": "2023-03-01T09:00:00Z", "price": "10.00", "currency": "USD"},
    ], definitions=money)
    assert out["accounting"]["dead_lettered"] == {"no_rate": 2}
    assert out["total"]["new"] == amount(2, 10_00 + 9_00)


def test_earned_growth_is_85_and_25_less_100_per_cent() -> None:
    told = [fact("2024-01-01T00:00:00Z", "opening", f"old{n}", value=100) for n in range(20)]
    told += [fact("2024-02-01T00:00:00Z", "left", f"old{n}") for n in range(3)]
    told += [fact("2024-02-02T00:00:00Z", "joined", f"won{n}", value=100, by_recommendation=True) for n in range(5)]
    told += [fact("2024-02-03T00:00:00Z", "joined", f"bought{n}", value=900) for n in range(2)]
    total = counted(told)["total"]
    assert round(total["earned_growth"], 12) == 0.10
    assert total["earned"] == amount(5, 500)
    assert (total["opening"], total["lost"]) == (amount(20, 2000), amount(3, 300))


def test_the_worked_example_of_the_customer_math() -> None:
    told = [
        fact("2024-01-01T09:00:00Z", "joined", value=100, segment="A"),
        fact("2024-01-01T10:00:00Z", "profile_changed", segment="B"),
        fact("2024-01-01T11:00:00Z", "value_changed", value=120),
        fact("2024-01-01T12:00:00Z", "left", reason="price"),
    ]
    shown_at_once = counted(told)
    assert shown_at_once["total"]["lost"] == amount(1, 120)
    told.append(fact("2024-01-01T12:30:00Z", "joined", value=150, segment="C"))
    assert counted(told)["total"]["lost"] == amount(0, 0)
    told.append(fact("2024-01-02T12:00:00Z", "leaving", effective_at="2024-01-05T00:00:00Z", reason="price"))
    assert counted(told)["total"]["pending_loss"] == amount(1, 150)
    out = counted(told, "2024-01-05T00:00:00Z")
    total, a, b, c = (out["total"], *(out["segments"][name] for name in "ABC"))
    assert (total["new"], total["lost"], total["expansion"]) == (amount(1, 100), amount(1, 150), 50)
    assert (total["net"], total["closing"], total["early_loss"]) == (amount(0, -50), amount(0, 0), amount(1, 150))
    assert (a["new"], a["transferred_out"]) == (amount(1, 100), amount(1, 100))
    assert (b["transferred_in"], b["expansion"], b["transferred_out"]) == (amount(1, 100), 20, amount(1, 120))
    assert (c["transferred_in"], c["expansion"], c["lost"]) == (amount(1, 120), 30, amount(1, 150))
    assert all(balances(row) for row in (total, a, b, c))
    assert (out["accounting"]["applied"], out["accounting"]["by_clock"]) == (6, 1)


def test_a_base_that_comes_late_tells_its_cohort_what_befell_the_customer_since() -> None:
    told = [
        fact("2024-03-01T12:00:00Z", "value_changed", value=100),
        fact("2024-03-01T15:00:00Z", "left"),
        fact("2024-03-01T18:00:00Z", "joined", activity="shop"),
        fact("2024-03-05T12:00:00Z", "heartbeat"),
    ]
    snapshot = fact("2024-03-01T09:00:00Z", "opening", value=100, since="2024-02-20T00:00:00Z", activity="spring")
    assert counted(told)["total"]["early_loss"] == amount(0, 0)
    late = counted([*told, snapshot])
    assert late["cohorts"] == [
        {"month": "2024-02", "joined": 1, "lost_30d": 1, "lost_90d": 1, "lost_365d": 1, "still_here": 1}
    ]
    assert late["total"]["early_loss"] == amount(1, 100)
    brought = {line["activity"]: line["still_here"] for line in late["total"]["activities"]}
    assert brought == {"spring": 0, "shop": 1}
    on_time = counted([snapshot, *told])
    assert (late["total"], late["cohorts"]) == (on_time["total"], on_time["cohorts"])


def test_a_change_that_the_clock_completes_at_once_makes_its_joined_applied() -> None:
    told = [
        fact("2024-03-01T08:20:00Z", "joined", value=100),
        fact("2024-03-01T08:30:00Z", "joined", segment="B"),
        fact("2024-03-01T08:40:00Z", "leaving", effective_at="2024-03-01T09:00:00Z"),
    ]
    # The clock is ahead of these facts, as that of a partition which was idle.
    ledger = PartitionLedger(LedgerRules())
    ledger.advance(instant_of("2024-03-01T09:50:00Z", None, "clock"))
    ledger.apply(facts_of(told))
    assert (ledger.counts.applied, ledger.counts.ignored["already_active"]) == (3, 0)
    assert counted(told, "2024-03-01T09:50:00Z")["accounting"]["applied"] == 3
    assert ledger.counts.movements == {"new": 1, "transfer": 1}
