"""Windows kept up to date equal windows summed anew, at any instant, with corrections."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.ledger.rules import DAY, HOUR, MINUTE
from streams.tables.running import WITH_SEGMENT_REGION, RunningWindows
from streams.tables.scopes import EVERY, MAIN
from streams.tables.tables import TableRules, Tables
from tests.property.customer_lives import (
    PAUSES,
    ZONES,
    changes_of,
    facts_of,
    ledger_rules,
    lives,
    reference_rules,
)
from tests.property.test_tables import answer_of

SHORT_PAUSES = (0, MINUTE, 20 * MINUTE, HOUR, 9 * HOUR)
TICKS = (0, MINUTE // 2, MINUTE, HOUR, 11 * HOUR, 2 * DAY, 20 * DAY)


def balances(row):
    moved = {
        name: row["opening"][name]
        + row["new"][name]
        + row["returned"][name]
        - row["lost"][name]
        + row["transferred_in"][name]
        - row["transferred_out"][name]
        for name in ("customers", "value")
    }
    moved["value"] += row["expansion"] - row["contraction"]
    return moved == row["closing"] and min(row["stayed"].values()) >= 0


def check(tables, running):
    for name, window in running.windows.items():
        dimensions = EVERY if name in (*WITH_SEGMENT_REGION, "all") else MAIN
        for before, span in enumerate(window):
            if span is not None:
                rows, anew = running.rows(name, before=bool(before)), tables.rows(span, dimensions)
                # A scope without customers and movements is all zeros: anew it has no row at all.
                assert {scope: rows[scope] for scope in anew} == anew, (name, before)
                yield from rows.values()


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1 << 32),
    zone=st.sampled_from(ZONES),
    pauses=st.sampled_from((PAUSES, SHORT_PAUSES)),
)
def test_windows_kept_up_to_date_are_windows_summed_anew(seed, zone, pauses):
    random = Random(seed)
    rules = reference_rules(zone, lapse=False)
    facts = facts_of(lives(random, 60, pauses), rules)
    last = max(fact.at for fact in facts)
    changes = changes_of(facts, ledger_rules(lapse=False), last)
    clock = facts[0].at
    tables = Tables(TableRules(zone=zone))
    running = RunningWindows(tables, clock)
    for number, (movement, sign) in enumerate(changes):
        if movement.at > clock and random.random() < 0.7:
            clock = movement.at + random.choice(TICKS)  # else: known ahead of the clock, shown later
        running.advance(clock)
        tables.forget(clock)
        tables.add_movement(movement, sign)
        if number % 7 == 0:
            list(check(tables, running))
    running.advance(max(clock, last) + random.choice(TICKS))
    assert all(balances(row) for row in check(tables, running))
    shown = answer_of(tables, running.clock)
    tables.running = None
    assert shown == answer_of(tables, running.clock)
