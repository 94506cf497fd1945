"""The reference against the laws of the customer math, on hostile histories and on a generated stream."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference import Reference, reference_ledger
from tests.reference.facts import instant
from tests.reference.generate import RULES, facts
from tests.reference.histories import disordered, histories, on_time, rules
from tests.reference.tables import held_before
from tests.reference.windows import Window


@settings(max_examples=150, deadline=None)
@given(arrived=histories(), given_rules=rules(), cut=st.tuples(st.integers(-5, 60), st.integers(1, 40)))
def test_every_scope_balances(arrived, given_rules, cut):
    reference = Reference(arrived, given_rules)
    start = instant("2024-03-04T08:00:00Z") + cut[0] * 20 * 60_000_000
    window = Window(start, start + cut[1] * 20 * 60_000_000)
    total = reference.row(window, lambda scope: True)
    for part in (0, 1, 2):
        rows = reference.rows_by(window, part).values()
        for row in (total, *rows):
            for name in ("customers", "value"):
                flow = sum(row[kind][name] for kind in ("opening", "new", "returned", "transferred_in"))
                flow -= row["lost"][name] + row["transferred_out"][name]
                flow += (row["expansion"] - row["contraction"]) if name == "value" else 0
                assert flow == row["closing"][name] >= 0
        for field in ("opening", "closing", "new", "returned", "lost", "pending_loss"):
            assert sum(row[field]["customers"] for row in rows) == total[field]["customers"]
            assert sum(row[field]["value"] for row in rows) == total[field]["value"]
        assert sum(row["recommenders"] for row in rows) == total["recommenders"]
    brought = sum(line["customers"] for line in total["activities"])
    assert brought == total["new"]["customers"] + total["returned"]["customers"] + sum(
        m.kind == "opening" and window.start <= m.at < window.end
        for h in reference.histories.values()
        for m in h.movements
    )


@settings(max_examples=150, deadline=None)
@given(arrived=histories(), given_rules=rules())
def test_nothing_vanishes(arrived, given_rules):
    reference = Reference(arrived, given_rules)
    counts = reference.accounting({})
    assert counts["records"] == len(arrived)
    assert counts["facts"] == counts["applied"] + sum(counts["ignored"].values()) + counts["pending"]
    for history in reference.histories.values():
        instants = [m.at for m in history.movements]
        assert instants == sorted(instants)
        active = held_before(history, reference.clock + 1) is not None
        assert not any(ended is None for _, ended, _ in history.pendings) or active


@settings(max_examples=300, deadline=None)
@given(both=disordered(), given_rules=rules())
def test_order_of_arrival_inside_the_horizon_changes_nothing(both, given_rules):
    assert on_time(both[1])
    given_rules = given_rules | {"until": "2024-03-05T08:00:00Z"}
    first, second = (reference_ledger([(0, r) for r in records], given_rules) for records in both)
    for out in (first, second):
        out["accounting"].pop("records")
        out["accounting"].pop("facts")
        out["accounting"]["ignored"].pop("duplicate", None)
    assert first == second


def test_the_generator_keeps_its_promises():
    stream = facts(seed=7, customers=100, n=5000)
    again = facts(seed=7, customers=100, n=5000)
    assert stream.arrivals == again.arrivals
    assert stream.out_of_order >= 0.2
    out = Reference(stream.records(), RULES).accounting(stream.rejects)
    assert out["records"] == len(stream.arrivals)
    assert sum(stream.rejects.values()) >= 0.009 * len(stream.arrivals)
    assert out["ignored"]["duplicate"] >= 0.9 * stream.copies >= 0.04 * len(stream.arrivals)
    expected = {"conflict", "retracted", "superseded", "seen_elsewhere", "outranked", "already_active"}
    assert expected <= set(out["ignored"])
    assert out["by_clock"] > 0
    assert out["pending"] > 0
