"""The transport to set on a Faust app, and the app that has it."""

import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import faust
import mode.loop
from faust.transport.drivers.aiokafka import Transport
from yarl import URL

from agents.transport import garbage
from agents.transport.barrier import DeliveryBarrier
from agents.transport.changelog import Recovery
from agents.transport.consumer import BatchConsumer
from agents.transport.failure import CannotStart, FailStop
from agents.transport.options import TransportOptions, recommended_settings
from agents.transport.producer import BarrierProducer
from agents.transport.status import PartitionStatus
from agents.transport.watchdog import Watchdog


class BatchTransport(Transport):
    """Kafka transport that hands agents whole batches and commits only what is delivered.

    Set it before topics are declared: `app.transport = BatchTransport(app.conf.broker_consumer, app)`.
    """

    Consumer: ClassVar[type[Any]] = BatchConsumer
    Producer: ClassVar[type[Any]] = BarrierProducer

    def __init__(
        self, url: list[URL], app: faust.App, *, options: TransportOptions | None = None, **kwargs: Any
    ) -> None:
        super().__init__(url, app, **kwargs)
        self.options = options or TransportOptions()
        #: Topics whose agents get batches; the others get single records.
        self.batch_topics: set[str] = set()
        #: Awaited before partitions are given up, and before the worker stops: flush, then acknowledge.
        self.quiesce_hooks: list[Callable[[], Awaitable[None]]] = []
        session_timeout: float = app.conf.broker_session_timeout
        self.delivery_deadline = self.options.delivery_deadline or 0.8 * session_timeout
        self.quiesce_deadline = self.options.quiesce_deadline or 0.8 * session_timeout
        self.fail = FailStop(app, self.options.exit_grace)
        self.recovery = Recovery(app, self.options, self.fail)
        self.watchdog = Watchdog(max_pause=session_timeout / 2, loop_stall=self.options.loop_stall)

    def create_consumer(self, callback: Any, **kwargs: Any) -> Any:
        """Create the consumer, and watch the event loop from then on."""
        consumer = super().create_consumer(callback, **kwargs)
        if not self.app.client_only:
            self.loop.call_soon(self.watchdog.start, self.loop)
        return consumer

    @property
    def barrier(self) -> DeliveryBarrier:
        """The delivery barrier of the app's producer."""
        barrier: DeliveryBarrier = self.app.producer.barrier
        return barrier

    def on_quiesce(self, hook: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """Have `hook` awaited before partitions are given up, perhaps more than once; usable as a decorator."""
        self.quiesce_hooks.append(hook)
        return hook

    def request_commit(self) -> None:
        """Have what is acknowledged committed soon."""
        self.app.consumer.request_commit()

    async def commit_acked(self) -> bool:
        """Commit what is acknowledged, now; True when it is committed."""
        committed: bool = await self.app.consumer.commit_acked()
        return committed

    def status(self) -> Sequence[PartitionStatus]:
        """Every assigned input partition; empty before the first assignment."""
        consumer = self.app._consumer
        if consumer is None:
            return ()
        partitions: list[PartitionStatus] = consumer.status()
        return partitions

    @property
    def bytes_in_flight(self) -> int:
        """Bytes of batches handed on and not released."""
        consumer = self.app._consumer
        return 0 if consumer is None else int(consumer.bytes_in_flight)

    @property
    def is_ending(self) -> bool:
        """Whether the process ends over a failure; nothing is sent, flushed or committed any more.

        An exception that leaves an agent or a task crashes the app before anything else gets its turn.
        """
        return self.fail.reason is not None or bool(self.app.crashed)

    @property
    def is_ready(self) -> bool:
        """Whether every assigned partition is recovered and its gate open; a worker that got none is ready, too."""
        if self.is_ending or not self.recovery.is_assigned:
            return False
        return all(partition.gate_open for partition in self.status())

    @property
    def is_member(self) -> bool:
        """Whether the group has given this worker its partitions, and can not have given them to another since.

        What it has of them may be shown only while this holds.
        """
        consumer = self.app._consumer
        if consumer is None or not self.recovery.is_assigned:
            return False
        within: bool = consumer.unheard_for() < self.app.conf.broker_session_timeout
        return within

    @property
    def is_live(self) -> bool:
        """Whether the event loop turns; of any thread."""
        return self.watchdog.is_live()


def create_app(
    app_id: str, brokers: str | list[str], *, options: TransportOptions | None = None, **settings: Any
) -> faust.App:
    """Make a Faust app with the transport and the recommended settings; `settings` replace them one by one.

    `brokers` as Faust takes them (`kafka://host:port`); credentials go into Faust's `broker_credentials`.
    """
    settings.setdefault("datadir", str(Path(tempfile.gettempdir()) / f"faust-{app_id}"))
    app = faust.App(app_id, broker=brokers, **{**recommended_settings(), **settings})
    app.transport = BatchTransport(app.conf.broker_consumer, app, options=options)
    return app


def run_worker(
    app: faust.App, *, uvloop: bool = True, collect_garbage: bool = True, **worker_options: Any
) -> NoReturn:
    """Run the app until it is told to stop: exit status 0 after SIGTERM, 1 after any failure, 2 if it cannot start.

    With `collect_garbage` Python's own collector is turned off and each object looked at once (`garbage.py`).
    `worker_options` go to Faust's Worker, as `loglevel` or `logging_config`. Nothing is written to stdout.
    """
    if uvloop:
        mode.loop.use("uvloop")
    if collect_garbage:
        garbage.leave_to_us()
        app.task()(garbage.keep_collecting)
    # The loop and the consumer's thread hand over to each other; at Python's 5 ms each waits for the other too long.
    sys.setswitchinterval(0.001)
    worker_options.setdefault("quiet", True)
    worker_options.setdefault("redirect_stdouts", False)
    worker = app.Worker(**worker_options)
    # It turns on stdout, also where that is no terminal.
    worker.spinner = None
    app.transport.fail.stop = partial(worker._schedule_shutdown, signal.SIGTERM)
    try:
        worker.execute_from_commandline()
    finally:
        if isinstance(app.transport.fail.reason, CannotStart):
            raise SystemExit(app.transport.fail.exit_status)
    raise SystemExit(0)
