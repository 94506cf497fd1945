"""Cells that nothing changes any more are packed, and opened by whatever changes them."""

from random import Random

import msgspec
import pytest

from streams.ledger.movements import Movement, Scope
from streams.ledger.rules import DAY, HOUR, MINUTE
from streams.tables import buckets, merge, parts
from streams.tables.buckets import Bucket
from streams.tables.merge import CompanyTables
from streams.tables.part_records import read_key, read_part
from streams.tables.parts import PartitionTables
from streams.tables.tables import TableRules
from streams.tables.windows import Span

AT = 1_767_225_600_000_000  # 2026-01-01
SCOPE = Scope("s", "r", "p")


def new(at: int, value: int = 100) -> Movement:
    return Movement("new", at, SCOPE, 1, value, ("crm", str(at), 0), activity="fair", cohort_at=at)


def told(tables: PartitionTables, *movements: Movement, clock: int) -> list[tuple[bytes, bytes | None]]:
    for movement in movements:
        tables.add(movement)
    tables.roll_up(clock)
    return tables.changed(1, clock)


def test_a_partition_packs_what_lies_hours_back() -> None:
    tables, never = PartitionTables(0, TableRules()), PartitionTables(0, TableRules())
    lives = [new(AT), new(AT + 3 * HOUR), new(AT + 5 * HOUR)]
    assert told(tables, *lives, clock=AT + 6 * HOUR) == told(never, *lives, clock=AT + 6 * HOUR)
    assert sorted(start for _, start, _ in tables._packed) == [AT, AT + 3 * HOUR]
    assert [start for _, start, _ in tables._cells] == [AT + 5 * HOUR]
    late = told(tables, new(AT + 1), clock=AT + 6 * HOUR)
    assert [read_key(key).start for key, _ in late] == [AT]
    assert {n for _, n, _ in read_part(late[0][1] or b"").cells} == {2}
    assert (0, AT, "s") in tables._cells


@pytest.mark.parametrize("seed", range(10))
def test_what_is_packed_is_what_the_cells_were(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(seed)
    tables, never = PartitionTables(0, TableRules()), PartitionTables(0, TableRules())
    clock = AT
    for _ in range(40):
        clock += random.randrange(HOUR)
        # A bucket is touched again and again, and after hours, when it was packed; some of it is taken back.
        hour = clock // HOUR * HOUR
        lives = [new(hour - random.choice((0, 0, 1, 5)) * HOUR) for _ in range(random.randrange(4))]
        signs = [random.choice((1, 1, -1)) for _ in lives]
        written = []
        for each in (tables, never):
            for life, sign in zip(lives, signs, strict=True):
                each.add(life, sign)
            each.roll_up(clock)
            if each is never:
                monkeypatch.setattr(parts, "UNTOUCHED_US", 1000 * DAY)
            written.append(each.changed(1, clock))
            monkeypatch.undo()
        assert written[0] == written[1]
    assert tables._packed
    assert not never._packed
    assert tables.everything(2, clock) == never.everything(2, clock)


def test_what_was_restored_stays_packed_and_is_written_as_it_was() -> None:
    tables = PartitionTables(0, TableRules())
    records = told(tables, new(AT), new(AT + DAY), new(AT + 10 * DAY), clock=AT + 10 * DAY)
    again = PartitionTables(0, TableRules())
    again.restore(records)
    assert not again._cells
    rolled = max(read_part(value).stamp[2] for _, value in records if value is not None)
    assert rolled == AT + 10 * DAY
    assert again.everything(1, AT + 10 * DAY) == records
    again.book([])
    again.add(new(AT + 10 * DAY + MINUTE))
    assert {place[1] for place in again._cells} == {AT + 10 * DAY + MINUTE}


def test_the_company_holds_few_cells_open_and_sums_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "MOST_OPEN", 3)
    monkeypatch.setattr(merge, "MOST_OPEN", 3)
    partition, company = PartitionTables(0, TableRules()), CompanyTables(TableRules())
    for hour in range(30):
        at = AT + hour * HOUR
        for key, value in told(partition, new(at, 10), new(at, 7), clock=at):
            company.apply(key, value)
    held = company.tables.buckets
    levels = (held.minutes, held.hours, held.days)
    assert sum(isinstance(bucket, Bucket) for level in levels for bucket in level.values()) <= 3
    assert sum(not isinstance(held.cells, bytes) for held in company._held.values()) <= 3
    row = company.tables.rows(Span(AT, AT + 30 * HOUR))["total", "", ""]
    assert (row["new"]["customers"], row["new"]["value"]) == (60, 30 * 17)
    for key, value in told(partition, new(AT + 1), clock=AT + 30 * HOUR):
        company.apply(key, value)
    assert company.tables.rows(Span(AT, AT + MINUTE))["total", "", ""]["new"]["customers"] == 3


