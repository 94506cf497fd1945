"""Whatever arrives, in whatever order: the ledger's tables equal those of the slow reference."""

from hypothesis import given, settings

from tests.property.counting import Counted, differences, facts_of
from tests.reference import Reference
from tests.reference import histories as generated

ADMISSION = ("records", "no_fact", "unmapped", "dead_lettered")


def expected_of(placed, rules):
    reference = Reference(placed, rules)
    expected = reference.ledger()
    for name in ADMISSION:
        expected["accounting"].pop(name, None)
    return reference.clock, expected


@settings(max_examples=400, deadline=None)
@given(placed=generated.histories(), rules=generated.rules())
def test_tables_equal_the_references(placed, rules):
    rules = {"time_zone": "UTC", "until": None} | rules
    clock, expected = expected_of(placed, rules)
    counted = Counted(rules)
    counted.apply(facts_of(placed, rules))
    counted.advance(clock)
    assert differences(counted.ledger(clock), expected) == []


@settings(max_examples=200, deadline=None)
@given(placed=generated.histories(), rules=generated.rules())
def test_a_clock_that_strikes_after_every_fact_changes_nothing(placed, rules):
    rules = {"time_zone": "UTC", "until": None} | rules
    clock, expected = expected_of(placed, rules)
    counted = Counted(rules)
    for one in facts_of(placed, rules):
        counted.apply([one])
        counted.partitions[one[0]].advance(counted.partitions[one[0]].watermark)
        counted.partitions[one[0]].sweep(10)
    counted.advance(clock)
    assert differences(counted.ledger(clock), expected) == []
