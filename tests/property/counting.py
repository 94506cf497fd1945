"""Count native records with the ledger of `streams/`, for comparison with the reference."""

from dataclasses import asdict

from streams.facts.models import Fact
from streams.ledger.counts import FactCounts
from streams.ledger.partition import PartitionLedger
from streams.ledger.rules import Lapse, LedgerRules, TrailingSpend
from streams.tables.ledger_json import ledger_json
from streams.tables.tables import TableRules, Tables
from tests.reference.facts import fact_of


def ledger_rules(rules: dict) -> LedgerRules:
    """The rules of a reference, in the ledger's form."""
    lapse, trailing = rules.get("lapse"), rules.get("trailing")
    return LedgerRules(
        horizon_us=rules["horizon"],
        grouping_us=rules["grouping"],
        same_departure_us=rules["same_departure"],
        early_within_us=rules["early_within"],
        lapse=lapse and Lapse(lapse["after"], frozenset(lapse["restarted_by"])),
        trailing=trailing and TrailingSpend(trailing["span"], frozenset(trailing["facts"])),
        precedence={silo: rank for rank, silo in enumerate(rules.get("precedence", ()))},
    )


def facts_of(placed: list[tuple[int, dict]], rules: dict) -> list[tuple[int, Fact]]:
    """The facts of (partition, native record) pairs, read by the reference's reader."""
    return [(partition, Fact(**asdict(fact_of(record, rules)))) for partition, record in placed]


class Counted:
    """The ledger of every partition over a list of facts, with one set of tables."""

    def __init__(self, rules: dict) -> None:
        self.rules = ledger_rules(rules)
        self.tables = Tables(TableRules(rules["time_zone"], self.rules.horizon_us, self.rules.grouping_us))
        self.partitions: dict[int, PartitionLedger] = {}

    def apply(self, placed: list[tuple[int, Fact]]) -> None:
        """Apply facts in their order of arrival."""
        for partition, fact in placed:
            ledger = self.partitions.setdefault(partition, PartitionLedger(self.rules))
            ledger.apply([fact])
            self._book(ledger)

    def advance(self, clock: int) -> None:
        """Let fall due what is due in every partition."""
        for ledger in self.partitions.values():
            ledger.advance(clock)
            self._book(ledger)

    def _book(self, ledger: PartitionLedger) -> None:
        for change in ledger.changes:
            self.tables.add_movement(change.movement, change.sign)
        ledger.changes.clear()

    def counts(self) -> FactCounts:
        """The accounting of all partitions."""
        counts = FactCounts()
        for ledger in self.partitions.values():
            counts.add(ledger.counts)
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
            self.tables,
            definitions_name="reference",
            definitions_version="1",
            currency="EUR",
            until_us=clock,
            accounting=accounting,
        )


def differences(ours: object, theirs: object, path: str = "") -> list[str]:
    """Every leaf in which two ledgers differ, as `path: ours != theirs`."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = []
        for name in sorted(ours.keys() | theirs.keys()):
            found += differences(ours.get(name, "absent"), theirs.get(name, "absent"), f"{path}.{name}")
        return found
    return [] if ours == theirs else [f"{path}: {ours} != {theirs}"]
