"""A trial: broker, topics, worker and a replay on this machine, started in this order and ended in the other."""

import fcntl
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from kafka import KafkaConsumer, TopicPartition

from agents.kafka_clients import kafka_python_options
from agents.topics import ensure_topics
from agents.trial.acts import Act
from agents.trial.broker import HOST, EmbeddedBroker
from agents.trial.pace import TrialPacer
from agents.trial.pages import PageWatcher, Seen
from agents.trial.playing import BackgroundReplay
from agents.trial.ports import free_port
from agents.trial.stories import Story
from agents.trial.summary import Feed
from agents.trial.watching import Watching
from agents.trial.worker_process import WorkerProcess
from config.settings import Settings, load
from streams.report.wording import plural


class TrialFault(Exception):
    """The trial cannot start or go on; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class TrialOptions:
    """What a visitor may choose. `speed` as in `Pace`; `folder` takes records, state and logs."""

    folder: Path
    web_port: int
    broker_port: int
    keep: bool = False


class Trial:
    """Everything that runs from `start` to `stop`.

    Args:
        story: what is played.
        options: ports and folder; another port is taken, and told, when one is not free.
        tell: takes sentences for the visitor, one at a time.
        on_act: takes each act when it shows, in a thread of its own.
    """

    def __init__(
        self, story: Story, options: TrialOptions, tell: Callable[[str], None],
        on_act: Callable[[Act], None] = lambda act: None,
    ) -> None:
        self.story = story
        self._options = options
        self._tell = tell
        self._watching = Watching(story, lambda: None if self._replay is None else self._replay.sent, on_act)
        self._lock: IO[str] | None = None
        self._broker: EmbeddedBroker | None = None
        self._worker: WorkerProcess | None = None
        self._replay: BackgroundReplay | None = None
        self._pages: PageWatcher | None = None
        self.web = ""
        self.brokers = ""

    def start(self) -> None:
        """Start all of it; the worker gets ready meanwhile. What was started is ended by `stop`, also after a fault.

        Raises: TrialFault, BrokerNotStarted, BrokerUnreachable, DataNotFound.
        """
        folder = self._take_folder()
        self._broker = EmbeddedBroker(self._options.broker_port, folder / "broker")
        self.brokers = self._broker.start()
        self._tell_of_port("the broker", self._options.broker_port, int(self.brokers.rpartition(":")[2]))
        self._tell(f"broker      {self.brokers} (embedded; its log: {folder / 'broker' / 'broker.log'})")
        web_port = free_port(self._options.web_port, HOST)
        self._tell_of_port("the worker's pages", self._options.web_port, web_port)
        self.web = f"http://{HOST}:{web_port}"
        environment = {
            "KAFKA_BROKERS": self.brokers,
            "NETGROWTH_WEB_BIND": HOST,
            "NETGROWTH_WEB_PORT": str(web_port),
            "NETGROWTH_DEFINITIONS": str(self.story.definitions),
            "NETGROWTH_NOTICE": self.story.notice,
            "NETGROWTH_PARTITIONS": str(self.story.partitions),
            # The ledger is days ahead of the detectors while the past is read; by the hour they would learn another.
            "NETGROWTH_KEEP_MINUTES": "30d",
        }
        settings = load(environment)
        states = ensure_topics(settings)
        if states.faults or states.missing:
            raise TrialFault("\n".join(states.faults) or f"these topics could not be created: {states.missing}")
        self._tell(f"topics      {len(states.created)} created, {len(states.existing)} there already")
        log = folder / "worker.log"
        program = "agents.trial.embedded_worker"
        self._worker = WorkerProcess(environment, log, program=program, inherit_settings=False)
        self._worker.start()
        self._tell(f"worker      process {self._worker.pid}, its log: {log}")
        self._pages = PageWatcher(self.web, self._watching.look)
        self._pages.start()
        self._replay = self._make_replay(settings)
        self._replay.start()
        self._tell(f"data        {self.story.credit}")

    def stop(self) -> None:
        """End replay, worker and broker, in this order; safe to call twice and after a start that failed."""
        if self._pages is not None:
            self._pages.stop()
        try:
            if self._replay is not None:
                self._replay.stop(timeout_s=5.0)
        finally:
            try:
                if self._worker is not None:
                    self._worker.stop()
            finally:
                if self._broker is not None:
                    self._broker.stop()
                if self._lock is not None:
                    self._lock.close()
                    self._lock = None

    def kill(self) -> None:
        """Make a `stop` that is under way a short one."""
        if self._worker is not None:
            self._worker.kill()
        if self._broker is not None:
            self._broker.kill()

    def check(self) -> None:
        """Raises: TrialFault when a part of the trial has ended by itself."""
        if self._worker is not None and (status := self._worker.exit_status) is not None:
            raise TrialFault(
                f"the worker ended by itself (exit status {status}); the end of its log, {self._worker.log}:\n"
                f"{self._worker.last_lines()}"
            )
        if self._broker is not None and not self._broker.is_running:
            raise TrialFault("the embedded broker ended by itself; start again")

    @property
    def seen(self) -> Seen:
        """What the worker's pages last said."""
        return Seen() if self._pages is None else self._pages.seen

    @property
    def acts(self) -> Sequence[Act]:
        """What has happened so far."""
        return tuple(self._watching.acts.told)

    @property
    def feed(self) -> Feed:
        """How far the replay is."""
        replay = self._replay
        if replay is None:
            return Feed(self.story.name)
        fault = replay.sent.first_failure if replay.error is None else str(replay.error)
        return Feed(self.story.name, replay.sent.records, replay.sent.at_us, replay.is_playing, fault)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _take_folder(self) -> Path:
        folder = self._options.folder.absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / "lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not self._options.keep:
                shutil.rmtree(folder / "broker", ignore_errors=True)
        except BlockingIOError:
            raise TrialFault(f"another run uses {folder}: end that one, or give this one --folder") from None
        except OSError as error:
            raise TrialFault(f"{folder} cannot be used ({error.strerror}); give another one with --folder") from error
        return folder

    def _tell_of_port(self, what: str, wanted: int, got: int) -> None:
        if wanted and got != wanted:
            self._tell(f"Port {wanted} is taken: {what} got {got} instead.")

    def _make_replay(self, settings: Settings) -> BackgroundReplay:
        skip = _records_in(settings, self.story.topics) if self._options.keep else 0
        if skip:
            self._tell(f"kept        {plural(skip, 'record')} of earlier runs; the replay goes on after them")
        return BackgroundReplay(settings, self.story.open(), None, pacer=self._make_pacer, skip=skip)

    def _make_pacer(self, stop: threading.Event) -> TrialPacer:
        pacer = TrialPacer(self.story.pace, stop, is_counted=self._watching.is_past_counted,
                            behind_us=self._watching.behind_us)  # fmt: skip
        self._watching.pacer = pacer
        return pacer


def _records_in(settings: Settings, topics: Iterable[str]) -> int:
    """How many records lie in the input topics."""
    consumer = KafkaConsumer(**kafka_python_options(settings), enable_auto_commit=False)
    try:
        return sum(
            sum(consumer.end_offsets([
                TopicPartition(settings.topic(topic), number)
                for number in consumer.partitions_for_topic(settings.topic(topic)) or ()
            ]).values())
            for topic in topics
        )
    finally:
        consumer.close()
