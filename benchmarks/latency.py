"""How long after it was produced an event is in the tables, at a fixed rate, in the durable configuration.

Seen from outside: the process under test is asked again and again, some milliseconds apart, up to which offset each
partition is in its tables, and an event counts as there when the answer that says so has arrived. So each figure
holds the time of one question and answer, and is too high by that, never too low.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import aiohttp
import numpy as np
from rich.table import Table

from agents.trial.ports import free_port
from benchmarks.bench import Bench
from benchmarks.child import Child, ChildFailed
from benchmarks.contenders import OFFLINE, WORKER, Contender, environment
from benchmarks.field import Field
from benchmarks.pacing import PacedProducer
from benchmarks.printing import table
from benchmarks.topics import create_topic
from benchmarks.workload import Arrival, Shape, Workload

RATES = (2_000, 20_000)
SECONDS = 20
WARM_UP_S = 4.0
ASK_EVERY_S = 0.004
READY_TIMEOUT_S = 60.0
BEHIND_S = 20.0
"""What is not there so long after the last record was sent is given up: it falls behind."""

Places = dict[int, int]
"""Partition to next offset."""

Ask = Callable[[], Awaitable[tuple[Places, Places]]]
"""Places in the tables of the process, and, for the worker, in the company's tables, which are on `/metrics`."""


@dataclass(frozen=True, slots=True)
class Latency:
    """One contender at one rate; milliseconds from produced until in the table, of the events after the warm-up.

    Attributes:
        behind: events that were not there in time.
        visible_p50, visible_p99: until on `/metrics`; None for peers, which have no such page.
        cpu_share: of one core, over the whole run.
    """

    name: str
    rate: int
    events: int
    p50: float | None
    p99: float | None
    worst: float | None
    visible_p50: float | None
    visible_p99: float | None
    behind: int
    asked_every: float
    cpu_share: float


@dataclass(frozen=True, slots=True)
class Latencies:
    """All contenders at all rates."""

    found: list[Latency]

    def table(self) -> Table:
        """One line for each."""
        columns = ["", "events/s", "p50 ms", "p99 ms", "worst ms", "on /metrics p50", "p99", "core used", "behind"]
        rows = []
        for one in self.found:
            times = (one.p50, one.p99, one.worst, one.visible_p50, one.visible_p99)
            rows.append(
                [one.name, f"{one.rate:,}", *("" if ms is None else f"{ms:,.1f}" for ms in times),
                 f"{one.cpu_share:.0%}", f"{one.behind:,}" if one.behind else ""]
            )  # fmt: skip
        return table("Latency: from produced until in the table", columns, rows)

    def as_json(self) -> Any:
        """Every line."""
        return [asdict(one) for one in self.found]

    def faults(self) -> list[str]:
        """None: no answer is judged here."""
        return []


def measure(bench: Bench) -> Latencies:
    """Each contender at each rate; stock Faust only at the lowest one, which is too much for it."""
    found: list[Latency] = []
    for rate in RATES:
        for contender in bench.contenders:
            if contender.name == OFFLINE:
                continue
            if contender.name == "faust" and rate > RATES[0]:
                bench.step()
                continue
            found += bench.attempt(f"latency of {contender.name}", partial(_run, bench, contender, rate))
    return Latencies(found)


def _run(bench: Bench, contender: Contender, rate: int) -> Latency:
    field, shape = bench.field, bench.shape
    field.told(f"{contender.name} at {rate:,} events a second, for {SECONDS} s")
    now = int(time.time())
    live = Shape(
        rate * SECONDS, shape.customers, shape.partitions, shape.seed, span_s=SECONDS, start=now + 5
    )
    arrivals = list(Workload(live))
    group, folder = field.next_group(contender.name)
    port, topic = free_port(0), f"{group}.customer-events"
    create_topic(field.broker, topic, shape.partitions)
    words = environment(
        contender, broker=field.broker, topic=topic, group=group, events=len(arrivals), partitions=shape.partitions,
        folder=folder,
    ) | {"SERVE": "1", "PROGRESS_PORT": str(port)}  # fmt: skip
    command = contender.command()
    if contender.name == WORKER:
        command = [word for word in command if word != "--measure"]
        words |= {
            "KAFKA_BROKERS": field.broker, "NETGROWTH_TOPIC_PREFIX": f"{group}.", "NETGROWTH_WEB_PORT": str(port),
            "NETGROWTH_GROUP_PREFIX": f"{group}.", "NETGROWTH_PARTITIONS": str(shape.partitions),
        }  # fmt: skip
    child = Child(command, words, folder / "log.txt")
    try:
        return asyncio.run(_measured(field, contender, child, arrivals, rate, port, topic))
    finally:
        child.kill()


