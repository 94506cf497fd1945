"""What was sent for a source is delivered before `delivered` returns, in order, or the process ends."""

import asyncio
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import hypothesis.strategies as st
import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from faust.types import TP
from hypothesis import given, settings

from agents.transport.barrier import DeliveryBarrier
from agents.transport.failure import DeliveryFailed

SOURCES = [TP("in", 0), TP("in", 1)]
TARGETS = [("changelog", 0), ("changelog", 1), ("out", 0)]


class FakeClient:
    """aiokafka's producer: real batches, and deliveries that the test settles one by one."""

    def __init__(self, batch_size: int = 110) -> None:
        self._batch_size = batch_size
        self.logs: dict[tuple[str, int], list[bytes]] = defaultdict(list)
        self.on_the_way: dict[tuple[str, int], list[tuple[list[bytes], asyncio.Future[None]]]] = defaultdict(list)

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(self._batch_size, 0)

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> "asyncio.Future[None]":
        await asyncio.sleep(0)
        assert batch.closed()
        values = [record.value for record in DefaultRecordBatch(bytes(batch._build()))]
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.on_the_way[topic, partition].append((values, future))
        return future

    def settle(self, target: tuple[str, int]) -> None:
        values, future = self.on_the_way[target].pop(0)
        self.logs[target] += values
        future.set_result(None)


def _barrier(client: FakeClient, failures: list[BaseException], **options: Any) -> DeliveryBarrier:
    settings: dict[str, Any] = {"linger": 60.0, "deadline": 60.0, "max_record_bytes": 1000, **options}
    return DeliveryBarrier(lambda: client, failures.append, **settings)


async def _turn() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from(SOURCES), st.sampled_from(TARGETS), st.integers(1, 8)),
        st.tuples(st.just("settle"), st.sampled_from(SOURCES), st.sampled_from(TARGETS), st.just(1)),
        st.tuples(st.just("delivered"), st.sampled_from([(SOURCES[0],), (SOURCES[1],), ()]), st.none(), st.just(1)),
    ),
    max_size=40,
)


@given(_STEPS)
@settings(max_examples=150, deadline=None)
def test_delivered_returns_exactly_when_all_sent_before_it_is_on_the_broker(steps: list[Any]) -> None:
    async def play() -> None:
        client = FakeClient()
        failures: list[BaseException] = []
        barrier = _barrier(client, failures)
        sent: dict[Any, list[bytes]] = defaultdict(list)
        waits: list[tuple[dict[Any, set[bytes]], asyncio.Task[None]]] = []
        of_source: dict[Any, dict[Any, set[bytes]]] = defaultdict(lambda: defaultdict(set))
        number = 0

        def check() -> None:
            for wanted, task in waits:
                there = all(values <= set(client.logs[target]) for target, values in wanted.items())
                # A batch is delivered whole: what shares one with later records may come later, never sooner.
                assert there or not task.done()

        for kind, source, target, count in steps:
            if kind == "send":
                values = [b"%d" % (number + i) for i in range(count)]
                number += count
                if count == 1:
                    barrier.send(source, *target, b"key", values[0], [("name", b"header")])
                else:
                    barrier.send_many(source, *target, [(b"key", value) for value in values])
                sent[target] += values
                of_source[source][target].update(values)
            elif kind == "settle" and client.on_the_way[target]:
                client.settle(target)
            elif kind == "delivered":
                wanted: dict[Any, set[bytes]] = defaultdict(set)
                for one in source or SOURCES:
                    for its_target, its_values in of_source[one].items():
                        wanted[its_target] |= set(its_values)
                waits.append((wanted, asyncio.ensure_future(barrier.delivered(*source))))
            await _turn()
            check()
        everything = asyncio.ensure_future(barrier.delivered())
        await _turn()
        while any(client.on_the_way.values()):
            for target in TARGETS:
                if client.on_the_way[target]:
                    client.settle(target)
            await _turn()
        check()
        await asyncio.wait_for(everything, 1)
        for _, task in waits:
            await asyncio.wait_for(task, 1)
        assert dict(client.logs) == sent or all(client.logs[target] == sent[target] for target in TARGETS)
        assert barrier.bytes_pending == 0
        assert barrier.records_sent == number
        assert not failures

    asyncio.run(play())


def test_one_source_does_not_wait_for_another() -> None:
    async def play() -> None:
        client = FakeClient()
        barrier = _barrier(client, [])
        barrier.send(SOURCES[0], "changelog", 0, b"k", b"a")
        barrier.send(SOURCES[1], "changelog", 1, b"k", b"b")
        first = asyncio.ensure_future(barrier.delivered(SOURCES[0]))
        await _turn()
        client.settle(("changelog", 0))
        await asyncio.wait_for(first, 1)
        assert not client.on_the_way["changelog", 1], "the other source's batch is not hurried"

    asyncio.run(play())


