"""Watermarks of partitions and the clock of the tables."""

from streams.ledger.rules import HOUR, MINUTE, SECOND
from streams.tables.watermark import (
    ClockRules,
    PartitionState,
    PartitionWatermark,
    TablesClock,
    watermarks,
)

RULES = ClockRules()
NOW = 20_000 * 24 * HOUR


def read(largest, fresh=True, idle=False):
    return PartitionState(largest, idle, fresh)


def test_one_of_four_partitions_silent_for_an_hour_does_not_hold_the_clock():
    clock = TablesClock(RULES, 4)
    for second in range(0, 3600, 60):
        now = NOW + second * SECOND
        busy = {number: read(now - number * SECOND) for number in range(3)}
        clock.advance(busy | {3: read(NOW - HOUR, idle=True)}, now)
    assert clock.clock == NOW + 3540 * SECOND - 2 * SECOND


def test_a_partition_still_being_read_holds_the_clock():
    clock = TablesClock(RULES, 2)
    assert clock.advance({0: read(NOW), 1: read(NOW - HOUR)}, NOW) == NOW - HOUR


def test_a_partition_of_which_nothing_is_known_holds_the_clock():
    clock = TablesClock(RULES, 2)
    assert clock.advance({0: read(NOW)}, NOW) is None
    assert clock.advance({0: read(NOW), 1: read(None, fresh=False)}, NOW) is None
    assert clock.advance({0: read(NOW), 1: read(None, fresh=False, idle=True)}, NOW) == NOW


def test_with_all_idle_the_wall_clock_carries_fresh_data_on():
    idle = {0: read(NOW, idle=True), 1: read(NOW - HOUR, fresh=False, idle=True)}
    assert watermarks(idle, NOW + MINUTE, RULES) == dict.fromkeys((0, 1), NOW + MINUTE - SECOND)
    one_is_read = idle | {1: read(NOW - HOUR)}
    assert watermarks(one_is_read, NOW + MINUTE, RULES) == {0: NOW, 1: NOW - HOUR}


def test_data_old_when_read_stand_where_they_end():
    idle = {0: read(NOW - 365 * 24 * HOUR, fresh=False, idle=True), 1: read(None, fresh=False, idle=True)}
    assert set(watermarks(idle, NOW, RULES).values()) == {NOW - 365 * 24 * HOUR}


def test_the_clock_never_goes_back():
    clock = TablesClock(RULES, 2)
    clock.advance({0: read(NOW), 1: read(NOW - HOUR, idle=True)}, NOW)
    assert clock.advance({0: read(NOW), 1: read(NOW - 50 * MINUTE)}, NOW) == NOW
    assert TablesClock(RULES, 1, clock=NOW).advance({0: read(NOW - HOUR)}, NOW) == NOW


def test_a_partition_is_idle_a_second_after_its_end_was_reached_with_nothing_new():
    partition = PartitionWatermark(RULES)
    assert not partition.state(NOW + HOUR).idle
    partition.reach_end(NOW)
    partition.reach_end(NOW + SECOND // 2)
    assert not partition.state(NOW + SECOND - 1).idle
    assert partition.state(NOW + SECOND).idle
    partition.read()
    assert not partition.state(NOW + HOUR).idle


def test_an_older_record_moves_neither_watermark_nor_freshness():
    partition = PartitionWatermark(RULES)
    partition.admit(NOW, NOW + 15 * MINUTE)
    partition.admit(NOW - HOUR, NOW + 16 * MINUTE)
    assert partition.state(NOW) == PartitionState(NOW, idle=False, fresh=True)
    partition.admit(NOW + 1, NOW + 1 + 15 * MINUTE + 1)
    assert not partition.state(NOW).fresh
    partition.admit(NOW + 2, None)
    assert partition.state(NOW) == PartitionState(NOW + 2, idle=False, fresh=False)
