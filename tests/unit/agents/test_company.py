"""The company's tables as a worker has them: what it wrote itself, and what it reads back."""

import asyncio

import pytest

from agents.company import Company
from agents.partition_state import OtherDefinitions
from config.definitions_file import load
from config.settings import NATIVE_DEFINITIONS
from config.settings import load as load_settings
from streams.books import Flush, PartitionBooks
from streams.facts.admission import Admission
from streams.ledger.movements import Movement, Scope
from streams.ledger.rules import DAY, HOUR, MINUTE
from streams.recount import table_rules
from streams.tables.buckets import FEW_OPEN, Bucket
from streams.tables.part_records import Progress, Record, is_part_of, progress_record
from streams.tables.parts import PartitionTables
from streams.tables.scopes import THE_TOTAL
from streams.tables.watermark import ClockRules
from tests.unit.agents.made_up_company import NORTH, START
from tests.unit.agents.made_up_voice import ends_at

EPOCH = 1_790_000_000_000
DEFINITIONS = load(NATIVE_DEFINITIONS)
RULES = table_rules(DEFINITIONS)


def new_company() -> Company:
    settings = load_settings({"NETGROWTH_PARTITIONS": "1"})
    company = Company(settings, DEFINITIONS, RULES, ClockRules(), lambda: [0])
    asyncio.run(company.parts.finish())
    return company


def owner(epoch: int) -> PartitionTables:
    tables = PartitionTables(0, RULES)
    tables.epoch = epoch
    return tables


def gain(tables: PartitionTables, at: int, scope: Scope = NORTH) -> None:
    tables.add(Movement("new", at, scope, 1, 100, None, activity="shop", cohort_at=at))


def flushed(tables: PartitionTables, offset: int, watermark: int) -> Flush:
    records = tables.changed(offset, watermark)
    progress = Progress(offset, watermark, False, False, "1", {}, tables.epoch, "native")
    records.append(progress_record(0, progress))
    return Flush([], records, [], [], tables.epoch, 1, None, offset, tables.decoded)


def read_back(company: Company, records: list[Record]) -> None:
    for key, value in records:
        company.parts.feed(0, key, value)


def gained(company: Company, window: str = "all") -> int:
    new: int = company.rows(window)[THE_TOTAL]["new"]["customers"]
    return new


@pytest.mark.parametrize(("name", "version"), [("native", "2"), ("other", "1")])
def test_a_worker_without_a_partition_sees_by_which_definitions_the_others_count(name: str, version: str) -> None:
    company, tables = new_company(), owner(EPOCH)
    gain(tables, START)
    read_back(company, tables.changed(1, START))
    read_back(company, [progress_record(0, Progress(1, START, False, False, version, {}, EPOCH, name))])
    with pytest.raises(OtherDefinitions, match=f"{name} {version}.*native 1.*NETGROWTH_EDITION"):
        company.advance(0)


@pytest.mark.parametrize("own", [True, False])
def test_a_flush_counts_once_however_it_comes(own: bool) -> None:
    company, tables = new_company(), owner(EPOCH)
    for offset in range(1, 4):
        gain(tables, START + offset * MINUTE)
        flush = flushed(tables, offset, START + offset * MINUTE)
        if own:
            asyncio.run(company.take_own(0, flush))
        read_back(company, flush.parts)
        read_back(company, flush.parts)
    company.advance(0)
    assert gained(company) == 3
    assert company.offsets() == {0: 3}


def test_who_asks_while_a_flush_is_taken_in_finds_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.company.PIECE_S", 0.0)
    company, tables = new_company(), owner(EPOCH)
    gain(tables, START)
    asyncio.run(company.take_own(0, flushed(tables, 1, START)))
    company.advance(0)
    for minute in range(1, 9):
        gain(tables, START - minute * MINUTE)
    flush = flushed(tables, 9, START)

    async def asked_meanwhile() -> tuple[int, int]:
        taking = asyncio.create_task(company.take_own(0, flush))
        await asyncio.sleep(0)
        behind = company.offsets()[0]
        found = gained(company)
        await taking
        return behind, found

    assert asyncio.run(asked_meanwhile()) == (1, 9)


