"""The half of the consumer that acknowledges, waits for work to end, and commits."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from time import monotonic
from typing import Any

from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP, Message
from faust.types.tuples import ack_lock
from mode import Service
from mode.utils.futures import notify

from agents.transport.consumer_thread import BatchConsumerThread, CommitOutcome
from agents.transport.failure import CommitFailed, DeliveryFailed, FailStop, GroupUnheard, QuiesceTimeout
from agents.transport.inflight import InFlight
from agents.transport.options import TransportOptions

logger = logging.getLogger(__name__)

UNHEARD = 1.5
"""Session timeouts without a heartbeat after which the process ends; what it has is shown for one of them only."""


class CommittingConsumer(Consumer):
    """Faust's consumer with its bookkeeping of offsets replaced by `InFlight`.

    An offset is committed when every message before it is acknowledged and everything sent before the commit is
    delivered. Stock Faust's books (`_acked`, `_acked_index`, `_gap`) are emptied and never read.
    """

    _thread: BatchConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.inflight = InFlight()
        self._generation = 0
        #: When the group gave this worker its newest assignment, by the monotonic clock.
        self._joined_at = monotonic()
        self._commit_failing_since: float | None = None
        self._commit_requested = asyncio.Event()
        super().__init__(*args, **kwargs)
        self.options: TransportOptions = self.transport.options
        self.fail: FailStop = self.transport.fail

    def ack(self, message: Message) -> bool:
        """Mark a message as done; that counts only while it is in flight, so a stale one changes nothing."""
        with ack_lock:
            if message.acked:
                return False
            message.acked = True
            self._unacked_messages.discard(message)
            notify(self._waiting_for_ack)
            return True

    # -- what may be committed -----------------------------------------------------------------------------------

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        # The Cython stream iterator fills these without asking; unread, they would only grow.
        self._acked.clear()
        self._acked_index.clear()
        return (tp for tp in self.inflight.partitions() if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        return self.inflight.safe_offset(tp)

    def _should_commit(self, tp: TP, offset: int) -> bool:
        committed = self._committed_offset[tp]
        return committed is None or offset > committed

    def uncommitted(self) -> dict[TP, int]:
        """Offsets that may be committed and are not, per partition."""
        offsets: dict[TP, int] = self._filter_committable_offsets(self.inflight.partitions())
        return offsets

    def committed(self, tp: TP) -> int | None:
        """The offset committed of the partition, as far as this consumer knows; None: none."""
        offset: int | None = self._committed_offset[tp]
        return offset

    # -- committing ----------------------------------------------------------------------------------------------

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        if self.transport.is_ending:
            return False
        generation = self._generation
        try:
            await self.app.producer.flush()
        except DeliveryFailed:
            return False
        try:
            outcome = await self._thread.commit_offsets(offsets, generation, self.options.commit_timeout)
        except Exception as error:
            self.fail(CommitFailed(f"offsets were not committed: {error!r}"))
            return False
        if outcome is not CommitOutcome.DONE:
            self._note_failed_commit(outcome)
            return False
        self._commit_failing_since = None
        self._committed_offset.update(offsets)
        self.app.tables.on_commit(offsets)
        self.app.monitor.on_tp_commit(offsets)
        return True

    def _note_failed_commit(self, outcome: CommitOutcome) -> None:
        now = monotonic()
        if self._commit_failing_since is None:
            self._commit_failing_since = now
            logger.warning("Offsets were not committed (%s); the next tick tries again", outcome.value)
        elif now - self._commit_failing_since > self.options.commit_deadline:
            self.fail(CommitFailed(f"no offset could be committed for {self.options.commit_deadline:g} s"))

    async def commit_acked(self) -> bool:
        """Commit all that is acknowledged now, at once; True when it is committed."""
        # A commit that is under way may have begun before the newest acknowledgements.
        for _ in range(3):
            if not self.uncommitted():
                return True
            await self.commit()
        return not self.uncommitted()

    def request_commit(self) -> None:
        """Have acknowledged batches committed soon, without waiting for the commit interval or for the commit."""
        self._commit_requested.set()

    def unheard_for(self) -> float:
        """Seconds since the group's coordinator last said that this worker belongs to the group."""
        return monotonic() - max(self._joined_at, self._thread.heard_at)

    @Service.task
    async def _end_when_unheard(self) -> None:
        # Within a rebalance nobody owns anything, and nobody has a heartbeat.
        session: float = self.app.conf.broker_session_timeout
        while not self.should_stop:
            await self.sleep(0.5)
            unheard = self.unheard_for()
            if self.transport.recovery.is_assigned and unheard > UNHEARD * session:
                self.fail(GroupUnheard(f"the group has not answered for {unheard:.1f} s, longer than {session:g} s"))

    @Service.task
    async def _commit_on_request(self) -> None:
        while not self.should_stop:
            await self.wait_first(self._commit_requested.wait())
            self._commit_requested.clear()
            if not self.should_stop:
                await self.commit_acked()

    # -- before partitions are given up --------------------------------------------------------------------------

    async def wait_empty(self) -> None:
        """Have the worker flush, wait until what agents began is acknowledged, and commit it, within a deadline."""
        deadline = monotonic() + self.transport.quiesce_deadline
        while not (self.should_stop or self.transport.is_ending):
            try:
                async with asyncio.timeout(max(deadline - monotonic(), 0.01)):
                    for hook in self.transport.quiesce_hooks:
                        await hook()
                    await self.commit_acked()
            except TimeoutError:
                self.fail(QuiesceTimeout(f"flushing took longer than {self.transport.quiesce_deadline:g} s"))
                return
            except Exception as error:
                self.fail(error)
                return
            self._clean_unacked_messages()
            if not self._unacked_messages:
                break
            if monotonic() > deadline:
                self.fail(QuiesceTimeout(f"{len(self._unacked_messages)} batches were still in work"))
                return
            await asyncio.sleep(0.02)
        await self.commit_and_end_transactions()
        left = self.uncommitted()
        if left:
            logger.warning("Not committed, and read again by the next owner: %s", left)

    def _clean_unacked_messages(self) -> None:
        for message in [message for message in self._unacked_messages if message.acked]:
            self._unacked_messages.discard(message)
