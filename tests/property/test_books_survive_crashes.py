"""Invariant 3 without a broker: however its owners crash, a partition's tables end up as if none had."""

from random import Random

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from config.definitions_file import parse
from streams.facts.admission import Admission
from streams.facts.definitions.model import Definitions
from streams.facts.models import Fact, RawRecord
from streams.ledger import saving
from streams.ledger.rules import DAY, HOUR
from streams.recount import Recount, table_rules
from streams.tables.buckets import Retention
from streams.tables.ledger_json import ledger_json
from streams.tables.merge import CompanyTables
from tests.property.counting import differences
from tests.property.crashing import CrashingOwner
from tests.reference.facts import instant
from tests.reference.generate import facts as generated
from tests.reference.histories import histories
from tests.reference.malformed import malformed

WRITTEN = """
name: crashes
version: "1"
agreed: {{by: a test, at: 2026-01-01}}
currency: EUR
time_zone: Europe/Berlin
horizon: {horizon}
grouping_window: 1h
same_departure: {same}
early_within: {early}
precedence: [{precedence}]
lapse: {{after: {lapse}, restarted_by: [purchased]}}
native: {{silo: crm}}
value_model: {{version: "1", field: {{minor_units: value}}}}
reasons: open
activities: open
"""
LONG = parse(WRITTEN.format(horizon="36h", same="2d", early="10d", precedence="billing, crm", lapse="5d"))
HOSTILE = parse(WRITTEN.format(horizon="5h", same="2h", early="4h", precedence="a, b", lapse="3h"))
SHORT = Retention(minutes_us=50 * HOUR, hours_us=63 * DAY, days_us=200 * DAY)
DAYS = 9
HORIZON = 36 * HOUR

SHARES = st.one_of(st.sampled_from((0.0, 1.0)), st.floats(0, 1))
LATE = st.sampled_from((None, 0, 1, 3, 60, 1000))
READ = st.tuples(st.just("read"), st.sampled_from((1, 1, 5, 20, 40, 160)))
PACK_AHEAD = st.tuples(st.just("pack_ahead"), st.sampled_from((1, 5, 100)))
FLUSH = st.tuples(st.just("flush"), st.booleans())
ADVANCE = st.tuples(st.just("advance"), st.sampled_from((1, 20, 90, 1500)))
BACK = st.sampled_from((0, 0, 3, 2000))
CRASH = st.tuples(st.just("crash"), SHARES, SHARES, st.tuples(LATE, LATE), BACK)
CUT_OFF = st.tuples(st.just("crash"), SHARES, SHARES, st.just((None, None)), BACK)
TAKE_OVER = st.tuples(st.just("take_over"))
COMPACT = st.tuples(st.just("compact"), SHARES)


COMPACTED_UP_TO_A_VOID_FLUSH = [
    ("read", 2), ("flush", False), ("read", 1), ("crash", 0.75, 0.0, (None, None), 0), ("flush", False),
    ("compact", 0.5), ("take_over",),
]  # fmt: skip
"""The good values behind it are compacted away, those that the next owner wrote again are further on in the log."""


LATE_BEHIND_A_DELETION = [
    ("read", 60), ("flush", True), ("read", 20), ("crash", 0.0, 0.0, (135, None), 0), ("flush", True),
    *[("advance", 1500)] * 20, ("flush", True), ("read", 1), ("flush", True), ("take_over",), ("read", 5),
    ("flush", True), ("flush", True), ("read", 3), ("flush", True), ("compact", 1.0), ("take_over",),
]  # fmt: skip
"""A bucket that was rolled up and deleted is written by a late owner; compaction takes the deletion, and not that."""


def schedules(*steps: st.SearchStrategy) -> st.SearchStrategy[list]:
    """Steps of an owner, in any order."""
    return st.lists(st.one_of(READ, READ, ADVANCE, PACK_AHEAD, FLUSH, *steps), min_size=3, max_size=24)


def topic_of(seed: int) -> list[RawRecord]:
    """A few customers' lives as they arrive, with copies, contradictions, retractions and some that are no facts."""
    random = Random(seed)
    rules = {"horizon": HORIZON}
    stream = generated(seed, random.randrange(1, 9), random.randrange(20, 160), rules, 1, DAYS, 0.05, 0.0, 0.02)
    values = list(stream.raw())
    for bad in random.sample(malformed(random, instant("2024-01-09T00:00:00Z"), "customer-00000"), 3):
        values.insert(random.randrange(len(values)), bad.raw)
    return [RawRecord(value, offset=offset) for offset, value in enumerate(values)]


def owner_after(topic: list[RawRecord], steps: list, definitions: Definitions) -> CrashingOwner:
    """Go through the steps."""
    owner = CrashingOwner(topic, definitions, table_rules(definitions, SHORT))
    owner.clock = min((fact.at for fact in facts_in(topic)), default=0)
    for name, *arguments in steps:
        getattr(owner, name)(*arguments)
    return owner


def facts_in(topic: list[RawRecord]) -> list[Fact]:
    return Admission(LONG).admit(topic).facts


