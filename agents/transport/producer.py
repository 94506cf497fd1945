"""Faust's producer with idempotence, a delivery barrier, and a flush that means what it says."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any

from faust.transport.drivers.aiokafka import Producer
from faust.types import FutureMessage, HeadersArg, RecordMetadata
from mode import Service

from agents.transport.barrier import DeliveryBarrier
from agents.transport.failure import DeliveryFailed, FailStop
from agents.transport.options import TransportOptions


class BarrierProducer(Producer):
    """One aiokafka producer under Faust's own sends and under `barrier`.

    Stock Faust logs a failed send and commits all the same, and its flush gives up after 100 ms. Here any failed send
    ends the process, and `flush` returns when everything sent before it is on the broker, or raises. Order holds
    within the barrier and within Faust's sends, not across the two: write one target partition by one of them.
    """

    barrier: DeliveryBarrier

    def __post_init__(self) -> None:
        super().__post_init__()
        options: TransportOptions = self.transport.options
        self._fail: FailStop = self.transport.fail
        self._deadline: float = self.transport.delivery_deadline
        #: Sends of Faust's own API that are not delivered yet.
        self._outstanding: set[asyncio.Future[Any]] = set()
        self.barrier = DeliveryBarrier(
            self._ensure_producer,
            self._fail,
            linger=options.linger,
            deadline=self._deadline,
            max_record_bytes=self.app.conf.producer_max_request_size,
            is_ending=lambda: self.transport.is_ending,
        )

    def _settings_extra(self) -> Mapping[str, Any]:
        # With idempotence aiokafka retries without expiry and keeps order, one request in flight per partition;
        # the barrier has the deadline.
        return {"acks": "all", "enable_idempotence": True}

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: HeadersArg | None,
        *,
        transactional_id: str | None = None,
    ) -> Awaitable[RecordMetadata]:
        """Send one record; a failed delivery ends the process."""
        sent: asyncio.Future[RecordMetadata] = await super().send(
            topic, key, value, partition, timestamp, headers, transactional_id=transactional_id
        )
        self._track(sent, topic)
        return sent

    def send_soon(self, fut: FutureMessage) -> None:
        """Buffer a message; it counts as unsent until it is delivered, also while it is between buffer and client."""
        self._track(fut, "the send buffer")
        super().send_soon(fut)

    def _track(self, sent: "asyncio.Future[Any]", where: str) -> None:
        def settled(done: "asyncio.Future[Any]") -> None:
            self._outstanding.discard(done)
            if done.cancelled() or done.exception() is not None:
                error = None if done.cancelled() else done.exception()
                self._fail(DeliveryFailed(f"a record for {where} was not delivered: {error!r}"))

        self._outstanding.add(sent)
        sent.add_done_callback(settled)

    async def flush(self) -> None:
        """Wait until everything sent so far is on the broker.

        Raises: DeliveryFailed when that fails or exceeds the deadline; the process is told to end first.
        """
        if self._producer is None or self.transport.is_ending:
            return
        outstanding = list(self._outstanding)
        if outstanding:
            _, late = await asyncio.wait(outstanding, timeout=self._deadline)
            if late:
                failure = DeliveryFailed(f"{len(late)} records were not delivered within {self._deadline:g} s")
                self._fail(failure)
                raise failure
            for sent in outstanding:
                sent.result()
        await self.barrier.delivered()

    @Service.task
    async def _watch_deliveries(self) -> None:
        while not self.should_stop:
            await self.sleep(1.0)
            self.barrier.check_deadline()
