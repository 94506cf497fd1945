"""Points in a worker's life at which it can be made to die or to stand still; for the process under test only.

A fate is `die@POINT:N`, `stop@POINT:N` or `haunt@POINT:N`: at the N-th passing of the point the process sends
itself SIGKILL, or SIGSTOP. One that haunts is not ended by the watchdog at once when it goes on: what it was about to
send is delivered, as it would be if it had waited in the network. Points in a flush cut one target off: a share of
the flush's records of it is delivered, and nothing after.
"""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

CUT_TIMEOUT_S = 3.0
HAUNTING_S = 1.5

MANY = 150
"""Records of a flush at which it holds everything that a stream holds, malformed ones too."""

ACTS = ("die", "stop", "haunt")

CUTS = {
    "letters-half": ("dead-letters", 0.5),
    "movements-half": ("movements", 0.5),
    "parts-half": ("scope-parts", 0.5),
    "parts-whole": ("scope-parts", 1.0),
    "changelog-few": ("ledger-changelog", 0.1),
    "changelog-half": ("ledger-changelog", 0.5),
    "changelog-whole": ("ledger-changelog", 1.0),
}
"""Point to the end of a topic's name and the share of a flush's records of it that arrive."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one incarnation of a worker."""

    act: str
    point: str
    passing: int

    def __str__(self) -> str:
        return f"{self.act}@{self.point}:{self.passing}"


def read_fate(text: str) -> Fate:
    """Raises: ValueError for what is no fate."""
    act, _, rest = text.partition("@")
    point, _, passing = rest.partition(":")
    if act not in ACTS or point not in POINTS:
        raise ValueError(f"{text!r} is no fate: ACT@POINT:N, ACT of {', '.join(ACTS)}, POINT of {', '.join(POINTS)}")
    return Fate(act, point, int(passing or 1))


class Doom:
    """Counts the passings of a fate's point, and carries it out."""

    def __init__(self, fate: Fate) -> None:
        self.fate = fate
        self.passed = 0
        self.is_due = False

    def pass_by(self) -> bool:
        """Note a passing; whether it is the one."""
        self.passed += 1
        self.is_due = self.passed == self.fate.passing
        return self.is_due

    def strike(self) -> None:
        """Die, or stand still until somebody sends SIGCONT."""
        print(f"torture: {self.fate}", flush=True)
        os.kill(os.getpid(), signal.SIGKILL if self.fate.act == "die" else signal.SIGSTOP)

    def here(self) -> None:
        """A point passed."""
        if self.pass_by():
            self.strike()


def _before(owner: type, name: str, doom: Doom) -> None:
    original = getattr(owner, name)

    @wraps(original)
    def struck(*args: Any, **kwargs: Any) -> Any:
        doom.here()
        return original(*args, **kwargs)

    setattr(owner, name, struck)


def _after(owner: type, name: str, doom: Doom) -> None:
    original = getattr(owner, name)

    @wraps(original)
    async def struck(*args: Any, **kwargs: Any) -> Any:
        result = await original(*args, **kwargs)
        doom.here()
        return result

    setattr(owner, name, struck)


