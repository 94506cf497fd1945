"""Merging the parts of partitions, in any order and repeated, gives the tables of all movements."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.ledger.rules import DAY, HOUR
from streams.tables import parts
from streams.tables.buckets import Retention
from streams.tables.merge import CompanyTables
from streams.tables.parts import PartitionTables
from streams.tables.parts_in_force import PartsInForce
from streams.tables.running import RunningWindows
from streams.tables.scopes import EVERY, MAIN
from streams.tables.tables import TableRules, Tables
from streams.tables.windows import windows_at
from tests.property.customer_lives import (
    ZONES,
    changes_of,
    facts_of,
    ledger_rules,
    lives,
    reference_rules,
)

SHORT = Retention(minutes_us=50 * HOUR, hours_us=63 * DAY, days_us=200 * DAY)


def rows_of(tables, clock):
    found = {}
    for name, window in windows_at(tables.calendar, clock).items():
        for span in window:
            if span is not None:
                found[name, span] = tables.rows(span, EVERY)
    return found


def streamed(random, changes, partitions, rules, clock):
    """Every record of each partition, written while the clock goes on, with restarts."""
    stages = [PartitionTables(number, rules) for number in range(partitions)]
    logs = [[] for _ in range(partitions)]
    now = min(movement.at for movement, _ in changes)
    for offset, (movement, sign) in enumerate(changes):
        # A movement is taken back where it was added.
        number = (movement.at + movement.value) % partitions
        stages[number].add(movement, sign)
        if random.random() < 0.3:
            now = max(now, min(movement.at, clock))
            if random.random() < 0.5:
                stages[number].roll_up(now)
            logs[number] += stages[number].changed(offset, now)
            if random.random() < 0.2:
                stages[number] = PartitionTables(number, rules)
                stages[number].restore(logs[number])
                logs[number] += stages[number].everything(offset, now)
    for number, stage in enumerate(stages):
        if random.random() < 0.8:
            stage.roll_up(clock)
        logs[number] += stage.changed(len(changes), clock)
    return logs


def disordered(random, logs):
    """The records of all partitions in any order, some twice. A tombstone comes after what it removes."""
    records = [record for log in logs for record in log]
    if random.random() < 0.3:
        return records
    kept = [record for record in records if record[1] is not None]
    repeated = kept + [record for record in kept if random.random() < 0.3]
    random.shuffle(repeated)
    tombstones = [record for record in records if record[1] is None]
    return repeated + [record for record in tombstones if random.random() < 0.7]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 32), zone=st.sampled_from(ZONES), split=st.booleans())
def test_merging_in_any_order_with_repeats_is_the_sum(seed, zone, split):
    random = Random(seed)
    rules = TableRules(zone=zone, retention=SHORT)
    facts = facts_of(lives(random, 60), reference_rules(zone, lapse=True))
    clock = max(fact.at for fact in facts)
    changes = changes_of(facts, ledger_rules(lapse=True), clock)
    if not changes:
        return
    with pytest.MonkeyPatch.context() as patch:
        if split:
            patch.setattr(parts, "RECORD_BYTES", 200)
        logs = streamed(random, changes, random.randrange(1, 4), rules, clock)
    whole = Tables(rules)
    for movement, sign in changes:
        whole.add_movement(movement, sign)
    company = CompanyTables(rules)
    running = RunningWindows(company.tables, clock)
    records = disordered(random, logs)
    read_at_once = random.choice((0, random.randrange(len(records) + 1), len(records)))
    in_force = PartsInForce(company.tables.calendar)
    for key, value in records[:read_at_once]:
        in_force.take(key, value)
    for key, value in [*in_force.give(), *records[read_at_once:]]:
        company.apply(key, value)
    expected = rows_of(whole, clock)
    assert rows_of(company.tables, clock) == expected
    running.advance(clock + 60_000_000)
    for name in ("all", "1h", "today", "last_quarter"):
        span = running.windows[name].span
        anew = whole.rows(span, MAIN)
        shown = running.rows(name)
        assert {scope: shown[scope] for scope in anew} == anew
