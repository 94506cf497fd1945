"""The tables against the slow reference, in every scope and window, with corrections."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.tables.buckets import Retention
from streams.tables.ledger_json import ledger_json
from streams.tables.tables import TableRules, Tables
from tests.property.customer_lives import (
    ZONES,
    changes_of,
    facts_of,
    ledger_rules,
    lives,
    reference_rules,
)
from tests.reference import reference_ledger

ROW_NAMES = ("total", "segments", "regions", "products", "windows", "segment_regions", "cohorts", "periods")


def without_empty_kinds(answer):
    """The answer with only those kinds of loss that occurred."""
    if isinstance(answer, dict):
        return {
            name: {kind: amount for kind, amount in value.items() if any(amount.values())}
            if name == "lost_by_kind"
            else without_empty_kinds(value)
            for name, value in answer.items()
        }
    return [without_empty_kinds(line) for line in answer] if isinstance(answer, list) else answer


def answer_of(tables, clock, by=None, first=None):
    return ledger_json(
        tables,
        definitions_name="reference",
        definitions_version="1",
        currency="EUR",
        until_us=clock,
        accounting={},
        by=by,
        first_us=first,
    )


def compared(answer):
    return without_empty_kinds({name: answer[name] for name in ROW_NAMES if name in answer})


def rounded(answer):
    if isinstance(answer, dict):
        return {name: rounded(value) for name, value in answer.items()}
    if isinstance(answer, list):
        return [rounded(line) for line in answer]
    return round(answer, 9) if isinstance(answer, float) else answer


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1 << 32),
    zone=st.sampled_from(ZONES),
    lapse=st.booleans(),
    by=st.sampled_from((None, "day", "week", "month")),
)
def test_every_row_is_the_references(seed, zone, lapse, by):
    random = Random(seed)
    records = lives(random)
    rules = reference_rules(zone, lapse)
    facts = facts_of(records, rules)
    clock = max(fact.at for fact in facts) + random.randrange(3) * 20 * 86_400_000_000
    tables = Tables(TableRules(zone=zone, retention=Retention(hours_us=None)))
    changes = changes_of(facts, ledger_rules(lapse), clock)
    random.shuffle(changes)
    for movement, sign in changes:
        tables.add_movement(movement, sign)
    expected = reference_ledger([(0, record) for record in records], rules | {"until": clock, "by": by})
    if random.random() < 0.5:
        tables.forget(clock)
    first = min(fact.at for fact in facts)
    assert rounded(compared(answer_of(tables, clock, by, first))) == rounded(compared(expected))
