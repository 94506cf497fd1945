"""The delivery barrier: what was sent on behalf of a source partition, and whether the broker has it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from time import monotonic
from typing import Any, Protocol

from faust.types import TP

from agents.transport.failure import DeliveryFailed

#: Key, value: None as value is a tombstone.
KeyValue = tuple[bytes | None, bytes | None]
Headers = Sequence[tuple[str, bytes]]

#: Kafka's own bytes of a record are fewer than this (lengths, offset and time differences).
_RECORD_OVERHEAD = 64


class BatchClient(Protocol):
    """The part of aiokafka's producer that the barrier uses."""

    def create_batch(self) -> Any: ...

    def send_batch(self, batch: Any, topic: str, *, partition: int) -> Awaitable["asyncio.Future[Any]"]: ...


class _Lane:
    """Batches on their way to one target partition, in order, numbered from 1."""

    __slots__ = (
        "deliveries", "filling", "filling_bytes", "next_offset", "partition", "pump", "sealed", "sent_at", "started",
        "topic", "waiting",
    )

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        #: The batch that records go into, and its bytes.
        self.filling: Any = None
        self.filling_bytes = 0
        #: Where the next batch lies if nobody else writes here; None: not known.
        self.next_offset: int | None = None
        #: Closed batches not yet taken over by the client, with their bytes.
        self.sealed: deque[tuple[Any, int]] = deque()
        #: Batches begun, and batches that the broker has.
        self.started = 0
        self.deliveries = 0
        #: When each undelivered sealed batch was sealed, and its bytes.
        self.sent_at: deque[tuple[float, int]] = deque()
        self.waiting: list[tuple[int, asyncio.Future[None]]] = []
        self.pump: asyncio.Task[None] | None = None


