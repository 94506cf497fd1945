"""Customers may be put to rest at any point, in either form, and woken by anything: nothing changes."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.ledger import sweep
from streams.ledger.packed_map import PackedMap
from streams.ledger.partition import PartitionLedger
from streams.ledger.remembered import Customer
from tests.property.counting import Counted, differences, facts_of
from tests.property.test_ledger_against_reference import expected_of
from tests.reference import histories as generated


def rest_some(ledger: PartitionLedger, random: Random, share: float) -> None:
    """As after a flush that saved everything: some customers go to rest, whatever is remembered of them."""
    ledger.dirty.clear()
    for customer_id, customer in list(ledger.customers.items()):
        if random.random() > share:
            continue
        if random.random() < 0.5:
            assert ledger.resting.keep_settled(customer_id, customer)
        else:
            ledger.resting.keep_quiet(customer_id, customer)
        del ledger.customers[customer_id]
        if random.random() < 0.5:
            assert_same(customer, ledger.wake(customer_id))


def assert_same(before: Customer, after: Customer | None) -> None:
    """All but what is kept only to be quick."""
    assert after is not None
    assert (after.base, after.facts, after.state) == (before.base, before.facts, before.state)
    assert (after.newest, after.folded_to, after.tangled) == (before.newest, before.folded_to, before.tangled)
    assert after.wheel_minute == before.wheel_minute


@settings(max_examples=100, deadline=None)
@given(
    placed=generated.histories(), rules=generated.rules(), seed=st.integers(0, 1 << 32),
    share=st.sampled_from((0.3, 1.0)), strikes=st.sampled_from((0.0, 0.3)),
)  # fmt: skip
def test_tables_equal_the_references_whoever_rests(
    placed: list, rules: dict, seed: int, share: float, strikes: float
) -> None:
    rules = {"time_zone": "UTC", "until": None} | rules
    clock, expected = expected_of(placed, rules)
    random = Random(seed)
    counted = Counted(rules)
    for one in facts_of(placed, rules):
        counted.apply([one])
        ledger = counted.partitions[one[0]]
        if random.random() < strikes:
            ledger.advance(ledger.watermark)
            counted._book(ledger)
        rest_some(ledger, random, share)
    for ledger in counted.partitions.values():
        rest_some(ledger, random, 1.0)
    counted.advance(clock)
    assert differences(counted.ledger(clock), expected) == []


@settings(max_examples=60, deadline=None)
@given(placed=generated.histories(), rules=generated.rules(), pressed=st.booleans(), ticks=st.booleans())
def test_a_sweep_after_every_fact_changes_nothing(placed: list, rules: dict, pressed: bool, ticks: bool) -> None:
    rules = {"time_zone": "UTC", "until": None} | rules
    clock, expected = expected_of(placed, rules)
    counted = Counted(rules)
    with pytest.MonkeyPatch.context() as patch:
        if pressed:
            patch.setattr(sweep, "MOST_AWAKE", 0)
            patch.setattr(sweep, "MOST_QUIET", 0)
        for one in facts_of(placed, rules):
            counted.apply([one])
            ledger = counted.partitions[one[0]]
            ledger.dirty.clear()
            if ticks:
                ledger.sweep(200)
        counted.advance(clock)
    assert differences(counted.ledger(clock), expected) == []


KEYS = st.binary(max_size=2)


@given(steps=st.lists(st.tuples(st.sampled_from(("put", "put", "take", "get")), KEYS, st.binary(max_size=300))))
def test_a_packed_map_is_a_dict(steps: list[tuple[str, bytes, bytes]]) -> None:
    expected: dict[bytes, bytes] = {}
    found = PackedMap()
    for step, key, value in steps:
        if step == "put" and key not in expected:
            expected[key] = value
            found.put(key, value)
        elif step == "take":
            assert found.take(key) == expected.pop(key, None)
        else:
            assert found.get(key) == expected.get(key)
        assert len(found) == len(expected)
    assert sorted(found) == sorted(expected)


@given(count=st.integers(0, 400), room=st.integers(0, 400))
def test_so_is_one_that_grows(count: int, room: int) -> None:
    found = PackedMap()
    found.reserve(room)
    keys = [b"customer-%d" % number for number in range(count)]
    for key in keys:
        found.put(key, key * 3)
    assert sorted(found) == sorted(keys)
    for key in keys:
        assert found.get(key + b"/") is None
        assert found.take(key) == key * 3
    assert len(found) == 0
    assert list(found) == []
