"""Records of a partition's aggregates: what is written when, and what replaces what."""

from streams.ledger.rules import DAY, HOUR
from streams.tables import parts
from streams.tables.buckets import DAYS, EVER, HOURS, MINUTES
from streams.tables.merge import CompanyTables
from streams.tables.part_records import Progress, progress_record, read_key, read_part
from streams.tables.parts import PartitionTables
from streams.tables.tables import TableRules
from tests.unit.streams.tables.test_rows import ALL, START, lost, opening

RULES = TableRules()


def keys(records):
    return [(read_key(key).level, value is not None) for key, value in records]


def total(company):
    return company.tables.rows(ALL)["total", "", ""]


def test_only_changed_buckets_are_written_and_each_holds_all_of_itself():
    stage = PartitionTables(3, RULES)
    stage.add(opening(10))
    stage.add(opening(10, at=START + HOUR))
    assert len(stage.changed(2, START)) == 2
    stage.add(opening(5))
    [(key, value)] = stage.changed(3, START)
    assert (read_key(key).partition, read_key(key).segment) == (3, "A")
    assert [cell[1:] for cell in read_part(value).cells] == [(2, 15)]
    assert stage.changed(3, START) == []


def test_an_hour_comes_before_the_tombstones_of_its_minutes_and_counts_once():
    stage, company = PartitionTables(0, RULES), CompanyTables(RULES)
    stage.add(opening(10))
    stage.add(lost(10, START + 5 * 60_000_000, opened=10))
    minutes = stage.changed(2, START)
    stage.roll_up(START + 4 * DAY)
    rolled = stage.changed(2, START + 4 * DAY)
    assert keys(rolled) == [(HOURS, True), (MINUTES, False), (MINUTES, False)]
    for record in (*minutes, rolled[0]):
        company.apply(*record)
    once = total(company)
    assert (once["opening"]["customers"], once["lost"]["customers"]) == (1, 1)
    for record in (*rolled, *minutes, *rolled):
        company.apply(*record)
    assert total(company) == once


def test_days_follow_hours_and_all_older_days_are_one_record_at_last():
    stage, company = PartitionTables(0, RULES), CompanyTables(RULES)
    stage.add(opening(10))
    stage.add(lost(10, START + 40 * DAY, opened=10))
    log = []
    for days in (4, 100, 200, 6 * 366):
        stage.roll_up(START + days * DAY)
        log += stage.changed(2, START + days * DAY)
    assert {level for level, _ in keys(stage.everything(2, 0))} == {EVER}
    assert [level for level, alive in keys(log) if alive] == [HOURS, MINUTES, DAYS, HOURS, DAYS, EVER]
    for record in log:
        company.apply(*record)
    row = total(company)
    assert row["stayed_of"] == row["opening"] == {"customers": 1, "value": 10}
    assert row["stayed"]["customers"] == row["activities"][0]["still_here"] == 0
    late = lost(1, START + HOUR, opened=1)
    stage.add(late)
    for record in stage.changed(3, 0):
        company.apply(*record)
    assert total(company)["lost"]["customers"] == 2


def test_an_older_stamp_changes_nothing():
    stage, company = PartitionTables(0, RULES), CompanyTables(RULES)
    stage.add(opening(10))
    [old] = stage.changed(1, START)
    stage.add(opening(10))
    [new] = stage.changed(2, START)
    assert company.apply(*new)
    assert not company.apply(*old)
    assert not company.apply(*new)
    assert total(company)["opening"] == {"customers": 2, "value": 20}


def test_what_was_taken_back_is_written_as_empty():
    stage, company = PartitionTables(0, RULES), CompanyTables(RULES)
    stage.add(opening(10))
    [first] = stage.changed(1, START)
    stage.add(opening(10), -1)
    [second] = stage.changed(2, START)
    assert read_part(second[1]).cells == []
    company.apply(*second)
    company.apply(*first)
    assert company.tables.rows(ALL) == {}


def test_a_bucket_too_large_for_a_record_is_split_by_its_content(monkeypatch):
    monkeypatch.setattr(parts, "RECORD_BYTES", 2_000)
    stage, company = PartitionTables(0, RULES), CompanyTables(RULES)
    for number in range(200):
        stage.add(lost(1, START + DAY, opened=1, since=START + number * 60_000_000))
    records = stage.changed(1, START)
    assert len(records) > 10
    assert max(len(value) for _, value in records) < 4_000
    for record in reversed(records):
        company.apply(*record)
    assert total(company)["lost"]["customers"] == 200


def test_progress_keeps_the_farthest_offset():
    company = CompanyTables(RULES)
    near = Progress(5, START, idle=True, fresh=True, definitions_version="1")
    far = Progress(9, START, idle=False, fresh=True, definitions_version="1")
    assert company.apply(*progress_record(0, far))
    assert not company.apply(*progress_record(0, near))
    assert company.progress == {0: far}


def test_a_day_no_window_but_all_holds_any_more_lets_go_of_the_instants_in_it():
    stage = PartitionTables(0, RULES)
    movements = [lost(1, START + DAY, opened=1, since=START + n * 60_000_000) for n in range(50)]
    for movement in movements:
        stage.add(movement)
    stage.roll_up(START + 95 * DAY)
    [(_, before)] = [record for record in stage.changed(1, 0) if record[1] is not None]
    stage.roll_up(START + 300 * DAY)
    [(key, after)] = stage.changed(1, 1)
    assert read_key(key).level == DAYS
    assert len(read_part(before).cells) == 1 + 2 * len(movements)
    assert len(read_part(after).cells) == 3
    stage.add(movements[0], -1)
    assert {cell[1] for cell in read_part(stage.changed(2, 1)[0][1]).cells} == {49}
