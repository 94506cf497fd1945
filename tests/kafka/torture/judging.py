"""Whether a schedule ended where an undisturbed run would have: everything durable against the reference."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import orjson

from agents.dead_letters import DeadLetterBox
from agents.movement_records import VoidMovements, read_movements
from config.definitions_file import parse
from config.settings import Settings
from streams.books import PartitionBooks
from streams.facts.admission import Admission
from streams.ledger.changelog import ChangelogReader
from streams.recount import add_accounting, table_rules
from streams.tables.ledger_json import ledger_json
from streams.tables.merge import CompanyTables
from streams.tables.part_records import is_progress
from streams.tables.watermark import ClockRules
from tests.kafka.torture.ground import Ground
from tests.kafka.torture.hostile_stream import DEFINITIONS, TOPIC, HostileStream, movement_of
from tests.property.counting import differences

SHOWN = 5
SHOWN_LETTERS = 200


class Judge:
    """Reads a schedule's topics and compares; each method gives the faults that it found."""

    def __init__(self, ground: Ground, settings: Settings, stream: HostileStream) -> None:
        self._ground = ground
        self._settings = settings
        self._stream = stream
        self._definitions = parse(DEFINITIONS)
        self._rules = table_rules(self._definitions)

    def faults(self) -> list[str]:
        """All of them."""
        found = self.of_the_input()
        if found:
            return found
        for name, look in (
            ("scope-parts", self.of_the_parts), ("ledger-changelog", self.of_the_changelog),
            ("movements", self.of_the_movements), ("dead-letters", self.of_the_dead_letters),
            ("net-growth", self.of_net_growth), ("offsets", self.of_the_offsets),
        ):
            try:
                found += [f"{name}: {fault}" for fault in look()]
            except Exception as error:
                found.append(f"{name}: {error!r}")
        return found

    def of_the_input(self) -> list[str]:
        """The harness itself: the topic holds what was to be sent, each partition in order."""
        found: dict[int, list[Any]] = defaultdict(list)
        for record in self._read(TOPIC):
            found[record.partition].append((record.key, record.value))
        meant: dict[int, list[Any]] = defaultdict(list)
        for sent in self._stream.sent:
            meant[sent.partition].append((sent.key, sent.value))
        return [] if found == meant else ["the harness's own producer lost, repeated or reordered records"]

    def of_a_ledger(self, ledger: dict[str, Any]) -> list[str]:
        """A worker's tables."""
        found = differences(ledger, self._stream.ledger)
        return _shortened(found)

    def of_the_parts(self) -> list[str]:
        """What anybody finds who reads `scope-parts` from the beginning."""
        company = CompanyTables(self._rules)
        waiting: dict[int, list[Any]] = defaultdict(list)
        for record in self._read("scope-parts"):
            of_lane = waiting[record.partition]
            of_lane.append((record.key, record.value))
            if is_progress(record.key):
                for part in of_lane:
                    company.apply(*part)
                of_lane.clear()
        return self.of_a_ledger(self._ledger_of(company))

    def of_the_changelog(self) -> list[str]:
        """What the next owner of each partition would go on from."""
        company = CompanyTables(self._rules)
        readers: dict[int, ChangelogReader] = defaultdict(ChangelogReader)
        for record in self._read("ledger-changelog"):
            readers[record.partition].feed([(record.key, record.value)])
        for number, reader in sorted(readers.items()):
            reader.finish()
            books = PartitionBooks(
                number, self._settings.partitions, self._definitions, Admission(self._definitions), self._rules,
                ClockRules(),
            )
            books.restore(reader, reader.epoch + 1)
            flush = books.flush(0)
            for part in [] if flush is None else flush.parts:
                company.apply(*part)
        return self.of_a_ledger(self._ledger_of(company))

    def of_the_movements(self) -> list[str]:
        """Summed up over the flushes that count, exactly the movements that stand are told, each once."""
        void: dict[int, VoidMovements] = defaultdict(VoidMovements)
        batches = [(record.partition, record.value) for record in self._read("movements")]
        for partition, value in batches:
            void[partition].note(read_movements(value))
        told: Counter[Any] = Counter()
        for partition, value in batches:
            if void[partition].counts(read_movements(value)):
                for line in orjson.loads(value)["movements"]:
                    told[movement_of(line)] += line.get("sign", 1)
        meant = self._stream.movements()
        found = []
        for what, movements in (
            ("were never told", {movement for movement in meant if told[movement] <= 0}),
            ("were told too often", {movement for movement in meant if told[movement] > 1}),
            ("do not stand", {movement for movement, sum_ in told.items() if sum_ and movement not in meant}),
        ):
            if movements:
                found.append(f"{len(movements)} movements {what}: {sorted(map(str, movements))[:2]}")
        return found

    def of_the_dead_letters(self) -> list[str]:
        """Every record that could not be admitted has its letter, once."""
        box = DeadLetterBox()
        for record in self._read("dead-letters"):
            box.take(record.key, record.value)
        found = Counter(held.letter.reason.value for held in box.of())
        meant = self._stream.rejects
        return [] if found == meant and not box.unreadable else [f"{dict(found)}, not {dict(meant)}"]

    def of_net_growth(self) -> list[str]:
        """The newest row of every scope since ever."""
        newest = {record.key.decode(): record.value for record in self._read("net-growth")}
        found = {key: orjson.loads(value)["row"] for key, value in newest.items() if key.endswith("/all")}
        ledger = self._stream.ledger
        meant = {"total/all": ledger["total"]}
        for dimension, rows in (("segment", "segments"), ("region", "regions"), ("product", "products")):
            meant |= {f"{dimension}={name}/all": row for name, row in ledger[rows].items()}
        known = {key: row for key, row in found.items() if key in meant}
        different = differences(known, meant)
        return _shortened(different)

    def of_the_offsets(self) -> list[str]:
        """After an end in order everything is committed."""
        sizes = Counter(sent.partition for sent in self._stream.sent)
        committed = self._ground.committed(self._settings.group("netgrowth"))
        return [] if committed == dict(sizes) else [f"committed {committed}, the topic ends at {dict(sizes)}"]

    def _ledger_of(self, company: CompanyTables) -> dict[str, Any]:
        definitions = self._definitions
        return ledger_json(
            company.tables, definitions_name=definitions.name, definitions_version=definitions.version,
            currency=definitions.currency, until_us=self._stream.reference.clock,
            accounting=add_accounting([progress.accounting for progress in company.progress.values()]),
        )

    def _read(self, topic: str) -> Iterable[Any]:
        return self._ground.read(self._settings.topic(topic), self._settings.partitions)


def _shortened(found: list[str]) -> list[str]:
    some = [fault[:SHOWN_LETTERS] for fault in sorted(found, key=len)[:SHOWN]]
    return [*some, f"{len(found)} numbers differ in all"] if found else []
