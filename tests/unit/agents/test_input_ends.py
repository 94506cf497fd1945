"""Which partitions are not idle, whatever was told of them."""

import asyncio
from collections.abc import Collection, Mapping

from agents.input_ends import unread
from streams.tables.watermark import ClockRules, PartitionState, TablesClock
from tests.unit.agents.made_up_voice import ends_at

NOW = 9_000_000
STATES = {0: PartitionState(1_000, end=None), 1: PartitionState(700, idle=True, end=5)}


def asked(clock: TablesClock, states: Mapping[int, PartitionState], ends: Mapping[int, int]) -> set[int]:
    return asyncio.run(unread(clock, states, NOW, ends_at(ends)))


def test_an_idle_partition_that_fills_is_waited_for() -> None:
    clock = TablesClock(ClockRules(), 2)
    assert asked(clock, STATES, {0: 9, 1: 5}) == set()
    assert clock.advance(STATES, NOW, asked(clock, STATES, {0: 9, 1: 6})) == 700
    assert clock.advance(STATES, NOW, asked(clock, STATES, {0: 9, 1: 5})) == 1_000


def test_where_no_broker_tells_the_end_a_partition_is_not_idle() -> None:
    clock = TablesClock(ClockRules(), 2)
    assert clock.advance(STATES, NOW, asked(clock, STATES, {})) == 700


def test_nobody_is_asked_where_the_clock_stands_still_or_nothing_is_idle() -> None:
    async def never(partitions: Collection[int]) -> Mapping[int, int]:
        raise AssertionError(partitions)

    clock = TablesClock(ClockRules(), 2, 1_000)
    assert asyncio.run(unread(clock, STATES, NOW, never)) == set()
    awake = {0: PartitionState(2_000), 1: PartitionState(1_500)}
    assert asyncio.run(unread(clock, awake, NOW, never)) == set()


def test_a_state_of_an_older_program_is_taken_as_told() -> None:
    clock = TablesClock(ClockRules(), 2)
    states = {0: PartitionState(1_000), 1: PartitionState(700, idle=True)}
    assert clock.advance(states, NOW, asked(clock, states, {1: 99})) == 1_000