def test_a_successor_counts_over_what_was_taken_in_and_over_what_comes_late() -> None:
    company, mine, theirs = new_company(), owner(EPOCH), owner(EPOCH + 1)
    gain(mine, START)
    asyncio.run(company.take_own(0, flushed(mine, 1, START)))
    gain(theirs, START)
    gain(theirs, START + MINUTE)
    newer = flushed(theirs, 2, START + MINUTE)
    *begun, last = newer.parts
    read_back(company, begun)
    gain(mine, START + 2 * MINUTE)
    # The log has this worker's late flush between the records of its successor's.
    late = flushed(mine, 2, START + 2 * MINUTE)
    asyncio.run(company.take_own(0, late))
    read_back(company, late.parts)
    read_back(company, [last])
    company.advance(0)
    assert gained(company) == 2
    asyncio.run(company.take_own(0, flushed(mine, 3, START + 3 * MINUTE)))
    assert company.offsets() == {0: 2}


def test_what_nothing_touches_rests() -> None:
    settings = load_settings({"NETGROWTH_PARTITIONS": "1"})
    company, tables = Company(settings, DEFINITIONS, RULES, ClockRules(), lambda: [0]), owner(EPOCH)
    for hour in range(100):
        gain(tables, START + hour * HOUR)
    read_back(company, flushed(tables, 1, START + 100 * HOUR).parts)
    asyncio.run(company.parts.finish())
    assert opened(company) == 2 * FEW_OPEN  # of the parts, and of the buckets that they were added up to
    company.advance(0)
    assert opened(company) == 2 * FEW_OPEN
    assert gained(company) == 100
    for hour in range(100):
        gain(tables, START + hour * HOUR)
    asyncio.run(company.take_own(0, flushed(tables, 2, START + 100 * HOUR)))
    assert opened(company) > 200
    asyncio.run(company.follow())
    assert (gained(company), opened(company) > 200) == (200, True)
    for _ in range(30):
        asyncio.run(company.follow())
    assert (gained(company), opened(company)) == (200, 2 * FEW_OPEN)


def opened(company: Company) -> int:
    held, buckets = company._tables._held.values(), company.tables.buckets
    levels = (buckets.minutes, buckets.hours, buckets.days)
    of_buckets = sum(isinstance(bucket, Bucket) for level in levels for bucket in level.values())
    return of_buckets + sum(not isinstance(part.cells, bytes) for part in held)


def test_windows_hold_days_that_are_kept_as_a_whole_only() -> None:
    company, tables = new_company(), owner(EPOCH)
    for hour in range(0, 200 * 24, 7):
        gain(tables, START + hour * HOUR + 59 * MINUTE)
    tables.roll_up(START + 200 * DAY)
    read_back(company, flushed(tables, 9, START + 200 * DAY).parts)
    company.advance(0)
    assert gained(company) == len(range(0, 200 * 24, 7))
    assert gained(company, "24h") == len([hour for hour in range(0, 200 * 24, 7) if hour >= 199 * 24])


def test_who_wrote_a_part_is_told_by_its_end() -> None:
    tables = owner(EPOCH)
    gain(tables, START)
    (_, part), (_, progress) = flushed(tables, 1, START).parts
    assert part is not None
    assert progress is not None
    assert is_part_of(EPOCH, part)
    assert not is_part_of(EPOCH + 1, part)
    assert not is_part_of(EPOCH & 0xFF, part)
    assert not is_part_of(EPOCH, progress)


def test_up_to_where_an_idle_partition_was_read_comes_with_the_parts() -> None:
    company = new_company()
    admission = Admission(DEFINITIONS)
    books = PartitionBooks(0, 1, DEFINITIONS, admission, RULES, ClockRules())
    books.watermark.admit(START, None)
    books.watermark.reach_end(0, 7)
    flush = books.flush(2_000_000)
    assert flush is not None
    read_back(company, flush.parts)
    assert asyncio.run(company.unread(2_000_000, ends_at({0: 7}))) == set()
    assert asyncio.run(company.unread(2_000_000, ends_at({0: 8}))) == {0}


def test_windows_that_stop_within_an_hour_of_which_only_the_sum_came_hold_it_once() -> None:
    company, tables = new_company(), owner(EPOCH)
    gain(tables, START + 50 * MINUTE)
    tables.roll_up(START + 10 * DAY)  # the clock of whoever wrote it had not waited for this partition
    read_back(company, flushed(tables, 1, START + 7 * MINUTE).parts)
    company.advance(0)
    assert gained(company) == 1
    read_back(company, flushed(tables, 2, START + 11 * DAY).parts)
    company.advance(0)
    assert gained(company) == 1