class DeliveryBarrier:
    """Sends records in batches and tells when all that was sent for a source partition is delivered.

    Per target partition the order of `send` is the order in the log. Nothing is awaited per record: `send` appends
    to the open batch of the target. A failed delivery, or one that takes longer than the deadline, calls `fail`, and
    every `delivered` raises DeliveryFailed from then on. One event loop; not thread safe.

    Once `is_ending` says that the process ends over a failure, nothing more is taken: an exception may have left a
    batch half in the state, and a flush that comes before the end would make that the state.
    """

    def __init__(
        self, client: Callable[[], BatchClient], fail: Callable[[BaseException], None],
        *, linger: float, deadline: float, max_record_bytes: int, is_ending: Callable[[], bool] = lambda: False,
    ) -> None:
        self._client = client
        self._fail = fail
        self._linger = linger
        self._deadline = deadline
        self._max_record_bytes = max_record_bytes
        self._is_ending = is_ending
        self._lanes: dict[tuple[str, int], _Lane] = {}
        #: Per source, the last batch of each lane that holds a record of it.
        self._marks: dict[TP, dict[_Lane, int]] = {}
        self._failure: DeliveryFailed | None = None
        #: By topic, who is told of offsets that another producer wrote between two batches of ours: topic, partition,
        #: first, end.
        self.on_others: dict[str, Callable[[str, int, int, int], None]] = {}
        #: Bytes and records sent and not yet delivered are gauges; the total is a counter.
        self.bytes_pending = 0
        self.records_sent = 0

    def send(
        self, source: TP, topic: str, partition: int, key: bytes | None, value: bytes | None,
        headers: Headers | None = None,
    ) -> None:
        """Send one record on behalf of a source partition.

        Raises: ValueError when the record is larger than the largest request; DeliveryFailed after a failure.
        """
        # aiokafka's record builder takes a list and nothing else.
        self._append(source, topic, partition, ((key, value),), list(headers or ()))

    def send_many(self, source: TP, topic: str, partition: int, records: Iterable[KeyValue]) -> None:
        """Send records to one partition, in order, on behalf of a source partition; raises as `send`."""
        self._append(source, topic, partition, records, [])

    def _append(
        self, source: TP, topic: str, partition: int, records: Iterable[KeyValue],
        headers: list[tuple[str, bytes]],
    ) -> None:
        self._check()
        lane = self._lanes.get((topic, partition))
        if lane is None:
            lane = self._lanes[topic, partition] = _Lane(topic, partition)
        limit = self._max_record_bytes - _RECORD_OVERHEAD - sum(len(n) + len(v or b"") + 10 for n, v in headers)
        batch = lane.filling
        count = 0
        try:
            for key, value in records:
                size = (len(key) if key else 0) + (len(value) if value else 0)
                if size > limit:
                    raise ValueError(f"a record for {topic} is {size} bytes: at most {limit} fit a request")
                if batch is None:
                    batch = self._begin(lane)
                if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                    self._seal(lane)
                    batch = self._begin(lane)
                    # An empty batch takes a record of any size.
                    batch.append(timestamp=None, key=key, value=value, headers=headers)
                lane.filling_bytes += size
                count += 1
        finally:
            if count:
                self.records_sent += count
                self._marks.setdefault(source, {})[lane] = lane.started

    async def delivered(self, *sources: TP) -> None:
        """Wait until everything sent so far for these source partitions is on the broker; none given: for all.

        Raises: DeliveryFailed, after the process was told to end.
        """
        marks = [self._marks.get(source, {}) for source in sources] if sources else list(self._marks.values())
        wanted: dict[_Lane, int] = {}
        for of_source in marks:
            for lane, mark in of_source.items():
                if mark > lane.deliveries:
                    wanted[lane] = max(mark, wanted.get(lane, 0))
        self._check()
        if not wanted:
            return
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[None]] = []
        for lane, mark in wanted.items():
            if lane.filling is not None and mark == lane.started:
                self._seal(lane)
            future: asyncio.Future[None] = loop.create_future()
            lane.waiting.append((mark, future))
            futures.append(future)
        try:
            async with asyncio.timeout(self._deadline):
                await asyncio.gather(*futures)
        except TimeoutError:
            raise self._give_up(f"records were not delivered within {self._deadline:g} s") from None

    def forget_place(self, topic: str, partition: int) -> None:
        """Others may have written to the partition up to now, as owners before us: that is nothing to be told of."""
        lane = self._lanes.get((topic, partition))
        if lane is not None:
            lane.next_offset = None

    def check_deadline(self) -> None:
        """Fail if the oldest undelivered batch is older than the deadline; to be called about once a second."""
        oldest = min((lane.sent_at[0][0] for lane in self._lanes.values() if lane.sent_at), default=None)
        if oldest is not None and self._failure is None and monotonic() - oldest > self._deadline:
            self._give_up(f"records were not delivered within {self._deadline:g} s")

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._is_ending():
            raise DeliveryFailed("nothing is sent any more: the process ends over a failure")

    def _begin(self, lane: _Lane) -> Any:
        lane.filling = self._client().create_batch()
        lane.started += 1
        asyncio.get_running_loop().call_later(self._linger, self._linger_over, lane, lane.started)
        return lane.filling

    def _linger_over(self, lane: _Lane, number: int) -> None:
        if lane.filling is not None and lane.started == number:
            self._seal(lane)

    def _seal(self, lane: _Lane) -> None:
        batch, size = lane.filling, lane.filling_bytes
        # A closed batch is not held back by the client's own linger.
        batch.close()
        lane.filling = None
        lane.filling_bytes = 0
        lane.sealed.append((batch, size))
        lane.sent_at.append((monotonic(), size))
        self.bytes_pending += size
        if lane.pump is None:
            lane.pump = asyncio.get_running_loop().create_task(self._pump(lane))

    async def _pump(self, lane: _Lane) -> None:
        try:
            client = self._client()
            while lane.sealed:
                batch, _ = lane.sealed[0]
                count = batch.record_count()
                # Returns when the batch before it has left the client's queue: order is kept, and the queue is short.
                future = await client.send_batch(batch, lane.topic, partition=lane.partition)
                lane.sealed.popleft()
                future.add_done_callback(partial(self._settled, lane, count))
        except Exception as error:
            self._give_up(f"{lane.topic}-{lane.partition}: {error!r}")
        finally:
            lane.pump = None

    def _settled(self, lane: _Lane, count: int, future: "asyncio.Future[Any]") -> None:
        error = asyncio.CancelledError() if future.cancelled() else future.exception()
        if error is not None:
            self._give_up(f"{lane.topic}-{lane.partition}: {error!r}")
            return
        self._note_place(lane, future.result(), count)
        lane.deliveries += 1
        _, size = lane.sent_at.popleft()
        self.bytes_pending -= size
        still: list[tuple[int, asyncio.Future[None]]] = []
        for mark, waiter in lane.waiting:
            if mark > lane.deliveries:
                still.append((mark, waiter))
            elif not waiter.done():
                waiter.set_result(None)
        lane.waiting = still

    def _note_place(self, lane: _Lane, delivered: Any, count: int) -> None:
        # A batch that was sent twice is told of without its offset.
        first: int = getattr(delivered, "offset", -1)
        expected, lane.next_offset = lane.next_offset, None if first < 0 else first + count
        if expected is not None and first > expected and lane.topic in self.on_others:
            self.on_others[lane.topic](lane.topic, lane.partition, expected, first)

    def _give_up(self, reason: str) -> DeliveryFailed:
        if self._failure is None:
            self._failure = DeliveryFailed(reason)
            self._fail(self._failure)
            for lane in self._lanes.values():
                for _, waiter in lane.waiting:
                    if not waiter.done():
                        waiter.set_exception(self._failure)
                        waiter.exception()  # Seen: `delivered` may have timed out and gone.
                lane.waiting = []
        return self._failure
