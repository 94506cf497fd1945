"""Partitions that hand customers over to each other, and die between any two writes: the numbers stay.

The logs are lists. An owner dies with none, some or all of its handovers delivered, before its changelog is; or with
all of it written, before it is committed. The next one goes on from the changelog alone.
"""

from random import Random
from typing import Any

import orjson
import pytest

from config.definitions_file import parse
from streams.books import PartitionBooks
from streams.facts.admission import Admission
from streams.facts.models import RawRecord
from streams.ledger.changelog import ChangelogReader, Record, claim
from streams.recount import add_accounting, table_rules
from streams.tables.merge import CompanyTables
from streams.tables.watermark import ClockRules
from streams.tables.windows import Span
from tests.property.counting import differences
from tests.reference.facts import DAY, rfc3339
from tests.reference.generate import facts
from tests.reference.placement import partition_of

PARTITIONS = 3
END = 3_000_000_000_000_000
DEFINITIONS = parse("""
name: linked
version: "1"
agreed: {by: a test, at: 2026-01-01}
currency: EUR
time_zone: UTC
horizon: 3000d
value_model: {version: "1", field: {minor_units: value}}
reasons: open
activities: open
""")
RULES = table_rules(DEFINITIONS)


class Owner:
    """One partition: its topic and changelog, and the books of whoever owns it now."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.topic: list[RawRecord] = []
        self.changelog: list[Record] = []
        self.committed = 0
        self.epoch = 0
        self.take_over()

    def append(self, value: bytes, key: bytes, headers: tuple[tuple[str, bytes], ...] = ()) -> None:
        self.topic.append(RawRecord(value, key, "customer-events", self.number, len(self.topic), 0, headers))

    def take_over(self) -> None:
        self.epoch += 1
        self.changelog.append(claim(self.epoch))
        reader = ChangelogReader()
        reader.feed(self.changelog)
        reader.finish()
        admission = Admission(DEFINITIONS, partitions=PARTITIONS, check_keys=True)
        self.books = PartitionBooks(self.number, PARTITIONS, DEFINITIONS, admission, RULES, ClockRules())
        self.books.restore(reader, self.epoch)
        self.position = self.committed

    def read(self, most: int) -> None:
        stop = min(self.position + most, len(self.topic))
        records = [one for one in self.topic[self.position : stop] if one.offset >= (self.books.next_offset or 0)]
        if records:
            self.books.apply(records, stop)
        self.position = stop


class Company:
    """All partitions, and the company's tables as a fresh reader of what they last wrote finds them."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.owners = [Owner(number) for number in range(PARTITIONS)]

    def flush(self, owner: Owner, *, dies: bool) -> None:
        flush = owner.books.flush(0)
        if flush is None:
            return
        handed = flush.handovers
        if dies and self.random.random() < 0.6:  # before the changelog: some handovers are delivered, or all
            self.deliver(handed[: self.random.randrange(len(handed) + 1)])
            if self.random.random() < 0.5:
                owner.changelog.extend(flush.changelog[: self.random.randrange(len(flush.changelog))])
            owner.take_over()
            return
        self.deliver(handed)
        owner.changelog.extend(flush.changelog)
        if dies:
            owner.take_over()
        else:
            owner.committed = owner.position

    def deliver(self, handed: Any) -> None:
        for record in handed:
            there = partition_of(record.key.decode(), PARTITIONS)
            self.owners[there].append(record.value, record.key, tuple(record.headers))

    def ends(self) -> dict[str, Any]:
        """Everything is read and written; dues fall."""
        while any(owner.position < len(owner.topic) for owner in self.owners):
            for owner in self.owners:
                owner.read(1_000)
                self.flush(owner, dies=False)
        tables = CompanyTables(RULES)
        for owner in self.owners:
            owner.committed = 0
            owner.take_over()  # a fresh owner writes all of its parts
            owner.position = len(owner.topic)
            owner.books.advance(END - 1)
            flush = owner.books.flush(0)
            assert flush is not None
            for key, value in flush.parts:
                tables.apply(key, value)
        rows = {str(scope): row for scope, row in tables.tables.rows(Span(0, END)).items()}
        return {"rows": rows, "accounting": add_accounting([owner.books.accounting() for owner in self.owners])}


def told(seed: int) -> list[tuple[bytes, bytes]]:
    """Native records under aliases, and links between them."""
    random, found, aliases = Random(seed), [], {}
    for _, record in facts(seed, 40, 500, partitions=PARTITIONS).records():
        if record["fact"] == "heartbeat":
            continue
        name = record["customer_id"]
        if record.get("silo") in ("crm", "shop"):
            aliases[f"{record['silo']}:{name}"] = record["silo"], name
            record = record | {"customer_id": f"{record['silo']}:{name}"}
        found.append((record["customer_id"].encode(), orjson.dumps(record)))
    for alias, (silo, name) in aliases.items():
        say = {"fact": "same_customer", "silo": silo, "silo_id": alias, "event_id": f"l{alias}", "at": rfc3339(DAY)}
        links = [say | {"customer_id": name}]
        if random.random() < 0.3:
            links.append(say | {"customer_id": "another", "at": rfc3339(2 * DAY)})
        for link in links:  # its key is that of any of the two: it finds its way
            key = random.choice([alias, link["customer_id"]])
            found.insert(random.randrange(len(found) + 1), (key.encode(), orjson.dumps(link)))
    return found


def counted(seed: int, *, crashes: bool) -> dict[str, Any]:
    company = Company(Random(seed))
    records = told(seed)
    while records or company.random.random() < 0.9:
        for key, value in records[:20]:
            company.owners[partition_of(key.decode(), PARTITIONS)].append(value, key)
        del records[:20]
        for owner in company.owners:
            owner.read(company.random.choice([1, 7, 40]))
            if company.random.random() < 0.6:
                company.flush(owner, dies=crashes and company.random.random() < 0.4)
    return company.ends()


@pytest.mark.parametrize("seed", range(1, 5))
def test_whoever_dies_the_numbers_are_those_of_an_undisturbed_run(seed: int) -> None:
    undisturbed = counted(seed, crashes=False)
    assert undisturbed["accounting"]["no_fact"]["same_customer"] > 15
    assert undisturbed["accounting"]["applied"] > 200
    assert differences(counted(seed, crashes=True), undisturbed) == []
