"""Faust's consumer, handing on slices of fetched records: the half that reads, and the gate before it."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

from aiokafka.errors import IllegalStateError
from faust.exceptions import ConsumerNotStarted
from faust.types import TP, ConsumerMessage

from agents.transport.committing import CommittingConsumer
from agents.transport.consumer_thread import BatchConsumerThread
from agents.transport.failure import LogRewound, TransportFailure
from agents.transport.records import RecordBatch, slices
from agents.transport.status import PartitionStatus

logger = logging.getLogger(__name__)


class BatchConsumer(CommittingConsumer):
    """Consumer of whole batches.

    `epoch` counts the moments after which records already fetched must not be handed on: revocation, assignment, a
    stop of the flow, a seek. Each of them is followed by a seek of all partitions or by the end, so nothing is lost
    by dropping what was fetched before; and nothing else may drop records.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.epoch = 0
        self.bytes_in_flight = 0
        #: When the drain loop last turned, by the monotonic clock.
        self.drained_at = monotonic()
        #: Set by `perform_seek`, then by `resume_flow`: the two halves of the gate for input.
        self._sought = False
        self._flow_open = False
        #: Next offset to hand on, per partition that was sought.
        self._expected: dict[TP, int] = {}
        #: Gaps whose cause is not looked up yet, per partition: where expected, where found.
        self._gaps: dict[TP, list[tuple[int, int]]] = {}
        self._lost_to_retention: dict[TP, int] = {}
        #: The poll under way while records are handed on, and its epoch.
        self._ahead: tuple[int, asyncio.Task[Mapping[TP, Sequence[Any]]]] | None = None
        self._wake = asyncio.Event()
        super().__init__(*args, **kwargs)
        self._batch_topics: set[str] = self.transport.batch_topics

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # -- the gate ------------------------------------------------------------------------------------------------

    def is_open(self, tp: TP) -> bool:
        """Whether records of the partition are handed on: sought, flowing, and its changelogs recovered."""
        return self._flow_open and tp in self._expected and bool(self.transport.recovery.is_recovered(tp))

    def _close_gate(self) -> None:
        self.epoch += 1
        self._sought = False
        self._flow_open = False

    def _forget(self) -> None:
        self.inflight.clear()
        self._expected.clear()
        self._gaps.clear()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Close the gate, let what is in work end and commit it, then forget what was in flight."""
        self._close_gate()
        await super().on_partitions_revoked(revoked)
        self.transport.recovery.revoked()
        self._forget()
        # What was not acknowledged by now belongs to the next owner; it must not hold up a later rebalance.
        self._unacked_messages.clear()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Close the gate, start recovering changelogs, and let Faust seek and resume."""
        self._close_gate()
        self._forget()
        self._generation = generation_id
        self._joined_at = monotonic()
        self._commit_failing_since = None
        # First, so that Faust cannot open its half of the gate before the other half is closed.
        self.transport.recovery.assigned(assigned, generation_id)
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Seek all partitions to where reading goes on; the gate opens only after this has ended."""
        self._close_gate()
        epoch = self.epoch
        self._forget()
        try:
            async with asyncio.timeout(self.app.conf.broker_request_timeout * 0.9):
                positions = await self._thread.seek_positions()
        except TimeoutError:
            self.fail(TransportFailure("the committed offsets could not be read in time"))
            return
        if epoch != self.epoch:
            return
        for tp, sought in positions.items():
            self._expected[tp] = sought.position
            self._committed_offset[tp] = sought.committed
            self._read_offset[tp] = sought.position or None
        self._sought = True

    def stop_flow(self) -> None:
        """Block the consumer; what is fetched is dropped, since a seek or the end follows."""
        super().stop_flow()
        self._close_gate()

    def resume_flow(self) -> None:
        """Called right after the queues were cleared: the last step before input may flow."""
        super().resume_flow()
        self._flow_open = self._sought
        self.wake()

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Allow these partitions to be fetched."""
        super().resume_partitions(tps)
        self.wake()

    def on_buffer_drop(self, tp: TP) -> None:
        """Called when the queue of the partition's stream has room again."""
        super().on_buffer_drop(tp)
        self.wake()

    def wake(self) -> None:
        """Let the drain loop look again which partitions it may ask for."""
        self._wake.set()

    # -- reading -------------------------------------------------------------------------------------------------

    async def _drain_messages(self, fetcher: Any) -> None:
        if self.app.client_only:
            await super()._drain_messages(fetcher)
            return
        try:
            while not (self.should_stop or fetcher.should_stop):
                await self._drain_once()
        except (asyncio.CancelledError, *self.consumer_stopped_errors):
            if self.app.should_stop or fetcher.should_stop:
                # Faust's fetcher would take it for a restart in a rebalance, which crashes it.
                return
            # A cancelled drain loop may have dropped records; that is sound only if the end follows.
            self.fail(TransportFailure("reading was cancelled while the worker runs"))
            raise
        except Exception as error:
            self.fail(error)
            raise

    async def _drain_once(self) -> None:
        self.drained_at = monotonic()
        self._wake.clear()
        wanted = self._wanted()
        # aiokafka takes an empty set for "all partitions".
        if not wanted or self.bytes_in_flight >= self.options.max_bytes_in_flight:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), 0.5)
            return
        epoch = self.epoch
        records = await (self._take_ahead(epoch) or self._poll(wanted, epoch))
        if records:
            # The thread unpacks the next records while these are handed on.
            if epoch == self.epoch and self.bytes_in_flight < self.options.max_bytes_in_flight:
                self._ahead = epoch, asyncio.ensure_future(self._poll(wanted, epoch))
            await self._hand_on(records, epoch)

    def _poll(self, wanted: set[TP], epoch: int) -> Coroutine[Any, Any, Mapping[TP, Sequence[Any]]]:
        most: int | None = self.app.conf.broker_max_poll_records
        return self._thread.poll(wanted, epoch, self.options.poll_wait, most)

    def _take_ahead(self, epoch: int) -> "asyncio.Task[Mapping[TP, Sequence[Any]]] | None":
        """The poll begun while the last records were handed on, if it is of this epoch."""
        if self._ahead is None:
            return None
        (of_epoch, task), self._ahead = self._ahead, None
        if of_epoch == epoch:
            return task
        # Its records are dropped, as the epoch says; an error is none the less one.
        task.add_done_callback(self._dropped)
        return None

    def _dropped(self, task: "asyncio.Task[Mapping[TP, Sequence[Any]]]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, self.consumer_stopped_errors):
            self.fail(error)

    def _wanted(self) -> set[TP]:
        if not self.flow_active:
            return set()
        active: set[TP] = self._get_active_partitions()
        changelogs: set[str] = self.app.tables.changelog_topics
        return {tp for tp in active if tp.topic in changelogs or self.is_open(tp)}

    async def _hand_on(self, records: Mapping[TP, Sequence[Any]], epoch: int) -> None:
        """Hand on the records slice by slice, the partitions taking turns, while the epoch lasts."""
        turns: dict[TP, Iterator[tuple[Sequence[Any], int]]] = {}
        for tp, of_tp in records.items():
            max_records = self.options.slice_records if tp.topic in self._batch_topics else 1
            turns[tp] = slices(of_tp, max_records, self.options.slice_bytes)
            if epoch == self.epoch:
                self._track_end(tp)
        while turns:
            for tp in list(turns):
                part = next(turns[tp], None)
                if part is None:
                    del turns[tp]
                    continue
                if epoch != self.epoch or not self.flow_active or self.should_stop:
                    return
                message = self._enter(tp, *part)
                await self._deliver(message)

    async def _deliver(self, message: ConsumerMessage) -> None:
        """Put a message into its stream's queue, or give up when the flow is suspended."""
        delivery = asyncio.ensure_future(self.callback(message))
        await asyncio.sleep(0)
        if not delivery.done():
            # The queue is full, or the producer's buffer is.
            await self.wait_first(delivery, self.suspend_flow.wait())
        elif not delivery.cancelled():
            delivery.result()

    def _enter(self, tp: TP, records: Sequence[Any], size: int) -> ConsumerMessage:
        """Make the message of a slice and enter it into the account, before anyone can acknowledge it."""
        first, last = records[0].offset, records[-1].offset
        if tp.topic in self.app.tables.changelog_topics:
            self._read_offset[tp] = last
            return self._to_message(tp, records[0])
        follows = self._expected[tp]
        if first < follows:
            raise LogRewound(f"{tp.topic}-{tp.partition} gave offset {first} where {follows} was expected")
        if first > follows:
            self._note_gap(tp, follows, first)
        if tp.topic in self._batch_topics:
            message = self._batch_message(tp, records, size, follows)
        else:
            message = self._to_message(tp, records[0])
        self._expected[tp] = last + 1
        self._read_offset[tp] = last
        if self.app.topics.acks_enabled_for(tp.topic):
            self.inflight.deliver(tp, message)
        return message

    def _batch_message(self, tp: TP, records: Sequence[Any], size: int, follows: int) -> ConsumerMessage:
        first, last = records[0], records[-1]
        batch = RecordBatch(
            tp.topic, tp.partition, self._generation, first.offset, last.offset, follows, records, size,
            self._given_back,
        )
        self.bytes_in_flight += size
        return ConsumerMessage(
            tp.topic, tp.partition, last.offset, (last.timestamp or 0) / 1000, last.timestamp_type, (), None, batch,
            None, 0, size, tp, generation_id=self._generation,
        )

    def _given_back(self, size: int) -> None:
        self.bytes_in_flight -= size
        self.wake()

    # -- what it tells -------------------------------------------------------------------------------------------

    def _end(self, tp: TP) -> int | None:
        try:
            end: int | None = self.highwater(tp)
        except IllegalStateError:
            return None  # No longer assigned: a rebalance is under way.
        return end

    def _track_end(self, tp: TP) -> None:
        end = self._end(tp)
        if end is not None:
            self.app.monitor.track_tp_end_offset(tp, end)

    def _note_gap(self, tp: TP, follows: int, first: int) -> None:
        """Offsets without records: compaction and control records are no loss, retention is; ask the broker which."""
        gaps = self._gaps.setdefault(tp, [])
        gaps.append((follows, first))
        if len(gaps) == 1:
            self.add_future(self._look_into_gaps(tp, gaps))

    async def _look_into_gaps(self, tp: TP, gaps: list[tuple[int, int]]) -> None:
        starts = await self.earliest_offsets(tp)
        start = next(iter(starts.values()))
        lost = sum(max(min(first, start) - follows, 0) for follows, first in gaps)
        gaps.clear()
        if lost:
            self._lost_to_retention[tp] = self._lost_to_retention.get(tp, 0) + lost
            logger.error("%s-%d: %d offsets left the log before they were read", tp.topic, tp.partition, lost)

    def status(self) -> list[PartitionStatus]:
        """Every assigned input partition, now; of any thread."""
        changelogs: set[str] = self.app.tables.changelog_topics
        try:
            assigned = self.assignment()
        except ConsumerNotStarted:
            return []
        return [self._status(tp) for tp in sorted(assigned) if tp.topic not in changelogs]

    def _status(self, tp: TP) -> PartitionStatus:
        messages = self.inflight.messages(tp)
        batches = [message.value for message in messages if isinstance(message.value, RecordBatch)]
        position, end = self._expected.get(tp), self._end(tp)
        return PartitionStatus(
            topic=tp.topic,
            partition=tp.partition,
            recovering=not self.transport.recovery.is_recovered(tp),
            gate_open=self.is_open(tp),
            position=position,
            acknowledged=self.inflight.safe_offset(tp),
            committed=self.committed(tp),
            end=end,
            lag=None if end is None or position is None else max(end - position, 0),
            batches_in_flight=len(messages),
            records_in_flight=sum(len(batch) for batch in batches),
            bytes_in_flight=sum(batch.size for batch in batches if batch.records),
            lost_to_retention=self._lost_to_retention.get(tp, 0),
        )
