"""The consumer's bounds and ends: bytes in flight, rewound logs, retention, commits that fail, work that hangs."""

import asyncio
from typing import Any

import pytest
from faust.types import TP

from agents.transport.consumer_thread import CommitOutcome
from agents.transport.failure import CommitFailed, DeliveryFailed, LogRewound, QuiesceTimeout
from agents.transport.records import RecordBatch
from tests.unit.agents.transport.fakes import TOPIC, FakeThread, make_app, make_consumer

ONE = TP(TOPIC, 0)


class Rig:
    """A consumer with one assigned partition and an open gate."""

    def __init__(self, offsets: list[int], **options: Any) -> None:
        self.app = make_app(**options)
        self.thread = FakeThread({ONE: offsets})
        self.messages: list[Any] = []

    async def open(self) -> None:
        self.consumer = make_consumer(self.app, self.thread, self._on_message)
        self.thread.assign({ONE})
        self.app.consumer_generation_id = 1
        await self.consumer.on_partitions_assigned({ONE}, 1)
        self.consumer.resume_partitions({ONE})
        await self.consumer.perform_seek()
        self.consumer.resume_flow()

    async def _on_message(self, message: Any) -> None:
        message.incref()
        self.messages.append(message)
        self.consumer._unacked_messages.add(message)


def test_nothing_is_asked_for_while_too_many_bytes_are_in_flight() -> None:
    async def play() -> None:
        rig = Rig(list(range(20)), max_bytes_in_flight=5)
        await rig.open()
        await rig.consumer._drain_once()
        assert rig.consumer.bytes_in_flight == rig.app.transport.bytes_in_flight == 5
        waiting = asyncio.ensure_future(rig.consumer._drain_once())
        await asyncio.sleep(0.01)
        assert len(rig.messages) == 1
        batch: RecordBatch = rig.messages[0].value
        batch.release()
        await asyncio.wait_for(waiting, 0.3)
        assert (rig.consumer.bytes_in_flight, len(batch), batch.size) == (0, 0, 5)
        await rig.consumer._drain_once()
        assert len(rig.messages) == 2
        batch.release()
        assert rig.consumer.bytes_in_flight == 5, "released twice counts once"

    asyncio.run(play())


def test_a_log_that_was_replaced_is_told_from_one_that_goes_on() -> None:
    async def play() -> None:
        rig = Rig([3, 4])
        rig.thread.committed[ONE] = 10
        await rig.open()
        rig.thread._positions[ONE] = 0
        with pytest.raises(LogRewound, match="gave offset 3 where 10 was expected"):
            await rig.consumer._drain_once()

    asyncio.run(play())


def test_what_retention_took_is_counted_and_compaction_is_not() -> None:
    async def play() -> None:
        rig = Rig([0, 1, 4, 5])
        rig.thread.poll_records = 2
        await rig.open()
        log_start = 0

        async def earliest_offsets(*tps: TP) -> dict[TP, int]:
            return dict.fromkeys(tps, log_start)

        rig.thread.earliest_offsets = earliest_offsets  # type: ignore[method-assign]
        await rig.consumer._drain_once()
        await rig.consumer._drain_once()
        await asyncio.sleep(0.01)
        assert rig.consumer.status()[0].lost_to_retention == 0
        log_start = 10
        rig.thread.logs[ONE].append(12)
        # The first poll was begun before the record was there.
        await rig.consumer._drain_once()
        await rig.consumer._drain_once()
        await asyncio.sleep(0.01)
        batch: RecordBatch = rig.messages[-1].value
        assert (batch.follows, batch.first_offset) == (6, 12)
        assert rig.consumer.status()[0].lost_to_retention == 4

    asyncio.run(play())


