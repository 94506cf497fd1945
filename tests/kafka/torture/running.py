"""Carries a schedule out: workers in their slots, records on their way, harm as it is due; calm; judgement."""

import heapq
import itertools
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kafka import KafkaProducer
from kafka.errors import KafkaError

from agents.feeds import LEDGER
from agents.topics import TOPICS, BrokerUnreachable, ensure_topics
from config.settings import Settings, load
from tests.kafka.torture.crew import Crew, Slot, worker_environment
from tests.kafka.torture.ground import LARGEST_RECORD, Ground
from tests.kafka.torture.hostile_stream import DEFINITIONS, TOPIC, HostileStream
from tests.kafka.torture.judging import Judge
from tests.kafka.torture.schedules import Event, Schedule
from tests.kafka.torture.watching import Watch

PARTITIONS = 4
AT_REST = 8
LOOK_S = 0.3
PATIENCE = 8
CALM_S = 90.0
NET_GROWTH_S = 60.0
COMPACTION_LAG_MS = 30_000
"""Longer than a partition is ever without a whole flush, and short enough that compaction follows while it lasts."""

MOST_ENDS = 4
"""Ends of their own accord in calm that are a crash loop."""

_prefixes = itertools.count(1)


@dataclass
class Outcome:
    """What became of a schedule."""

    schedule: Schedule
    faults: list[str] = field(default_factory=list)
    kills: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    looks: tuple[int, int] = (0, 0)
    seconds: float = 0.0
    folder: Path | None = None

    @property
    def is_exact(self) -> bool:
        """Whether everything was as it must be."""
        return not self.faults


def run(schedule: Schedule, ground: Ground, folder: Path | None = None, tell: Callable[[str], None] = lambda _: None
        ) -> Outcome:
    """Carry out one schedule; `tell` gets a line at every event."""
    folder = folder or Path(tempfile.mkdtemp(prefix=f"torture-{schedule.seed}-"))
    return _Run(schedule, ground, folder, tell).carry_out()