def _mid_batch(doom: Doom) -> None:
    from streams.ledger.partition import PartitionLedger

    original = PartitionLedger.apply

    def apply(self: Any, facts: Any, *teller: Any) -> Any:
        if doom.pass_by():
            original(self, facts[: len(facts) // 2], *teller)
            doom.strike()
            return original(self, facts[len(facts) // 2 :], *teller)
        return original(self, facts, *teller)

    PartitionLedger.apply = apply


def _flush_built(doom: Doom) -> None:
    from streams.books import PartitionBooks

    original = PartitionBooks.flush

    def flush(self: Any, now: int) -> Any:
        built = original(self, now)
        if built is not None:
            doom.here()
        return built

    PartitionBooks.flush = flush


def _flushed_many(doom: Doom) -> None:
    """A flush of all partitions that holds many records is delivered; most hold few, or none but everything again."""
    from agents.telemetry import Telemetry
    from streams.books import PartitionBooks

    original_apply, original_flush, original_flushed = PartitionBooks.apply, PartitionBooks.flush, Telemetry.flushed
    applied: Counter[int] = Counter()
    in_flush: Counter[int] = Counter()

    def apply(self: Any, records: Any, next_offset: int) -> Any:
        applied[self.partition] += len(records)
        return original_apply(self, records, next_offset)

    def flush(self: Any, now: int) -> Any:
        built = original_flush(self, now)
        if built is not None:
            in_flush[self.partition] += applied.pop(self.partition, 0)
        return built

    def flushed(self: Any, *args: Any) -> Any:
        if in_flush.total() >= MANY:
            doom.here()
        in_flush.clear()
        return original_flushed(self, *args)

    PartitionBooks.apply, PartitionBooks.flush, Telemetry.flushed = apply, flush, flushed


def _cut(doom: Doom) -> None:
    from agents.transport.barrier import DeliveryBarrier

    topic_end, share = CUTS[doom.fate.point]
    original = DeliveryBarrier._append

    def append(
        self: Any, source: Any, topic: str, partition: int, records: Any, headers: Any
    ) -> None:
        if doom.is_due and doom.fate.act == "die":
            return  # What a crash cuts off.
        lines = list(records)
        if not topic.endswith(topic_end) or len(lines) < 2 or not doom.pass_by():
            original(self, source, topic, partition, lines, headers)
            return
        kept = lines[: max(round(share * len(lines)), 1)]
        original(self, source, topic, partition, kept, headers)
        if doom.fate.act != "die":
            doom.strike()
            original(self, source, topic, partition, lines[len(kept) :], headers)
            doom.is_due = False
            return
        lane = self._lanes[topic, partition]
        if lane.filling is not None:
            self._seal(lane)
        doomed.append(asyncio.get_running_loop().create_task(die_when_delivered(lane, lane.started)))

    async def die_when_delivered(lane: Any, mark: int) -> None:
        end = asyncio.get_running_loop().time() + CUT_TIMEOUT_S
        while lane.deliveries < mark and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.001)
        doom.strike()

    async def delivered(self: Any, *sources: Any) -> None:
        if doom.is_due and doom.fate.act == "die":
            # It would take the share for the whole, and its offset could be committed in the instant that is left.
            await asyncio.Event().wait()
        await original_delivered(self, *sources)

    doomed: list[asyncio.Task[None]] = []
    original_delivered = DeliveryBarrier.delivered
    DeliveryBarrier._append = append
    DeliveryBarrier.delivered = delivered


def _in_commit(doom: Doom) -> None:
    """Die while the request is on its way: the broker may have it, the worker has no answer."""
    from agents.transport.consumer_thread import BatchConsumerThread

    original = BatchConsumerThread._commit_in_thread

    async def commit(self: Any, *args: Any) -> Any:
        asked = asyncio.ensure_future(original(self, *args))
        if doom.pass_by():
            await asyncio.sleep(0.001)
            doom.strike()
        return await asked

    BatchConsumerThread._commit_in_thread = commit


def _before_of(module: str, owner: str, name: str) -> Callable[[Doom], None]:
    def patch(doom: Doom) -> None:
        _before(_named(module, owner), name, doom)

    return patch


def _after_of(module: str, owner: str, name: str) -> Callable[[Doom], None]:
    def patch(doom: Doom) -> None:
        _after(_named(module, owner), name, doom)

    return patch


def _named(module: str, owner: str) -> type:
    import importlib

    found: type = getattr(importlib.import_module(module), owner)
    return found


_LEDGER = ("agents.ledger", "LedgerAgent")
_THREAD = ("agents.transport.consumer_thread", "BatchConsumerThread")
_CONSUMER = ("agents.transport.consumer", "BatchConsumer")

POINTS: dict[str, Callable[[Doom], None]] = {
    "mid-batch": _mid_batch,
    "flush-built": _flush_built,
    **dict.fromkeys(CUTS, _cut),
    "flushed": _before_of("agents.telemetry", "Telemetry", "flushed"),
    "flushed-many": _flushed_many,
    "before-commit": _before_of(*_THREAD, "commit_offsets"),
    "in-commit": _in_commit,
    "committed": _after_of(*_THREAD, "commit_offsets"),
    "claimed": _after_of(*_LEDGER, "_claim"),
    "restoring": _before_of(*_LEDGER, "_restore"),
    "restored": _after_of(*_LEDGER, "_ready"),
    "quiescing": _before_of(*_CONSUMER, "wait_empty"),
    "revoked": _after_of(*_CONSUMER, "on_partitions_revoked"),
    "assigning": _before_of(*_CONSUMER, "on_partitions_assigned"),
    "assigned": _after_of(*_CONSUMER, "on_partitions_assigned"),
    "seeking": _before_of(*_CONSUMER, "perform_seek"),
    "net-growth": _before_of("agents.net_growth", "NetGrowthWriter", "_put"),
    "company": _before_of("agents.parts_reader", "PartsReader", "_hold"),
}
"""Point to what makes the worker pass it noticed."""

IN_FLUSH = ("flush-built", *CUTS, "flushed", "net-growth")
IN_COMMIT = ("before-commit", "in-commit", "committed")
IN_RECOVERY = ("claimed", "restoring", "restored", "company", "parts-whole", "changelog-few")
IN_REBALANCE = ("quiescing", "revoked", "assigning", "assigned", "seeking")


def prepare(text: str) -> None:
    """Make this process meet its fate."""
    fate = read_fate(text)
    POINTS[fate.point](Doom(fate))
    if fate.act == "haunt":
        _let_the_watchdog_sleep()


def _let_the_watchdog_sleep() -> None:
    from agents.transport.watchdog import Watchdog

    original = Watchdog.check

    def check(self: Any) -> None:
        if self._now() - self._seen_at > self._max_pause:
            time.sleep(HAUNTING_S)
        original(self)

    Watchdog.check = check
