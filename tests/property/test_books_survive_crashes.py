"""Invariant 3 without a broker: however its owners crash, a partition's tables end up as if none had."""

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.definitions_file import parse
from streams.facts.models import RawRecord
from streams.ledger.rules import DAY, HOUR
from streams.recount import Recount, table_rules
from streams.tables.buckets import Retention
from streams.tables.ledger_json import ledger_json
from tests.property.counting import differences
from tests.property.crashing import CrashingOwner
from tests.reference.facts import instant
from tests.reference.generate import facts as generated
from tests.reference.malformed import malformed

DEFINITIONS = parse(
    """
name: crashes
version: "1"
agreed: {by: a test, at: 2026-01-01}
currency: EUR
time_zone: Europe/Berlin
horizon: 36h
grouping_window: 1h
same_departure: 2d
early_within: 10d
precedence: [billing, crm]
lapse: {after: 5d, restarted_by: [purchased]}
native: {silo: crm}
value_model: {version: "1", field: {minor_units: value}}
reasons: open
activities: open
"""
)
SHORT = Retention(minutes_us=50 * HOUR, hours_us=63 * DAY, days_us=200 * DAY)
DAYS = 9
HORIZON = 36 * HOUR

SHARES = st.one_of(st.sampled_from((0.0, 1.0)), st.floats(0, 1))
LATE = st.one_of(st.none(), st.integers(0, 60))
STEPS = st.one_of(
    st.tuples(st.just("read"), st.integers(1, 40)),
    st.tuples(st.just("read"), st.integers(1, 40)),
    st.tuples(st.just("advance"), st.sampled_from((1, 90, 1500))),
    st.tuples(st.just("flush"), st.booleans()),
    st.tuples(st.just("crash"), SHARES, SHARES, st.tuples(LATE, LATE), st.sampled_from((0, 0, 3, 2000))),
    st.tuples(st.just("take_over")),
    st.tuples(st.just("compact"), SHARES),
)


def topic_of(seed: int) -> list[RawRecord]:
    """A few customers' lives as they arrive, with copies, contradictions, retractions and some that are no facts."""
    random = Random(seed)
    rules = {"horizon": HORIZON}
    stream = generated(seed, random.randrange(1, 9), random.randrange(20, 160), rules, 1, DAYS, 0.05, 0.0, 0.02)
    values = list(stream.raw())
    for bad in random.sample(malformed(random, instant("2024-01-09T00:00:00Z"), "customer-00000"), 3):
        values.insert(random.randrange(len(values)), bad.raw)
    return [RawRecord(value, offset=offset) for offset, value in enumerate(values)]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1 << 32), steps=st.lists(STEPS, max_size=24), silence=st.sampled_from((0, 3, 40, 300)))
def test_tables_after_crashes_equal_those_of_an_undisturbed_run(seed: int, steps: list, silence: int) -> None:
    topic = topic_of(seed)
    owner = CrashingOwner(topic, DEFINITIONS, table_rules(DEFINITIONS, SHORT))
    owner.clock = instant("2024-01-08T00:00:00Z")
    for name, *arguments in steps:
        getattr(owner, name)(*arguments)
    undisturbed = Recount(DEFINITIONS)
    undisturbed.add(topic)
    clock = max((undisturbed.clock() or 0) + silence * DAY, owner.clock)
    undisturbed.until = clock
    owner.end(clock)
    assert differences(ledger_of(owner, clock), undisturbed.finish()) == []
    assert owner.books.accounting() == owner.company().progress[0].accounting


def test_a_restart_knows_that_the_newest_record_was_fresh() -> None:
    at = instant("2024-01-08T00:00:00Z")
    joined = b'{"event_id":"e","at":%d,"customer_id":"c","fact":"joined"}' % (at // 1000)
    for delay_ms, fresh in ((60_000, True), (3_600_000, False)):
        topic = [RawRecord(joined, offset=0, timestamp_ms=at // 1000 + delay_ms)]
        owner = CrashingOwner(topic, DEFINITIONS, table_rules(DEFINITIONS))
        owner.read(1)
        owner.flush(commit=True)
        owner.take_over()
        assert owner.books.watermark.state(at).fresh is fresh


def ledger_of(owner: CrashingOwner, clock: int) -> dict:
    """What a worker that starts now tells of the company."""
    company = owner.company()
    return ledger_json(
        company.tables,
        definitions_name=DEFINITIONS.name,
        definitions_version=DEFINITIONS.version,
        currency=DEFINITIONS.currency,
        until_us=clock,
        accounting=company.progress[0].accounting,
    )
