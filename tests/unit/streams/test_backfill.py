"""History and kept facts in event time: each where it belongs, whichever of the two it came with."""

import random
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from agents.sorted_history import SortedHistory
from config.definitions_file import load, parse
from config.settings import NATIVE_DEFINITIONS
from streams.backfill import Backfill, NoHistory
from streams.books import PartitionBooks
from streams.facts.admission import Admission
from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.facts.placement import partition_for
from streams.intake.origins import Origins, agreement_of, origin_header
from streams.ledger.changelog import ChangelogReader
from streams.recount import Recount, table_rules
from streams.tables.ledger_json import ledger_json
from streams.tables.merge import CompanyTables
from streams.tables.watermark import ClockRules

NATIVE = load(NATIVE_DEFINITIONS)
HOUR_MS = 3_600_000


def record(number: int, customer: str, hour: int, fact: str = "joined") -> RawRecord:
    said = {"event_id": f"e{number}", "at": hour * HOUR_MS, "customer_id": customer, "fact": fact, "value": 5}
    return RawRecord(msgspec.json.encode(said), customer.encode(), "customer-events", 0, number)


def lives() -> list[RawRecord]:
    """Sixty customers who come, and half of whom go, hour by hour."""
    came = [record(number, f"c{number}", number) for number in range(60)]
    went = [record(100 + number, f"c{number}", 500 + number, "left") for number in range(30)]
    return came + went


def counted(backfill: Backfill, partitions: int, definitions: Definitions = NATIVE) -> dict[str, object]:
    """The tables of the company out of the flushes of the books."""
    rules, merged = table_rules(definitions), CompanyTables(table_rules(definitions))
    admission = Admission(definitions, partitions=partitions, check_keys=True)
    numbers = range(partitions)
    books = [PartitionBooks(one, partitions, definitions, admission, rules, ClockRules()) for one in numbers]
    for of in books:
        of.restore(ChangelogReader(), 7)
    backfill.count(books, [1000] * partitions)
    until = max(of.ledger.watermark for of in books)
    for of in books:
        of.advance(until)
        flush = of.flush(0)
        assert flush is not None
        assert flush.next_offset == 1000
        for key, value in flush.parts:
            merged.apply(key, value)
    ledger = ledger_json(
        merged.tables, definitions_name="", definitions_version="", currency="EUR", until_us=until, accounting={}
    )
    return {name: ledger[name] for name in ("total", "windows", "cohorts")}


