"""Invariant 3 with customers at rest: whoever rests when an owner dies, and in whatever form, is counted once."""

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.facts.models import RawRecord
from streams.ledger import saving, sweep
from streams.ledger.partition import PartitionLedger
from tests.property.test_books_survive_crashes import (
    COMPACT,
    CRASH,
    FLUSH,
    HOSTILE,
    LONG,
    TAKE_OVER,
    judge,
    schedules,
    topic_of,
)
from tests.reference.histories import histories

SWEEP = st.tuples(st.just("sweep"), st.sampled_from((1, 30, 1000)))
STEPS = schedules(CRASH, TAKE_OVER, COMPACT, SWEEP, SWEEP, FLUSH)


def settled_at_once(ledger: PartitionLedger) -> int:
    """Everybody is put to rest as one who is settled."""
    return ledger.watermark + 1


def hurry(patch: pytest.MonkeyPatch, at_once: bool, many: int) -> None:
    """Nobody stays awake longer than the next fact."""
    patch.setattr(sweep, "MOST_AWAKE", 0)
    patch.setattr(sweep, "MOST_QUIET", 0)
    patch.setattr(saving, "MANY_FACTS", many)
    if at_once:
        patch.setattr(sweep, "_settled_before", settled_at_once)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 1 << 32), steps=STEPS, silence=st.sampled_from((0, 3, 300)), at_once=st.booleans(),
    many=st.sampled_from((2, 8)),
)  # fmt: skip
def test_tables_after_crashes_equal_those_of_an_undisturbed_run(
    seed: int, steps: list, silence: int, at_once: bool, many: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        hurry(patch, at_once, many)
        judge(topic_of(seed), steps, silence, LONG)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(placed=histories(most=30, partitions=1), steps=STEPS, at_once=st.booleans(), many=st.sampled_from((2, 8)))
def test_so_do_those_of_short_hostile_lives(placed: list, steps: list, at_once: bool, many: int) -> None:
    topic = [RawRecord(orjson.dumps(record), offset=offset) for offset, (_, record) in enumerate(placed)]
    with pytest.MonkeyPatch.context() as patch:
        hurry(patch, at_once, many)
        judge(topic, steps, 0, HOSTILE)
