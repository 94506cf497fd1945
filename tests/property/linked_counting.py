"""Partitions of a ledger that tell each other of links: what one says arrives after a while, in its order."""

from collections import deque
from random import Random

from streams.facts.models import Fact, Link
from streams.ledger.counts import FactCounts
from streams.ledger.linked import Handover, LinkedLedger
from streams.ledger.partition import PartitionLedger
from streams.tables.ledger_json import ledger_json
from streams.tables.tables import TableRules, Tables
from tests.property.counting import ledger_rules
from tests.reference.placement import partition_of


class LinkedCounted:
    """All partitions, one set of tables, and handovers on their way between them."""

    def __init__(self, rules: dict, partitions: int, random: Random) -> None:
        self._random = random
        self._partitions = partitions
        self._rules = ledger_rules(rules)
        self.tables = Tables(TableRules(rules["time_zone"], self._rules.horizon_us, self._rules.grouping_us))
        self.linked = [
            LinkedLedger(PartitionLedger(self._rules), lambda name, here=here: partition_of(name, partitions) == here)
            for here in range(partitions)
        ]
        self._on_their_way: dict[tuple[int, int], deque[Handover]] = {}

    def tell(self, said: Fact | Link) -> None:
        """Apply one fact or link where its key belongs."""
        name = said.customer_id if isinstance(said, Fact) else said.silo_id
        here = partition_of(name, self._partitions)
        if isinstance(said, Fact):
            self.linked[here].apply([said], [0])
        else:
            self.linked[here].link(said, 0)
        self._send(here)
        while self._on_their_way and self._random.random() < 0.5:
            self._deliver()

    def settle(self) -> None:
        """Deliver all that is on its way."""
        while self._on_their_way:
            self._deliver()

    def advance(self, clock: int) -> None:
        """Let fall due what is due in every partition."""
        for here in range(self._partitions):
            self.linked[here].ledger.advance(clock)
            self._book(here)

    def counts(self) -> FactCounts:
        """The accounting of all partitions."""
        counts = FactCounts()
        for linked in self.linked:
            counts.add(linked.ledger.counts)
        return counts

    def ledger(self, clock: int) -> dict:
        """The ledger's JSON at a clock, without what only admission knows."""
        counts = self.counts()
        accounting = {
            "facts": counts.facts,
            "applied": counts.applied - counts.pending,
            "ignored": {name: n for name, n in sorted(counts.ignored.items()) if n},
            "pending": counts.pending,
            "beyond_horizon": counts.beyond_horizon,
            "movements": {name: n for name, n in sorted(counts.movements.items()) if n},
            "by_clock": counts.by_clock,
        }
        return ledger_json(
            self.tables, definitions_name="reference", definitions_version="1", currency="EUR", until_us=clock,
            accounting=accounting,
        )  # fmt: skip

    def _send(self, here: int) -> None:
        self._book(here)
        for _, handover in self.linked[here].outgoing:
            there = partition_of(handover.customer_id, self._partitions)
            self._on_their_way.setdefault((here, there), deque()).append(handover)
        self.linked[here].outgoing.clear()

    def _deliver(self) -> None:
        way = self._random.choice(sorted(self._on_their_way))
        handover = self._on_their_way[way].popleft()
        if not self._on_their_way[way]:
            del self._on_their_way[way]
        self.linked[way[1]].take(handover, 0)
        self._send(way[1])

    def _book(self, here: int) -> None:
        ledger = self.linked[here].ledger
        for change in ledger.changes:
            self.tables.add_movement(change.movement, change.sign)
        ledger.changes.clear()
