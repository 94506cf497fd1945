"""The topic `movements` read back: what counts of it, only the blocks that are wanted, and what is no longer kept."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from agents.movement_records import MovementBatch, MovementLine, _encode
from agents.movements_log import BLOCK, MovementsLog
from config.settings import load
from streams.drilldown.numbers import CannotOpen
from streams.ledger.rules import HOUR
from streams.tables.windows import BEGINNING, Span

APPENDED = 1_000_000


class Topic:
    """One partition as the consumer's calls show it; `asked` are the offsets that were fetched."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.begins = 0
        self.asked: list[int] = []
        self._at = 0
        self._assigned: set[TopicPartition] = set()

    def assignment(self) -> set[TopicPartition]:
        return self._assigned

    def assign(self, partitions: list[TopicPartition]) -> None:
        self._assigned, self._at = set(partitions), self.begins

    async def position(self, partition: TopicPartition) -> int:
        return self._at

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._at = offset

    async def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, self.begins)

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, len(self.values))

    async def getmany(self, partition: TopicPartition, *, timeout_ms: int, max_records: int) -> dict[Any, Any]:
        found = range(self._at, min(len(self.values), self._at + max_records))
        self.asked += found
        self._at = found.stop
        return {partition: [
            SimpleNamespace(offset=offset, value=self.values[offset], timestamp=(APPENDED + offset * HOUR) // 1000)
            for offset in found
        ]}  # fmt: skip

    def flush(self, at: int, name: str, epoch: int = 1, flush: int = 0, ended: tuple[int, int] | None = None) -> None:
        line = MovementLine(name, "new", at, "A", "n", "p", 1, 100)
        number = flush or len(self.values) + 1
        self.values.append(_encode(MovementBatch(0, 0, [line], epoch, number, ended)))


def log_of(topic: Topic) -> MovementsLog:
    log = MovementsLog(load({"NETGROWTH_PARTITIONS": "1"}))
    log._consumer = topic
    return log


def customers(log: MovementsLog, span: Span) -> list[str]:
    async def read() -> list[str]:
        await log.catch_up()
        return [line.customer_id async for movements in log.within(span) for line in movements]

    return asyncio.run(read())


def test_only_blocks_that_may_hold_the_span_are_read() -> None:
    topic = Topic()
    for hour in range(10 * BLOCK):
        topic.flush(hour * HOUR, f"c{hour}")
    log = log_of(topic)
    asyncio.run(log.catch_up())
    topic.asked.clear()
    found = customers(log, Span(5 * BLOCK * HOUR, (5 * BLOCK + 3) * HOUR))
    assert {"c320", "c321", "c322"} <= set(found)
    assert set(found) == {f"c{hour}" for hour in range(5 * BLOCK, 6 * BLOCK)}
    assert min(topic.asked) == 5 * BLOCK


def test_what_comes_is_found_and_what_a_crash_cut_off_is_void() -> None:
    topic = Topic()
    topic.flush(HOUR, "whole", epoch=1, flush=1)
    topic.flush(2 * HOUR, "torn", epoch=1, flush=2)
    log = log_of(topic)
    everything = Span(BEGINNING, 10 * HOUR)
    assert customers(log, everything) == ["whole", "torn"]
    topic.flush(2 * HOUR, "again", epoch=2, flush=1, ended=(1, 1))
    assert customers(log, everything) == ["whole", "again"]


def test_a_window_of_which_movements_are_gone_is_refused() -> None:
    topic = Topic()
    for hour in range(3 * BLOCK):
        topic.flush(APPENDED + hour * HOUR, f"c{hour}")
    log = log_of(topic)
    asyncio.run(log.catch_up())
    topic.begins = 10
    with pytest.raises(CannotOpen, match="keeps them from 1970-01-03T16:00:01Z"):
        customers(log, Span(APPENDED + 20 * HOUR, APPENDED + 30 * HOUR))
    kept = customers(log, Span(APPENDED + BLOCK * HOUR, APPENDED + (BLOCK + 2) * HOUR))
    assert {f"c{BLOCK}", f"c{BLOCK + 1}"} <= set(kept)


def test_a_customer_is_found_by_its_bytes() -> None:
    topic = Topic()
    topic.flush(HOUR, "a")
    topic.flush(HOUR, "b")
    topic.values.append(b"not to be read")
    log = log_of(topic)

    async def read() -> list[str]:
        await log.catch_up()
        found = log.of_customer(0, b'"customer_id":"b"')
        return [line.customer_id async for movements in found for line in movements]

    assert asyncio.run(read()) == ["b"]