@pytest.mark.parametrize("history_bytes", [None, 9000])
@pytest.mark.parametrize("seed", range(4))
def test_however_the_facts_are_split_the_count_is_that_of_all_in_order(
    seed: int, history_bytes: int | None
) -> None:
    chance = random.Random(seed)
    records = lives()
    expected = Recount(NATIVE, partitions=3)
    expected.add(lives())
    whole = expected.finish()
    kept = chance.sample(records, chance.randint(0, len(records)))
    history = [one for one in records if one not in kept] + chance.sample(kept, len(kept) // 3)
    chance.shuffle(history)
    backfill = Backfill(NATIVE, 3, history=None if history_bytes is None else SortedHistory(history_bytes))
    for one in history:
        one.key = None  # a file has none
    backfill.add_history([RawRecord(one.value, None, "old.jsonl", 0, place) for place, one in enumerate(history)])
    for partition in range(3):
        mine = [one for one in kept if partition_for(_customer(one), 3) == partition]
        for one in mine:
            one.key, one.partition = _customer(one), partition
        backfill.add_kept(partition, mine)
    assert (backfill.history, backfill.kept) == (len(history), len(kept))
    assert counted(backfill, 3) == {name: whole[name] for name in ("total", "windows", "cohorts")}


def _customer(one: RawRecord) -> bytes:
    customer: str = msgspec.json.decode(one.value or b"")["customer_id"]
    return customer.encode()


class Applied:
    """In the place of books: what was applied, in order."""

    def __init__(self) -> None:
        self.records: list[RawRecord] = []
        self.origins = b""
        self.ledger = SimpleNamespace(watermark=0)

    def apply(self, records: list[RawRecord], next_offset: int) -> None:
        self.records += records

    def advance(self, clock: int) -> None:
        pass

    def adopt_origins(self, packed: bytes) -> None:
        self.origins = packed


def applied(backfill: Backfill) -> Applied:
    books = Applied()
    as_books: Any = [books]
    backfill.count(as_books, [9])
    return books


def test_a_record_without_a_time_stays_behind_the_one_before_it() -> None:
    backfill = Backfill(NATIVE, 1)
    broken = RawRecord(b"{", None, "old.jsonl", 0, 1)
    backfill.add_history([record(2, "b", 7), broken, record(1, "a", 3)])
    assert [one.offset for one in applied(backfill).records] == [1, 2, 1]
    assert backfill.left_out == {"dead_lettered": 1}


def test_what_intake_wrote_twice_is_in_it_once_and_what_comes_of_it_later_is_passed_over() -> None:
    agreement = agreement_of(NATIVE.name, NATIVE.version)
    backfill = Backfill(NATIVE, 1)
    records = []
    for number, hour in ((0, 9), (1, 2), (0, 9), (1, 2), (2, 4)):
        one = record(number, f"c{number}", hour)
        one.headers = (origin_header(agreement, "orders-0", number, 0),)
        records.append(one)
    backfill.add_kept(0, records)
    books = applied(backfill)
    assert [one.offset for one in books.records] == [1, 2, 0]
    origins = Origins(agreement)
    origins.restore(books.origins)
    records[-1].headers = (origin_header(agreement, "orders-0", 2, 0),)
    assert not origins.fresh([records[-1]])


OWN = """
name: own
version: "1"
currency: EUR
time_zone: UTC
value_model: {version: "1", field: fee}
silos:
  billing:
    own_topics: [invoices]
    customer_id: account
    event_id: id
    rules:
      - {name: first, when: [{field: what, is: first}], facts: [{fact: joined, at: day, value: model}]}
      - {name: other, drop: true}
"""


def test_a_history_in_the_words_of_an_own_topic_goes_through_its_intake() -> None:
    definitions = parse(OWN)
    backfill = Backfill(definitions, 1, own_topic="invoices")
    said = [
        {"account": "a", "id": "1", "what": "first", "day": "2020-01-01T00:00:00Z", "fee": "3"},
        {"account": "a", "id": "2", "what": "more", "day": "2020-01-02T00:00:00Z"},
    ]
    backfill.add_history([RawRecord(msgspec.json.encode(one), None, "invoices", 0, n) for n, one in enumerate(said)])
    (only,) = applied(backfill).records
    assert only.key == b"a"
    assert msgspec.json.decode(only.value or b"")["fact"] == "joined"
    assert backfill.left_out == {"no_fact": 1}


def test_an_own_topic_of_mentions_is_refused() -> None:
    definitions = parse(OWN)
    definitions = replace(definitions, voice=replace(definitions.voice, own_topics=("said",)))
    with pytest.raises(NoHistory, match="leads to social-mentions"):
        Backfill(definitions, 1, own_topic="said")



def test_links_in_the_history_join_customers_of_different_partitions_as_in_a_count_in_order() -> None:
    records = []
    for number in range(20):
        alias, customer, hour = f"alias{number}", f"c{number}", 2 * number
        link = {
            "event_id": f"l{number}", "at": (hour + 1) * HOUR_MS, "fact": "same_customer", "silo": "native",
            "silo_id": alias, "customer_id": customer,
        }  # fmt: skip
        linked = RawRecord(msgspec.json.encode(link), alias.encode(), "customer-events", 0, 300 + number)
        records += [record(number, customer, hour), record(100 + number, alias, hour), linked]
        records.append(record(200 + number, alias, hour + 2, "left"))
    records.sort(key=lambda one: int(msgspec.json.decode(one.value or b"")["at"]))
    expected = Recount(NATIVE, partitions=3)
    expected.add(records)
    whole = expected.finish()
    assert (whole["total"]["new"]["customers"], whole["total"]["closing"]["customers"]) == (20, 0)
    chance = random.Random(5)
    chance.shuffle(records)
    backfill = Backfill(NATIVE, 3)
    backfill.add_history([RawRecord(one.value, None, "old.jsonl", 0, n) for n, one in enumerate(records)])
    assert counted(backfill, 3) == {name: whole[name] for name in ("total", "windows", "cohorts")}
