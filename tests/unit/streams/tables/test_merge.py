"""The company's tables, where an owner who is late writes into what its successor writes."""

from itertools import combinations

from streams.ledger.rules import DAY
from streams.tables.merge import CompanyTables
from streams.tables.part_records import Progress, progress_record
from streams.tables.parts import PartitionTables
from streams.tables.tables import TableRules
from tests.unit.streams.tables.test_parts import total
from tests.unit.streams.tables.test_rows import START, lost, opening

RULES = TableRules()
EARLIER, TODAY = 1_700_000_000_000, 1_700_000_001_000


def progress(epoch, offset=2):
    return progress_record(0, Progress(offset, START, False, True, "1", {}, epoch, "d"))


def stage_of(epoch):
    stage = PartitionTables(0, RULES)
    stage.epoch = epoch
    return stage


def interleaved(first, second):
    """Every order in which two writers' records can lie in a log."""
    places = range(len(first) + len(second))
    for chosen in combinations(places, len(first)):
        one, other = iter(first), iter(second)
        yield [next(one) if place in chosen else next(other) for place in places]


def test_what_a_successor_writes_outlives_the_tombstones_of_an_owner_who_is_late():
    late = stage_of(EARLIER)
    late.add(opening(10))
    late.add(lost(10, START + 5 * 60_000_000, opened=10))
    written = [*late.changed(2, START), progress(EARLIER)]
    late.roll_up(START + 4 * DAY)
    rolled_up = [*late.changed(2, START + 4 * DAY), progress(EARLIER)]
    successor = stage_of(TODAY)
    successor.restore(written[:-1])
    begun = [*successor.everything(2, START), progress(TODAY)]
    alone = CompanyTables(RULES)
    for record in [*written, *begun]:
        alone.apply(*record)
    for order in interleaved(rolled_up, begun):
        company = CompanyTables(RULES)
        for record in [*written, *order]:
            company.apply(*record)
        assert total(company) == total(alone)


def test_a_successor_deletes_what_it_has_rolled_up_itself():
    earlier = stage_of(EARLIER)
    earlier.add(opening(10))
    written = [*earlier.changed(2, START), progress(EARLIER)]
    successor = stage_of(TODAY)
    successor.restore(written[:-1])
    begun = [*successor.everything(2, START), progress(TODAY)]
    successor.roll_up(START + 4 * DAY)
    rolled_up = [*successor.changed(2, START + 4 * DAY), progress(TODAY)]
    company = CompanyTables(RULES)
    for record in [*written, *begun]:
        company.apply(*record)
    before = total(company)
    deleted = [company.apply(key, value) for key, value in rolled_up]
    assert deleted == [True, True, False]
    assert total(company) == before