def test_a_record_nobody_waits_for_leaves_after_the_linger_time() -> None:
    async def play() -> None:
        client = FakeClient()
        barrier = _barrier(client, [], linger=0.01)
        barrier.send(SOURCES[0], "out", 0, None, b"v")
        await _turn()
        assert not client.on_the_way["out", 0]
        await asyncio.sleep(0.03)
        assert len(client.on_the_way["out", 0]) == 1
        barrier.send(SOURCES[0], "out", 0, None, b"w")
        assert barrier.bytes_pending == 1

    asyncio.run(play())


@pytest.mark.parametrize("cause", ["broker", "client"])
def test_a_failed_delivery_fails_everyone(cause: str) -> None:
    async def play() -> None:
        client = FakeClient()
        failures: list[BaseException] = []
        barrier = _barrier(client, failures)
        if cause == "client":
            async def refuse(*_: Any, **__: Any) -> Any:
                raise OSError("no broker")
            client.send_batch = refuse  # type: ignore[method-assign]
        barrier.send(SOURCES[0], "out", 0, None, b"v")
        waiting = asyncio.ensure_future(barrier.delivered(SOURCES[0]))
        await _turn()
        if cause == "broker":
            client.on_the_way["out", 0][0][1].set_exception(OSError("no broker"))
        with pytest.raises(DeliveryFailed, match="no broker"):
            await asyncio.wait_for(waiting, 1)
        with pytest.raises(DeliveryFailed):
            barrier.send(SOURCES[1], "changelog", 0, None, b"v")
        with pytest.raises(DeliveryFailed):
            await barrier.delivered()
        assert len(failures) == 1

    asyncio.run(play())


def test_nothing_is_taken_once_the_process_ends_over_a_failure() -> None:
    async def play() -> None:
        client = FakeClient()
        failures: list[BaseException] = []
        ending: list[bool] = []
        barrier = _barrier(client, failures, is_ending=lambda: bool(ending))
        barrier.send(SOURCES[0], "out", 0, None, b"whole")
        ending.append(True)
        with pytest.raises(DeliveryFailed, match="process ends"):
            barrier.send(SOURCES[0], "out", 0, None, b"torn")
        with pytest.raises(DeliveryFailed, match="process ends"):
            await barrier.delivered()
        assert not failures

    asyncio.run(play())


def test_a_delivery_that_takes_too_long_fails_with_and_without_a_waiter() -> None:
    async def play(waits: bool) -> None:
        client = FakeClient()
        failures: list[BaseException] = []
        barrier = _barrier(client, failures, linger=0.0, deadline=0.05)
        barrier.send(SOURCES[0], "out", 0, None, b"v")
        if waits:
            with pytest.raises(DeliveryFailed, match=r"within 0.05 s"):
                await barrier.delivered(SOURCES[0])
        else:
            await asyncio.sleep(0.02)
            barrier.check_deadline()
            assert not failures
            await asyncio.sleep(0.06)
            barrier.check_deadline()
        assert len(failures) == 1

    asyncio.run(play(True))
    asyncio.run(play(False))


def test_a_record_too_large_is_refused_and_those_before_it_count() -> None:
    async def play() -> None:
        client = FakeClient()
        barrier = _barrier(client, [])
        with pytest.raises(ValueError, match="a record for out is 1001 bytes"):
            barrier.send_many(SOURCES[0], "out", 0, [(None, b"small"), (b"k", b"x" * 1000)])
        waiting = asyncio.ensure_future(barrier.delivered(SOURCES[0]))
        await _turn()
        assert not waiting.done()
        client.settle(("out", 0))
        await asyncio.wait_for(waiting, 1)

    asyncio.run(play())


def test_offsets_of_another_producer_between_two_batches_are_told() -> None:
    class Placed(FakeClient):
        """Settles with the offset at which a broker would have put the batch."""

        end = 0

        def settle(self, target: tuple[str, int]) -> None:
            values, future = self.on_the_way[target].pop(0)
            first, self.end = self.end, self.end + len(values)
            future.set_result(SimpleNamespace(offset=first))

    async def run() -> None:
        client, told = Placed(batch_size=10_000), []
        barrier = _barrier(client, [])
        barrier.on_others["out"] = lambda *where: told.append(where)

        async def send(count: int) -> None:
            for _ in range(count):
                barrier.send(SOURCES[0], "out", 0, b"k", b"v")
            waiting = asyncio.ensure_future(barrier.delivered(SOURCES[0]))
            await _turn()
            client.settle(("out", 0))
            await waiting

        client.end = 5
        await send(3)
        await send(2)
        assert told == []
        client.end = 14
        await send(1)
        assert told == [("out", 0, 10, 14)]
        client.end = 20
        barrier.forget_place("out", 0)
        await send(1)
        await send(1)
        assert told == [("out", 0, 10, 14)]

    asyncio.run(run())
