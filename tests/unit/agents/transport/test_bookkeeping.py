"""A commit never passes the first unacknowledged batch, and no record is lost, whatever happens in whatever order."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import hypothesis.strategies as st
from faust.types import TP
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from agents.transport.consumer_thread import CommitOutcome
from agents.transport.records import RecordBatch
from tests.unit.agents.transport.fakes import TOPIC, FakeThread, make_app, make_consumer

TPS = [TP(TOPIC, partition) for partition in range(3)]


class Bookkeeping(RuleBasedStateMachine):
    """Deliveries, acknowledgements (also stale ones, in both of Faust's ways), commits, seeks, reassignments."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.logs: dict[TP, list[int]] = {tp: [] for tp in TPS}
        self.thread = FakeThread(self.logs)
        self.thread.before_commit = self.check_commit
        self.generation = 0
        #: Every message ever handed on, and those of the present assignment.
        self.messages: list[Any] = []
        self.current: list[Any] = []
        #: Per partition: where the present assignment began to read, and the offsets acknowledged in it.
        self.began: dict[TP, int] = {}
        self.acked: dict[TP, set[int]] = defaultdict(set)
        self.interrupt_after = 0
        self.app = make_app(slice_records=2)
        self.consumer = self.runner.run(self._make())

    async def _make(self) -> Any:
        return make_consumer(self.app, self.thread, self.on_message)

    def teardown(self) -> None:
        try:
            self.finish()
        finally:
            self.runner.close()

    async def on_message(self, message: Any) -> None:
        message.incref()
        self.messages.append(message)
        self.current.append(message)
        if self.interrupt_after:
            self.interrupt_after -= 1
            if not self.interrupt_after:
                self.consumer.stop_flow()

    def check_commit(self, offsets: Mapping[TP, int]) -> None:
        for tp, offset in offsets.items():
            unacked = [o for o in self.logs[tp] if self.began[tp] <= o < offset and o not in self.acked[tp]]
            assert not unacked, f"commit of {offset} passes {unacked} of {tp}"
            assert offset > self.thread.committed.get(tp, -1), "a commit goes back"

    @initialize(tps=st.sets(st.sampled_from(TPS), min_size=1))
    def first_assignment(self, tps: set[TP]) -> None:
        self.reassign(tps, {}, 0, gap=False)

    @rule(tp=st.sampled_from(TPS), steps=st.lists(st.integers(1, 3), min_size=4, max_size=20))
    def produce(self, tp: TP, steps: list[int]) -> None:
        """Steps above 1 leave holes: compaction, control records."""
        for step in steps:
            self.logs[tp].append((self.logs[tp][-1] if self.logs[tp] else -1) + step)

    @rule()
    def read_on(self) -> None:
        self.read(0)

    @rule(interrupt_after=st.sampled_from([0, 0, 0, 0, 0, 1, 2, 3]))
    def read(self, interrupt_after: int) -> None:
        if not any(self.consumer.is_open(tp) for tp in TPS):
            interrupt_after = 0
        self.interrupt_after = interrupt_after
        self.consumer.wake()
        self.runner.run(self._drain())
        interrupted = interrupt_after and not self.interrupt_after
        self.interrupt_after = 0
        if interrupted:
            # What follows every stop of the flow.
            self.reassign(set(self.thread.assigned), {}, 0, gap=False)

    async def _drain(self) -> None:
        # Without an open partition the loop waits for half a second.
        if self.consumer._wanted():
            await self.consumer._drain_once()

    @rule(place=st.integers(0, 30), stale=st.booleans())
    def ack_inlined(self, place: int, stale: bool) -> None:
        self.ack(place, stale, inlined=True)

    @rule(place=st.integers(0, 30), stale=st.booleans(), inlined=st.just(False))
    def ack(self, place: int, stale: bool, inlined: bool) -> None:
        candidates = [m for m in (self.messages if stale else self.current) if not m.acked]
        if not candidates:
            return
        message = candidates[place % len(candidates)]
        if any(message is m for m in self.current):
            batch: RecordBatch = message.value
            self.acked[message.tp].update(r.offset for r in batch.records)
        if inlined:
            # As StreamIterator.after does it in Cython.
            message.refcount = 0
            message.acked = True
            self.consumer._acked_index[message.tp].add(message.offset)
            self.consumer._acked[message.tp].append(message.offset)
        else:
            message.ack(self.consumer)

    @rule(outcome=st.sampled_from([CommitOutcome.DONE, *CommitOutcome]))
    def commit(self, outcome: CommitOutcome) -> None:
        self.thread.outcome = outcome
        self.runner.run(self.consumer.commit())

    @rule(
        tps=st.sets(st.sampled_from(TPS), min_size=1), ahead=st.dictionaries(st.sampled_from(TPS), st.integers(0, 4)),
        leftover=st.integers(0, 3), gap=st.booleans(),
    )
    def reassign(self, tps: set[TP], ahead: dict[TP, int], leftover: int, gap: bool) -> None:
        self.runner.run(self._reassign(tps, ahead, leftover, gap))

    async def _reassign(self, tps: set[TP], ahead: dict[TP, int], leftover: int, gap: bool) -> None:
        consumer, before = self.consumer, self.consumer.epoch
        old = await self.thread.poll(set(tps) or {TPS[0]}, before, 0, None) if leftover else {}
        consumer.stop_flow()
        await consumer.on_partitions_revoked(set(self.thread.assigned))
        # Others own the partitions for a while, and commit.
        for tp, count in ahead.items():
            offsets = [o for o in self.logs[tp] if o >= self.thread.committed.get(tp, 0)][:count]
            if offsets:
                self.thread.committed[tp] = offsets[-1] + 1
        self.generation += 2 if gap else 1
        self.thread.assign(tps)
        self.app.consumer_generation_id = self.generation
        delivered = len(self.messages)
        await consumer.on_partitions_assigned(set(tps), self.generation)
        await self._drain()
        await consumer._hand_on(old, before)
        consumer.resume_partitions(tps)
        await self._drain()
        await consumer.perform_seek()
        await self._drain()
        assert len(self.messages) == delivered, "records were handed on behind a closed gate"
        self._begin()
        consumer.resume_flow()

    @rule()
    def seek_again(self) -> None:
        self.runner.run(self.consumer.perform_seek())
        self._begin()
        self.consumer.resume_flow()

    def _begin(self) -> None:
        self.current = []
        self.acked.clear()
        self.began = {tp: self.thread.committed.get(tp, 0) for tp in TPS}

    @invariant()
    def nothing_failed(self) -> None:
        # A failed assertion of `check_commit` ends up here: the consumer takes it for a refusal of the broker.
        assert self.app.transport.fail.reason is None, repr(self.app.transport.fail.reason)

    @invariant()
    def batches_follow_each_other_without_holes(self) -> None:
        expected = dict(self.began)
        for message in self.current:
            batch: RecordBatch = message.value
            offsets = [r.offset for r in batch.records]
            assert batch.follows == expected[message.tp]
            assert offsets == [o for o in self.logs[message.tp] if batch.follows <= o <= batch.last_offset]
            assert message.offset == batch.last_offset == offsets[-1]
            assert batch.generation_id == message.generation_id == self.generation
            assert len(offsets) <= 2
            expected[message.tp] = batch.last_offset + 1

    @invariant()
    def bytes_in_flight_are_those_of_batches_not_counted_out(self) -> None:
        held = sum(
            m.value.size for tp in TPS for m in self.consumer.inflight.messages(tp) if m.value._given_back is not None
        )
        assert self.consumer.bytes_in_flight == held

    def finish(self) -> None:
        """All read, acknowledged and committed: the committed offset is the end, in one commit."""
        for _ in range(2 + sum(len(log) for log in self.logs.values())):
            self.read(0)
        for message in self.current:
            self.acked[message.tp].update(r.offset for r in message.value.records)
            message.ack(self.consumer)
        self.thread.outcome = CommitOutcome.DONE
        self.runner.run(self.consumer.commit())
        for tp in self.thread.assigned:
            end = self.logs[tp][-1] + 1 if self.logs[tp] else 0
            assert self.thread.committed.get(tp, 0) == end
        assert not any(self.consumer._acked.values())
        assert not any(self.consumer._acked_index.values())


TestBookkeeping = Bookkeeping.TestCase
TestBookkeeping.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