async def _measured(
    field: Field, contender: Contender, child: Child, arrivals: Sequence[Arrival], rate: int, port: int, topic: str
) -> Latency:
    async with aiohttp.ClientSession() as session:
        asker = _Asker(session, port)
        ask: Ask = asker.worker if contender.name == WORKER else asker.peer
        await _ready(child, ask)
        partitions = 1 + max(arrival.partition for arrival in arrivals)
        producer = PacedProducer(field.broker, topic, partitions)
        sending = asyncio.create_task(producer.send(arrivals, rate))
        seen: list[tuple[float, Places, Places]] = []
        began, given_up = time.time(), None
        while given_up is None or time.time() < given_up:
            places = await ask()
            seen.append((time.time(), *places))
            if producer.done:
                given_up = given_up or time.time() + BEHIND_S
                if all(places[0].get(number, 0) >= len(sent) for number, sent in enumerate(producer.sent)) and (
                    contender.name != WORKER
                    or all(places[1].get(number, 0) >= len(sent) for number, sent in enumerate(producer.sent))
                ):
                    break
            await asyncio.sleep(ASK_EVERY_S)
        ended = time.time()
        await sending
    return _latency(contender.name, rate, producer.sent, seen, child.cpu_between(began, ended) / (ended - began))


async def _ready(child: Child, ask: Ask) -> None:
    end = time.monotonic() + READY_TIMEOUT_S
    while True:
        try:
            await ask()
            # It answers; a moment more until its partitions are assigned and the first fetch waits.
            await asyncio.sleep(3)
            return
        except (OSError, aiohttp.ClientError):
            if child.process.poll() is not None or time.monotonic() > end:
                raise ChildFailed(f"it does not answer; the end of its log:\n{child.last_lines()}") from None
            await asyncio.sleep(0.2)


class _Asker:
    """Asks one process."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session, self._port = session, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def worker(self) -> tuple[Places, Places]:
        """By `/api/v1/status`: what this worker has applied, and what the company's tables hold."""
        async with self._session.get(f"http://127.0.0.1:{self._port}/api/v1/status") as answer:
            status = await answer.json()
        company = {int(number): place["next_offset"] or 0 for number, place in status["partitions"].items()}
        return {int(number): place or 0 for number, place in status["applied"].items()}, company

    async def peer(self) -> tuple[Places, Places]:
        """By its page of progress."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(b"n\n")
        await writer.drain()
        return {int(number): place for number, place in json.loads(await reader.readline()).items()}, {}


def _latency(
    name: str, rate: int, sent: list[list[float]], seen: list[tuple[float, Places, Places]], cpu_share: float
) -> Latency:
    own, behind = _delays(sent, [(at, places) for at, places, _ in seen])
    visible = np.array([]) if name != WORKER else _delays(sent, [(at, places) for at, _, places in seen])[0]
    asked = (seen[-1][0] - seen[0][0]) / max(1, len(seen) - 1) * 1000

    def quantile(of: Any, share: float) -> float | None:
        return float(np.quantile(of, share)) * 1000 if len(of) else None

    return Latency(
        name, rate, len(own), quantile(own, 0.5), quantile(own, 0.99), quantile(own, 1.0), quantile(visible, 0.5),
        quantile(visible, 0.99), behind, asked, cpu_share,
    )  # fmt: skip


def _delays(sent: list[list[float]], seen: list[tuple[float, Places]]) -> tuple[Any, int]:
    """Seconds until there, of the events after the warm-up, and how many never were; those count as the longest."""
    times = np.array([at for at, _ in seen])
    first = min(instants[0] for instants in sent if instants) + WARM_UP_S
    found, behind = [np.array([])], 0
    for number, instants in enumerate(sent):
        places = np.array([places.get(number, 0) for _, places in seen])
        at = np.array(instants)
        index = np.searchsorted(places, np.arange(1, len(at) + 1))
        there = index < len(times)
        behind += int((~there).sum())
        arrived = np.where(there, times[np.minimum(index, len(times) - 1)], times[-1])
        found.append((arrived - at)[at >= first])
    return np.concatenate(found), behind