def undisturbed(topic: list[RawRecord], clock: int, definitions: Definitions) -> dict:
    """The ledger of these records, counted at once."""
    recount = Recount(definitions, until=clock)
    recount.add(topic)
    return recount.finish()


def judge(topic: list[RawRecord], steps: list, silence: int, definitions: Definitions) -> None:
    """Go through the steps, then read to the end; the tables must be those of an undisturbed run."""
    owner = owner_after(topic, steps, definitions)
    clock = max(*(fact.at + silence * DAY for fact in facts_in(topic)), 0, owner.farthest)
    owner.end(clock)
    assert differences(ledger_of(owner.company(), clock), undisturbed(topic, clock, definitions)) == []
    assert owner.books.accounting() == owner.company().progress[0].accounting


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 1 << 32), steps=schedules(CRASH, TAKE_OVER, COMPACT),
    silence=st.sampled_from((0, 3, 40, 300)), many=st.sampled_from((2, 8, saving.MANY_FACTS)),
)  # fmt: skip
@example(seed=0, steps=COMPACTED_UP_TO_A_VOID_FLUSH, silence=0, many=2)
@example(seed=3, steps=LATE_BEHIND_A_DELETION, silence=0, many=saving.MANY_FACTS)
def test_tables_after_crashes_equal_those_of_an_undisturbed_run(
    seed: int, steps: list, silence: int, many: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saving, "MANY_FACTS", many)
        judge(topic_of(seed), steps, silence, LONG)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    placed=histories(most=30, partitions=1), steps=schedules(CRASH, TAKE_OVER, COMPACT), many=st.sampled_from((2, 8))
)
def test_so_do_those_of_short_hostile_lives(placed: list, steps: list, many: int) -> None:
    topic = [RawRecord(orjson.dumps(record), offset=offset) for offset, (_, record) in enumerate(placed)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saving, "MANY_FACTS", many)
        judge(topic, steps, 0, HOSTILE)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1 << 32), steps=schedules(CUT_OFF, TAKE_OVER, FLUSH), share=st.floats(0, 1))
def test_what_is_shown_after_any_whole_flush_is_right(seed: int, steps: list, share: float) -> None:
    topic = topic_of(seed)
    owner = owner_after(topic, steps, LONG)
    owner.advance(1)
    owner.flush(commit=True)
    if not owner.shown:
        return
    count, position, clock = owner.shown[int(share * (len(owner.shown) - 1))]
    if clock < 0:
        return  # no record with an event time yet: there is no ledger to show
    assert differences(ledger_of(owner.company(count), clock), undisturbed(topic[:position], clock, LONG)) == []


def test_a_restart_knows_that_the_newest_record_was_fresh() -> None:
    at = instant("2024-01-08T00:00:00Z")
    joined = b'{"event_id":"e","at":%d,"customer_id":"c","fact":"joined"}' % (at // 1000)
    for delay_ms, fresh in ((60_000, True), (3_600_000, False)):
        topic = [RawRecord(joined, offset=0, timestamp_ms=at // 1000 + delay_ms)]
        owner = CrashingOwner(topic, LONG, table_rules(LONG))
        owner.read(1)
        owner.flush(commit=True)
        owner.take_over()
        assert owner.books.watermark.state(at).fresh is fresh


def told(at: str, what: str, customer: str = "c", **more: object) -> dict:
    return {"event_id": f"{at} {what}", "at": at, "customer_id": customer, "fact": what, **more}


PASSED_BY = {
    "a lapse": (
        [told("2024-01-01T00:00:00Z", "joined", value=100)],
        told("2024-01-05T23:00:00Z", "purchased", value=100),
    ),
    "an announced end": (
        [
            told("2024-01-04T00:00:00Z", "joined", value=100),
            told("2024-01-05T00:00:00Z", "leaving", effective_at="2024-01-06T00:00:00Z"),
        ],
        told("2024-01-05T23:00:00Z", "staying"),
    ),
}


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("story", PASSED_BY)
def test_a_fact_from_before_what_the_clock_did_takes_it_back(story: str, restarted: bool) -> None:
    """The clock of the tables has struck; then, inside the horizon, comes what the customer did before."""
    life, late = PASSED_BY[story]
    goes_on = told("2024-01-06T01:00:00Z", "joined", "another")
    topic = [RawRecord(orjson.dumps(one), offset=offset) for offset, one in enumerate([*life, goes_on, late])]
    clock = instant("2024-01-06T01:00:00Z")
    owner = CrashingOwner(topic, LONG, table_rules(LONG))
    owner.read(len(topic) - 1)
    owner.clock = clock
    owner.advance(0)
    owner.flush(commit=True)
    assert owner.books.accounting()["by_clock"] == 1
    if restarted:
        owner.take_over()
    owner.end(clock)
    assert owner.books.accounting()["by_clock"] == 0
    assert differences(ledger_of(owner.company(), clock), undisturbed(topic, clock, LONG)) == []


def ledger_of(company: CompanyTables, clock: int) -> dict:
    """What a worker that has read so far tells of the company."""
    return ledger_json(
        company.tables,
        definitions_name=LONG.name,
        definitions_version=LONG.version,
        currency=LONG.currency,
        until_us=clock,
        accounting=company.progress[0].accounting,
    )
