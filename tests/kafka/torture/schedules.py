"""What befalls workers and brokers, and when: all of it follows from a seed, so that a printed seed replays it."""

from dataclasses import dataclass, field
from random import Random

from tests.kafka.torture.fault_points import IN_COMMIT, IN_FLUSH, IN_REBALANCE, IN_RECOVERY

KINDS = ("kills", "points", "leader", "membership", "broker", "zombie", "reassigned", "network")
"""A seed's kind is its place in this cycle; every fourth is on three brokers."""

ON_THREE_BROKERS = frozenset({"leader", "reassigned"})

SESSION_S = 6.0
"""A shorter one would end workers on a busy machine for no other reason."""
POINTS = ("mid-batch", *IN_FLUSH, *IN_COMMIT, *IN_RECOVERY, *IN_REBALANCE)


@dataclass(frozen=True, slots=True)
class Event:
    """At so many seconds this happens to that slot, broker or partition."""

    at: float
    what: str
    target: int = 0

    def __str__(self) -> str:
        return f"{self.at:.1f}s {self.what} {self.target}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """One run of the suite.

    Attributes:
        fates: for each slot, one for each of its incarnations in turn ("": none).
        kills: at least so many workers must have been killed before it ends.
        pause_s: how long a worker that stopped itself stands still.
        patience_s: one whose fate has not come to pass by then is killed.
        compacted: the logs between the stages are compacted while it lasts, soon after the longest pause.
    """

    seed: int
    kind: str
    slots: int
    records: int
    seconds: float
    kills: int
    events: tuple[Event, ...]
    fates: tuple[tuple[str, ...], ...] = ()
    session_s: float = SESSION_S
    pause_s: float = 2.0 * SESSION_S
    patience_s: float = 18.0
    compacted: bool = False
    mutant: str = field(default="", compare=False)

    @property
    def nodes(self) -> int:
        """How many brokers it needs."""
        return 3 if self.kind in ON_THREE_BROKERS else 1


def schedule(seed: int, *, kind: str = "", kills: int = 11, records: int = 20_000) -> Schedule:
    """The schedule of a seed: of its own kind, or of the one that is named."""
    kind = kind or KINDS[seed % len(KINDS)]
    return _Writer(Random(seed * 1000 + KINDS.index(kind)), seed, kind, kills, records).write()


class _Writer:
    def __init__(self, random: Random, seed: int, kind: str, kills: int, records: int) -> None:
        self.random, self.seed, self.kind, self.kills, self.records = random, seed, kind, kills, records
        self.slots = 3 if kind == "membership" else 2
        self.events: list[Event] = []

    def write(self) -> Schedule:
        with_points = self.kind in ("zombie", "network", "reassigned")
        by_fate = self.kills if self.kind == "points" else self.kills * (2 if with_points else 1) // 3
        at = max(self._kill(self.kills - by_fate), 4.0 * self.kills)
        getattr(self, f"_{self.kind}")(at)
        return Schedule(
            self.seed, self.kind, self.slots, self.records, at, self.kills, tuple(sorted(self.events, key=_when)),
            self._fates(by_fate), compacted=self.kind == "zombie",
        )

    def _kill(self, count: int) -> float:
        """Kills at random instants; two that follow at once meet a rebalance, or the very start of a worker."""
        r, at = self.random, self.random.uniform(2.0, 7.0)
        for _ in range(count):
            self._add(at, "kill", r.randrange(self.slots))
            at += r.uniform(0.2, 1.5) if r.random() < 0.25 else r.uniform(3.0, 7.0)
        return at + 2.0

    def _fates(self, count: int) -> tuple[tuple[str, ...], ...]:
        r = self.random
        fates: list[list[str]] = [[] for _ in range(self.slots)]
        for _ in range(count):
            group = r.choice((("mid-batch",), IN_FLUSH, IN_COMMIT, IN_RECOVERY, IN_REBALANCE))
            fates[r.randrange(self.slots)].append(f"die@{r.choice(group)}:{r.choice((1, 1, 2, 3, 5))}")
        if self.kind == "zombie":
            for of_slot in fates:
                point = r.choice(("changelog-half", "parts-half", "flush-built", "before-commit", "flushed"))
                of_slot.insert(0, f"haunt@{point}:{r.randrange(3, 12)}")
        return tuple(tuple(of_slot) for of_slot in fates)

    def _add(self, at: float, what: str, target: int = 0) -> None:
        self.events.append(Event(round(at, 1), what, target))

    def _kills(self, seconds: float) -> None:
        """Nothing but kills."""

    def _points(self, seconds: float) -> None:
        """Nothing but kills, most of them at named points."""

    def _membership(self, seconds: float) -> None:
        """Workers leave in order and join."""
        r = self.random
        for _ in range(5):
            slot, at = r.randrange(self.slots), r.uniform(3.0, seconds)
            self._add(at, "leave", slot)
            self._add(at + r.uniform(0.5, 8.0), "join", slot)

    def _broker(self, seconds: float) -> None:
        """The only broker is restarted, dies, and stands still as one does that waits for its disk."""
        r = self.random
        for share, what in ((0.2, "broker-stop"), (0.6, "broker-kill")):
            at = seconds * (share + r.uniform(0.0, 0.1))
            self._add(at, what)
            self._add(at + r.uniform(0.5, 5.0), "broker-start")
        for share in (0.35, 0.45, 0.8, 0.9):
            at = seconds * share
            self._add(at, "broker-pause")
            self._add(at + r.uniform(0.4, 2.5), "broker-resume")

    def _zombie(self, seconds: float) -> None:
        """Workers stand still beyond the session timeout, and go on."""
        r = self.random
        for share in (0.3, 0.6):
            at, slot = seconds * (share + r.uniform(0.0, 0.1)), r.randrange(self.slots)
            self._add(at, "pause", slot)
            self._add(at + r.uniform(1.2, 2.2) * SESSION_S, "resume", slot)

    def _network(self, seconds: float) -> None:
        """The way between a worker and the broker is cut, or holds back what is on it."""
        r = self.random
        for share, what in ((0.15, "hold"), (0.35, "cut"), (0.55, "hold"), (0.75, "cut")):
            at, slot = seconds * (share + r.uniform(0.0, 0.05)), r.randrange(self.slots)
            self._add(at, what, slot)
            if what == "hold" and r.random() < 0.6:
                # What was on its way arrives after its sender's death, and after its successor's first flush.
                self._add(at + 0.3, "kill", slot)
            self._add(at + r.uniform(0.4, 2.2) * SESSION_S, "open", slot)

    def _leader(self, seconds: float) -> None:
        """Brokers that lead a partition die and come back."""
        r = self.random
        for share in (0.15, 0.55):
            at = seconds * share
            self._add(at, "leader-kill", r.randrange(4))
            self._add(at + r.uniform(7.0, 12.0), "brokers-start")

    def _reassigned(self, seconds: float) -> None:
        """Partitions move between brokers, and a leader dies."""
        r = self.random
        for turn, share in enumerate((0.1, 0.4, 0.8)):
            self._add(seconds * share, "reassign", turn + 1)
        at = seconds * 0.55
        self._add(at, "leader-kill", r.randrange(4))
        self._add(at + r.uniform(7.0, 12.0), "brokers-start")


def _when(event: Event) -> float:
    return event.at