def test_of_large_buckets_fewer_are_held_open(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (buckets, merge):
        monkeypatch.setattr(module, "MOST_OPEN_CELLS", 40)
        monkeypatch.setattr(module, "FEW_OPEN", 2)
    partition, company = PartitionTables(0, TableRules()), CompanyTables(TableRules())
    for at in range(AT, AT + 30 * MINUTE, MINUTE):
        gains = [msgspec.structs.replace(new(at), scope=Scope("s", f"r{number}", "p")) for number in range(10)]
        for key, value in told(partition, *gains, clock=at):
            company.apply(key, value)
    held = company.tables.buckets
    cells = [len(bucket) for level in (held.minutes, held.hours, held.days) for bucket in level.values()
             if isinstance(bucket, Bucket)]
    assert 2 <= len(cells) <= 4
    assert sum(cells) == held._open_cells
    parts_open = [len(part.cells) for part in company._held.values() if not isinstance(part.cells, bytes)]
    assert sum(parts_open) == company._open_cells <= 40
    row = company.tables.rows(Span(AT, AT + HOUR))["total", "", ""]
    assert row["new"]["customers"] == 300


def test_the_company_holds_the_very_bytes_of_its_own_partition() -> None:
    before, partition = PartitionTables(0, TableRules()), PartitionTables(0, TableRules())
    company = CompanyTables(TableRules())
    records = told(before, new(AT), new(AT + DAY), clock=AT + 10 * DAY)
    partition.restore(records)
    for key, value in records:
        company.apply(key, value)
    company.hold_open(0)
    partition.epoch = 1  # a new owner writes everything again
    for key, _ in partition.everything(2, AT + 10 * DAY):
        own = partition.decoded[key]
        assert company.apply_part(read_key(key), *own)
    held = {(key.level, key.start, key.segment): held for key, held in company._held.items()}
    assert held.keys() == partition._packed.keys()
    assert all(held[place].cells is packed for place, packed in partition._packed.items())
    assert {held.epoch for held in held.values()} == {1}
    assert company.tables.rows(Span(AT, AT + 2 * DAY))["total", "", ""]["new"]["customers"] == 2


def test_own_parts_are_packed_to_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "MOST_OPEN", 2)
    partition, own, read = PartitionTables(0, TableRules()), CompanyTables(TableRules()), CompanyTables(TableRules())
    for step in range(12):
        # Each hour is told twice: first as it was written here, then as it was read back.
        at = AT + step // 2 * HOUR
        partition.add(new(at + step, 10))
        for key, value in partition.changed(step, at):
            read.apply(key, value)
            known = partition.take_decoded()[key]
            if step % 2:
                own.apply(key, value)
            else:
                own.apply_part(read_key(key), *known)
            if step % 2 == 0 and step < 10:
                assert own._held[read_key(key)].packed == known.packed
    held = {key: held.additions() for key, held in own._held.items()}
    assert held == {key: held.additions() for key, held in read._held.items()}
    assert {sum(n for (code, *_), n, _ in cells if code == 2) for cells in held.values()} == {2}
    assert sum(isinstance(held.cells, bytes) for held in own._held.values()) == 4
    span = Span(AT, AT + 30 * HOUR)
    assert own.tables.rows(span) == read.tables.rows(span)
