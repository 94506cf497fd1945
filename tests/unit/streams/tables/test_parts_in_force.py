"""Of a log of parts, what is left to be merged, and what of it could not be left out."""

from streams.ledger.movements import Movement, Scope
from streams.ledger.rules import DAY, HOUR, MINUTE
from streams.tables.buckets import MINUTES
from streams.tables.merge import CompanyTables
from streams.tables.part_records import (
    PROGRESS,
    PartKey,
    Progress,
    Record,
    is_progress,
    progress_record,
    read_key,
    write_key,
)
from streams.tables.parts import PartitionTables
from streams.tables.parts_in_force import PartsInForce
from streams.tables.scopes import THE_TOTAL
from streams.tables.tables import TableRules
from streams.tables.windows import BEGINNING, Span

RULES = TableRules()
START = 1_700_006_400_000_000
SCOPE = Scope("SMB", "EMEA", "basic")
OLDER, NEWER = 1_790_000_000_000, 1_790_000_000_001


def owner(epoch: int) -> PartitionTables:
    tables = PartitionTables(0, RULES)
    tables.epoch = epoch
    return tables


def expand(tables: PartitionTables, at: int, value: int = 100) -> None:
    tables.add(Movement("expansion", at, SCOPE, 0, value, None))


def progress(offset: int, epoch: int) -> Record:
    return progress_record(0, Progress(offset, START, False, False, "1", {}, epoch, "native"))


def in_force(records: list[Record]) -> list[Record]:
    taken = PartsInForce(CompanyTables(RULES).tables.calendar)
    for key, value in records:
        taken.take(key, value)
    return list(taken.give())


def value_of(records: list[Record]) -> int:
    company = CompanyTables(RULES)
    for key, value in records:
        company.apply(key, value)
    rows = company.tables.rows(Span(BEGINNING, START + 30 * DAY))
    expansion: int = rows[THE_TOTAL]["expansion"] if THE_TOTAL in rows else 0
    return expansion


def test_of_a_part_that_is_told_again_and_again_the_last_is_left() -> None:
    tables, records = owner(OLDER), []
    for number in range(5):
        expand(tables, START)
        records += [*tables.changed(number, START), progress(number, OLDER)]
    left = in_force(records)
    assert left == [records[-1], records[-2]]
    assert value_of(left) == value_of(records) == 500


def test_minutes_that_became_an_hour_are_gone_with_their_tombstones() -> None:
    tables = owner(OLDER)
    for minute in range(30):
        expand(tables, START + minute * MINUTE)
    records = [*tables.changed(1, START), progress(1, OLDER)]
    tables.roll_up(START + 5 * DAY)
    records += [*tables.changed(2, START + 5 * DAY), progress(2, OLDER)]
    assert len(records) == 30 + 1 + 1 + 30 + 1
    left = in_force(records)
    assert len(left) == 2
    assert not [key for key, _ in left if read_key(key).level == MINUTES]
    assert value_of(left) == value_of(records) == 3000


def test_what_a_late_owner_deletes_of_its_successor_stays() -> None:
    before, after = owner(OLDER), owner(NEWER)
    for tables in (before, after):
        expand(tables, START)
    records = [*before.changed(1, START), progress(1, OLDER), *after.everything(1, START), progress(1, NEWER)]
    before.roll_up(START + 5 * DAY)
    records += before.changed(2, START + 5 * DAY)
    left = in_force(records)
    assert [key for key, value in left if value is None], "the tombstone is left to be judged by whoever merges"
    assert value_of(left) == value_of(records) == 100


def test_a_late_part_does_not_take_the_place_of_its_successors() -> None:
    before, after = owner(OLDER), owner(NEWER)
    expand(before, START, 7)
    expand(after, START, 9)
    late = before.changed(5, START)
    records = [*after.everything(1, START), progress(1, NEWER), *late, progress(5, OLDER)]
    left = in_force(records)
    assert left == [records[1], records[0]]
    assert value_of(left) == 9


def test_only_the_key_of_a_progress_record_ends_like_one() -> None:
    assert is_progress(progress(1, OLDER)[0])
    assert read_key(progress(1, OLDER)[0]).level == PROGRESS
    for segment in (',9,0,"",""]', '9,0,"', ""):
        assert not is_progress(write_key(PartKey(0, MINUTES, HOUR, segment)))
    assert not is_progress(b'{,9,0,"",""]')