def test_status_tells_of_the_partition() -> None:
    async def play() -> None:
        rig = Rig(list(range(8)))
        assert not rig.app.transport.is_ready
        assert rig.app.transport.status() == ()
        await rig.open()
        assert rig.app.transport.is_ready
        await rig.consumer._drain_once()
        found = rig.consumer.status()[0]
        assert (found.topic, found.partition, found.gate_open, found.recovering) == (TOPIC, 0, True, False)
        assert (found.position, found.end, found.lag, found.acknowledged, found.committed) == (5, 8, 3, None, None)
        assert (found.batches_in_flight, found.records_in_flight, found.bytes_in_flight) == (1, 5, 5)
        rig.messages[0].ack(rig.consumer)
        assert await rig.consumer.commit_acked()
        found = rig.consumer.status()[0]
        assert (found.acknowledged, found.committed, found.batches_in_flight) == (5, 5, 0)
        rig.consumer.stop_flow()
        assert not rig.app.transport.is_ready

    asyncio.run(play())


def test_an_offset_is_committed_only_after_delivery() -> None:
    async def play() -> None:
        rig = Rig(list(range(3)))
        await rig.open()
        await rig.consumer._drain_once()
        rig.messages[0].ack(rig.consumer)
        delivery = asyncio.get_running_loop().create_future()

        class Producer:
            async def flush(self) -> None:
                await delivery

        rig.app._producer = Producer()
        committing = asyncio.ensure_future(rig.consumer.commit())
        await asyncio.sleep(0.01)
        assert not rig.thread.committed
        delivery.set_exception(DeliveryFailed("as the test wants"))
        assert not await committing
        assert not rig.thread.committed
        delivery = asyncio.get_running_loop().create_future()
        delivery.set_result(None)
        assert await rig.consumer.commit()
        assert rig.thread.committed == {ONE: 3}

    asyncio.run(play())


def test_commits_that_fail_for_too_long_end_the_process() -> None:
    async def play() -> None:
        rig = Rig(list(range(3)), commit_deadline=0.05)
        await rig.open()
        await rig.consumer._drain_once()
        rig.messages[0].ack(rig.consumer)
        rig.thread.outcome = CommitOutcome.RETRY
        assert not await rig.consumer.commit_acked()
        assert rig.app.transport.fail.reason is None
        await asyncio.sleep(0.06)
        assert not await rig.consumer.commit_acked()
        assert isinstance(rig.app.transport.fail.reason, CommitFailed)
        rig.thread.outcome = CommitOutcome.DONE
        assert not await rig.consumer.commit_acked(), "nothing is committed once the process is ending"
        assert not rig.thread.committed

    asyncio.run(play())


def test_partitions_are_given_up_when_the_worker_has_flushed_and_acknowledged() -> None:
    async def play() -> None:
        rig = Rig(list(range(3)))
        await rig.open()
        await rig.consumer._drain_once()
        flushed = []

        @rig.app.transport.on_quiesce
        async def flush() -> None:
            flushed.append(len(rig.messages))
            for message in rig.messages:
                message.ack(rig.consumer)

        await rig.consumer.wait_empty()
        assert flushed == [1]
        assert rig.thread.committed == {ONE: 3}
        assert rig.app.transport.fail.reason is None

    asyncio.run(play())


def test_work_that_does_not_end_in_time_ends_the_process() -> None:
    async def play() -> None:
        rig = Rig(list(range(3)), quiesce_deadline=0.05)
        await rig.open()
        await rig.consumer._drain_once()
        await rig.consumer.wait_empty()
        assert isinstance(rig.app.transport.fail.reason, QuiesceTimeout)
        assert not rig.thread.committed

    asyncio.run(play())


def test_a_flush_that_fails_ends_the_process() -> None:
    async def play() -> None:
        rig = Rig(list(range(3)))
        await rig.open()

        @rig.app.transport.on_quiesce
        async def flush() -> None:
            raise RuntimeError("no")

        await rig.consumer.wait_empty()
        assert isinstance(rig.app.transport.fail.reason, RuntimeError)

    asyncio.run(play())