class _Run:
    def __init__(self, schedule: Schedule, ground: Ground, folder: Path, tell: Callable[[str], None]) -> None:
        self.schedule = schedule
        self.ground = ground
        self.folder = folder
        self.tell = tell
        self.stream = HostileStream(schedule.seed, schedule.records, PARTITIONS)
        (folder / "definitions.yaml").write_text(DEFINITIONS)
        prefix = f"torture{next(_prefixes)}-"
        settings = {
            "KAFKA_BROKERS": ground.address,
            "NETGROWTH_TOPIC_PREFIX": prefix,
            "NETGROWTH_GROUP_PREFIX": prefix,
            "NETGROWTH_PARTITIONS": str(PARTITIONS),
            "NETGROWTH_REPLICATION_FACTOR": str(ground.nodes),
            "NETGROWTH_DEFINITIONS": str(folder / "definitions.yaml"),
            "NETGROWTH_SESSION_TIMEOUT": f"{schedule.session_s:g}s",
            "NETGROWTH_HEARTBEAT_INTERVAL": "1s",
            "NETGROWTH_FLUSH_INTERVAL": "200ms",
            "NETGROWTH_COMMIT_INTERVAL": "500ms",
        }
        self.settings: Settings = load(settings)
        slots = []
        for number in range(schedule.slots):
            fates = schedule.fates[number] if number < len(schedule.fates) else ()
            asked = settings | {"KAFKA_BROKERS": ground.worker_address(number)}
            slots.append(Slot("abc"[number], worker_environment(asked, schedule.mutant), folder, fates))
        self.crew = Crew(slots)
        self.watch = Watch(slots)
        self.outcome = Outcome(schedule, folder=folder)
        self._feeder: threading.Thread | None = None
        self._hurry = threading.Event()
        self._unsent: list[str] = []

    def carry_out(self) -> Outcome:
        began = time.monotonic()
        outcome = self.outcome
        try:
            self._prepare()
            self.crew.start()
            self.watch.start()
            self._harm()
            if self._calm():
                self._judge()
        finally:
            self._hurry.set()
            self.ground.mend()
            self.watch.close()
            self.crew.close()
        outcome.faults += self.watch.faults + self.crew.faults
        outcome.kills, outcome.fates = self.crew.kills, self.crew.fates_met
        outcome.ended = self.crew.ended_by_themselves
        outcome.looks = (self.watch.looks[0], self.watch.looks[1])
        outcome.seconds = time.monotonic() - began
        return outcome

    # -- before

    def _prepare(self) -> None:
        # A broker on a busy machine, or one that was harmed a moment ago, may not answer in time.
        for patience in range(PATIENCE, -1, -1):
            try:
                self._make_topics()
                break
            except (BrokerUnreachable, KafkaError, OSError):
                if not patience:
                    raise
                time.sleep(2.0)
        for slot in self.crew.slots:
            self.crew.want(slot, True)
        self._feeder = threading.Thread(target=self._feed, name="feeder", daemon=True)
        self._feeder.start()

    def _make_topics(self) -> None:
        ensure_topics(self.settings, [topic for topic in TOPICS if topic.name in LEDGER.topics])
        self.ground.configure(self.settings.topic(TOPIC), max_message_bytes=str(LARGEST_RECORD))
        if self.schedule.compacted:
            for name in ("ledger-changelog", "scope-parts", "net-growth"):
                self.ground.configure(
                    self.settings.topic(name), min_compaction_lag_ms=str(COMPACTION_LAG_MS), segment_ms="1000",
                    min_cleanable_dirty_ratio="0.01", delete_retention_ms="60000",
                )

    def _feed(self) -> None:
        """Send all the time, so that whatever dies dies in the middle of it."""
        topic, sent = self.settings.topic(TOPIC), self.stream.sent
        producer = KafkaProducer(
            bootstrap_servers=self.ground.address.split(","), max_request_size=LARGEST_RECORD + 4096, linger_ms=20,
            delivery_timeout_ms=600_000,
        )
        began, rate = time.monotonic(), len(sent) / max(self.schedule.seconds, 1.0)
        try:
            done = 0
            while done < len(sent):
                due = len(sent) if self._hurry.is_set() else min(int((time.monotonic() - began) * rate), len(sent))
                for record in sent[done:due]:
                    producer.send(topic, record.value, record.key, partition=record.partition)
                done = max(done, due)
                self._hurry.wait(0.05)
            producer.flush(120)
        except Exception as error:
            self._unsent.append(f"the harness could not send: {error!r}")
        finally:
            producer.close(10)

    # -- harm

    def _harm(self) -> None:
        schedule, began = self.schedule, time.monotonic()
        due = [(event.at, number, event) for number, event in enumerate(schedule.events)]
        heapq.heapify(due)
        later = itertools.count(len(due))
        last = max(schedule.seconds, max((event.at for event in schedule.events), default=0.0))
        asleep: set[tuple[str, int]] = set()
        while time.monotonic() - began < 3 * last + 60:
            now = time.monotonic() - began
            if due and due[0][0] <= now:
                event = heapq.heappop(due)[2]
                self.tell(str(event))
                self._do(event)
                continue
            for number, slot in enumerate(self.crew.slots):
                if slot.has_stopped_itself() and (slot.name, slot.starts) not in asleep:
                    asleep.add((slot.name, slot.starts))
                    at = now + schedule.pause_s
                    heapq.heappush(due, (at, next(later), Event(at, "resume", number)))
            self._lose_patience()
            if self.crew.faults or (not due and now >= schedule.seconds and self.crew.kills >= schedule.kills):
                return
            time.sleep(0.05)

    def _lose_patience(self) -> None:
        """One whose fate does not come to pass is killed none the less."""
        for slot in self.crew.slots:
            if not slot.is_running or slot.is_paused or slot.has_stopped_itself():
                continue
            overdue = slot.awaits_fate or (self.crew.kills < self.schedule.kills and not slot.has_fates)
            if overdue and time.monotonic() - slot.started_at > self.schedule.patience_s:
                self.crew.kill(slot)

    def _do(self, event: Event) -> None:
        ground, crew, target = self.ground, self.crew, event.target
        match event.what:
            case "kill":
                awake = [slot for slot in crew.slots if not (slot.is_paused or slot.has_stopped_itself())]
                if awake:
                    # One that sleeps is to come back as a zombie.
                    crew.kill(awake[target % len(awake)])
            case "leave":
                crew.want(crew.slots[target], False)
                crew.slots[target].signal(signal.SIGTERM)
            case "join":
                crew.want(crew.slots[target], True)
            case "pause":
                crew.slots[target].signal(signal.SIGSTOP)
            case "resume":
                crew.slots[target].signal(signal.SIGCONT)
            case "hold":
                ground.proxies[target].hold()
            case "cut":
                ground.proxies[target].cut()
            case "open":
                ground.proxies[target].open()
            case "broker-stop":
                ground.stop_broker(target)
            case "broker-kill":
                ground.kill_broker(target)
            case "broker-start":
                ground.start_broker(target)
            case "broker-pause":
                ground.pause_broker(target, True)
            case "broker-resume":
                ground.pause_broker(target, False)
            case "leader-kill":
                leader = ground.leader_of(self.settings.topic("ledger-changelog"), target % PARTITIONS)
                if leader is not None:
                    ground.kill_broker(leader)
            case "brokers-start":
                for number in range(ground.nodes):
                    ground.start_broker(number)
            case "reassign":
                ground.reassign([self.settings.topic(name) for name in sorted(LEDGER.topics)], PARTITIONS, target)
            case _:
                raise ValueError(f"no such event: {event.what}")

    # -- after

    def _calm(self) -> bool:
        """Nothing more befalls anybody: all is sent, read, and at rest; whether it came to rest."""
        self.tell("calm")
        self.ground.mend()
        self._hurry.set()
        for slot in self.crew.slots:
            slot.forget_fates()
            slot.signal(signal.SIGCONT)
            # One that still waits for its fate meets it now.
            if slot.is_running and slot.awaits_fate:
                self.crew.kill(slot)
            self.crew.want(slot, True)
        if self._feeder is not None:
            self._feeder.join(150)
            if self._feeder.is_alive():
                self._unsent.append("the harness could not send everything in time")
        self.outcome.faults += self._unsent
        ends_before = sum(self.crew.ended_by_themselves.values())
        deadline = time.monotonic() + CALM_S
        for slot in self.crew.slots:
            rest = _Rest(self.stream)
            while not rest.look(slot, self.crew.slots):
                ends = sum(self.crew.ended_by_themselves.values()) - ends_before
                if self.crew.faults or ends > MOST_ENDS or time.monotonic() > deadline:
                    self.outcome.faults.append(f"{slot.name} does not come to rest ({ends} ends): {rest.why}")
                    return False
                time.sleep(LOOK_S)
            judge = Judge(self.ground, self.settings, self.stream)
            assert rest.ledger is not None
            self.outcome.faults += [f"{slot.name}: {fault}" for fault in judge.of_a_ledger(rest.ledger)]
        if not self.outcome.faults:
            self._await_net_growth()
        return True

    def _await_net_growth(self) -> None:
        """Rows are written now and then, and no more when a worker ends: give them their time."""
        judge, deadline = Judge(self.ground, self.settings, self.stream), time.monotonic() + NET_GROWTH_S
        while judge.of_net_growth() and time.monotonic() < deadline:
            time.sleep(1.0)

    def _judge(self) -> None:
        self.tell("judgement")
        self.watch.close()
        for slot in self.crew.slots:
            self.crew.want(slot, False)
            if slot.process is not None:
                process = slot.process
                slot.signal(signal.SIGTERM)
                status = process.wait(30)
                if status != 0:
                    self.outcome.faults.append(f"{slot.name} ended with {status} when told to: {slot.last_lines(3)}")
        self.outcome.faults += Judge(self.ground, self.settings, self.stream).faults()


class _Rest:
    """Whether a worker has read everything, and its tables have not changed for a while."""

    def __init__(self, stream: HostileStream) -> None:
        self.why = "it never answered"
        self.ledger: dict[str, object] | None = None
        self._ends = {str(number): size for number, size in Counter(s.partition for s in stream.sent).items()}
        self._seen = 0

    def look(self, slot: Slot, crew: Sequence[Slot]) -> bool:
        """Look once more; whether it is at rest, and nobody of the crew is still on the way."""
        owned: list[int] = []
        for member in crew:
            told = member.json("/api/v1/status") if member.get("/health/ready") is not None else None
            owned += told["owned"] if told is not None else ()
        status, ledger = slot.json("/api/v1/status"), slot.json("/api/v1/ledger")
        if status is None or ledger is None or sorted(owned) != list(range(PARTITIONS)):
            self._seen, self.why = 0, f"partitions {sorted(owned)} are owned"
            return False
        offsets = {number: of["next_offset"] for number, of in status["partitions"].items()}
        self.why = f"it stands at {offsets} of {self._ends}"
        if offsets != self._ends or ledger != self.ledger:
            self._seen = 0
        self.ledger = ledger
        self._seen += 1
        return self._seen >= AT_REST and offsets == self._ends
