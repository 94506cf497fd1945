"""A count that begins with carried-over customers goes on as the one that had them from the beginning."""

from collections import Counter

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from config.definitions_file import load
from config.settings import NATIVE_DEFINITIONS
from streams.facts.admission import Admission
from streams.facts.models import RawRecord
from streams.ledger.carried import begin_with, carried_state
from streams.ledger.customer import Status
from streams.ledger.partition import PartitionLedger
from streams.ledger.rules import HOUR, Lapse, LedgerRules
from tests.reference import histories as generated
from tests.reference.facts import instant

KINDS = tuple(kind for kind in generated.KINDS if kind != "retracted")
ADMISSION = Admission(load(NATIVE_DEFINITIONS))
AFTER = {"new", "returned", "lost", "expansion", "contraction"}
LEVEL = {"opening": 1, "new": 1, "returned": 1, "lost": -1}
VALUE = LEVEL | {"expansion": 1, "contraction": -1}


def of_customer(name):
    return generated.records(name, KINDS)


def facts_of(records):
    for number, record in enumerate(records):
        record["event_id"] = f"e{number}"
    raw = [RawRecord(msgspec.json.encode(record), offset=number) for number, record in enumerate(records)]
    return ADMISSION.admit(raw).facts


def counted(ledger, since):
    """Movements after an instant, and the level over all."""
    moved, level = Counter(), Counter()
    for change in ledger.changes:
        one = change.movement
        if one.at > since and one.kind in AFTER:
            moved[one.kind, one.at, "customers"] += change.sign * one.customers
            moved[one.kind, one.at, "value"] += change.sign * one.value
        level["customers"] += change.sign * LEVEL.get(one.kind, 0) * one.customers
        level["value"] += change.sign * VALUE.get(one.kind, 0) * one.value
    return {name: n for name, n in moved.items() if n}, {name: n for name, n in level.items() if n}


@settings(max_examples=200, deadline=None)
@given(
    records=st.lists(st.sampled_from("xy").flatmap(of_customer), min_size=1, max_size=14),
    cut=st.integers(0, generated.INSTANTS),
    lapse=st.sampled_from((None, Lapse(3 * HOUR, frozenset({"purchased"})))),
)
def test_what_happens_after_the_instant_counts_alike(records, cut, lapse):
    rules = LedgerRules(horizon_us=generated.HORIZON, grouping_us=0, lapse=lapse)
    at = generated.START + cut * generated.STEP + generated.STEP // 2
    records.sort(key=lambda record: instant(record["at"]))
    whole, before, after = PartitionLedger(rules), PartitionLedger(rules), PartitionLedger(rules)
    whole.apply(facts_of(records))
    before.apply(fact for fact in facts_of(records) if fact.at <= at + generated.HORIZON)
    end = max(whole.watermark, at) + 30 * HOUR
    whole.advance(end)
    for customer_id in before.ids():
        state = before.state_at(customer_id, at)
        if state is not None and state.status != Status.UNKNOWN:
            begin_with(after, customer_id, carried_state(state, at, rules, rules), at)
    after.apply(fact for fact in facts_of(records) if fact.at > at)
    after.advance(end)
    assert counted(after, at) == counted(whole, at)
    for customer_id in after.ids():
        mine, theirs = after.state_of(customer_id), whole.state_of(customer_id)
        assert (mine.status, mine.value, mine.scope) == (theirs.status, theirs.value, theirs.scope)
