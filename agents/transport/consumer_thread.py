"""The thread in which aiokafka's consumer runs, with polls that a seek can wait for and commits that tell."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from time import monotonic
from typing import Any

import aiokafka
from aiokafka.errors import CommitFailedError, IllegalGenerationError, KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.consumer import ensure_TP
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, ensure_aiokafka_TP
from faust.types import TP

from agents.transport.options import TransportOptions, client_options
from agents.transport.stopping import stop_consumer


class CommitOutcome(Enum):
    """What became of an attempt to commit."""

    DONE = "done"
    #: The group has moved on; whoever owns the partitions reads the batches again.
    REFUSED = "refused"
    #: The broker could not just now; try again.
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class SoughtPosition:
    """Where a partition was sought to."""

    #: None when the group never committed an offset of the partition.
    committed: int | None
    position: int
    #: First offset still in the log.
    log_start: int


class BatchConsumerThread(AIOKafkaConsumerThread):
    """Faust's consumer thread; the methods ending in `_in_thread` run on the thread's own event loop."""

    _polls: int = 0
    _seeks: int = 0
    #: When the group's coordinator last said that this worker belongs to the group, by the monotonic clock.
    heard_at: float = 0.0

    def _stopped_set(self) -> None:
        # Told to end twice, as a child and by the consumer, the thread may have closed its loop in between.
        if not self.thread_loop.is_closed():
            with suppress(RuntimeError):
                super()._stopped_set()

    async def on_thread_stop(self) -> None:
        """Stop taking calls, then the consumer."""
        # Past Faust's own, after whose failure nobody would hear that the thread is gone.
        await super(AIOKafkaConsumerThread, self).on_thread_stop()
        if self._consumer is not None:
            await stop_consumer(self._consumer)

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        conf = self.app.conf
        options: TransportOptions = transport.options
        # Faust's own assignor, with or without tables: it keeps topics of equal partition counts together, and
        # partitions where they were.
        self._assignor = self.app.assignor
        return aiokafka.AIOKafkaConsumer(
            **client_options(self.app),
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset=conf.consumer_auto_offset_reset,
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=int((conf.broker_max_poll_interval or 0) * 1000),
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            fetch_max_wait_ms=int(options.fetch_wait * 1000),
            check_crcs=conf.broker_check_crcs,
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            isolation_level="read_committed" if self.consumer.in_transaction else "read_uncommitted",
            metadata_max_age_ms=conf.consumer_metadata_max_age_ms,
            connections_max_idle_ms=conf.consumer_connections_max_idle_ms,
        )

    async def poll(self, tps: set[TP], epoch: int, timeout: float, max_records: int | None) -> Mapping[TP, list[Any]]:
        """Fetched records of these partitions; nothing if the consumer has moved on to another epoch."""
        polled: Mapping[TP, list[Any]] = await self.call_thread(
            self._poll_in_thread, tps, epoch, timeout, max_records
        )
        return polled

    async def _poll_in_thread(
        self, tps: set[TP], epoch: int, timeout: float, max_records: int | None
    ) -> Mapping[TP, list[Any]]:
        # A poll begun before a rebalance would take records of the new assignment that nobody hands on.
        if self.consumer.epoch != epoch or self._seeks:
            return {}
        self._listen()
        self._polls += 1
        try:
            records: Mapping[Any, list[Any]] = await self._fetch_records(
                self._ensure_consumer(), tps, timeout=timeout, max_records=max_records
            )
        finally:
            self._polls -= 1
        return {ensure_TP(tp): of_tp for tp, of_tp in records.items()}

    def _listen(self) -> None:
        """Note every heartbeat that the group's coordinator takes from this worker."""
        coordinator = self._ensure_consumer()._coordinator
        if "_do_heartbeat" in vars(coordinator):
            return
        beat = coordinator._do_heartbeat

        async def noted() -> Any:
            sent_at = monotonic()
            taken = await beat()
            if taken:
                self.heard_at = sent_at
            return taken

        coordinator._do_heartbeat = noted

    async def seek_positions(self) -> dict[TP, SoughtPosition]:
        """Seek every assigned partition to where reading goes on, and tell where that is."""
        positions: dict[TP, SoughtPosition] = await self.call_thread(self._seek_positions_in_thread)
        return positions

    async def _seek_positions_in_thread(self) -> dict[TP, SoughtPosition]:
        consumer = self._ensure_consumer()
        self._listen()
        self._seeks += 1
        try:
            # aiokafka seeks nothing without a committed offset, so records taken by a poll that is still under way
            # would be missing for this whole assignment: let it end, then seek every partition, explicitly.
            while self._polls:
                await asyncio.sleep(0.005)
            tps = list(consumer.assignment())
            if not tps:
                return {}
            committed = await asyncio.gather(*(consumer.committed(tp) for tp in tps))
            starts = await consumer.beginning_offsets(tps)
            ends = starts
            if self.app.conf.consumer_auto_offset_reset == "latest":
                ends = await consumer.end_offsets(tps)
            positions = {}
            for tp, offset in zip(tps, committed, strict=True):
                position = ends[tp] if offset is None else max(offset, 0)
                consumer.seek(tp, position)
                positions[ensure_TP(tp)] = SoughtPosition(offset, position, starts[tp])
            return positions
        finally:
            self._seeks -= 1

    async def commit_offsets(self, offsets: Mapping[TP, int], generation: int, timeout: float) -> CommitOutcome:
        """Commit, if the group's generation is still this one.

        Raises: what cannot be mended by trying again, such as a missing permission.
        """
        outcome: CommitOutcome = await self.call_thread(self._commit_in_thread, offsets, generation, timeout)
        return outcome

    async def _commit_in_thread(self, offsets: Mapping[TP, int], generation: int, timeout: float) -> CommitOutcome:
        # aiokafka stamps a commit with the generation of the moment, so an old one would pass as a new one.
        if self.app.consumer_generation_id != generation:
            return CommitOutcome.REFUSED
        consumer = self._ensure_consumer()
        commit_as_member_only(consumer._coordinator)
        assigned = self.assignment()
        of_ours = {ensure_aiokafka_TP(tp): OffsetAndMetadata(o, "") for tp, o in offsets.items() if tp in assigned}
        if len(of_ours) < len(offsets):
            return CommitOutcome.REFUSED
        try:
            await asyncio.wait_for(consumer.commit(of_ours), timeout)
        except CommitFailedError:
            return CommitOutcome.REFUSED
        except TimeoutError:
            return CommitOutcome.RETRY
        except KafkaError as error:
            if error.retriable:
                return CommitOutcome.RETRY
            raise
        return CommitOutcome.DONE


def commit_as_member_only(coordinator: Any) -> None:
    """Have aiokafka's group coordinator refuse a commit while it belongs to no generation.

    One that was expelled forgets its generation first and has its partitions revoked after that, and Kafka takes a
    commit without a generation for one of a consumer without a group: it holds, if the group has no member just then.
    """
    if "_do_commit_offsets" in vars(coordinator):
        return
    commit = coordinator._do_commit_offsets

    async def commit_as_member(assignment: Any, offsets: Any) -> None:
        # Up to the request nothing is awaited in `commit`.
        if coordinator.generation < 0:
            raise IllegalGenerationError(coordinator.group_id)
        await commit(assignment, offsets)

    coordinator._do_commit_offsets = commit_as_member
