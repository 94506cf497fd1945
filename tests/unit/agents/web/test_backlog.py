"""Which partitions nobody counts: told of what is not, and not of what is only busy."""

from agents.web.backlog import BacklogWatch
from config.settings import load
from streams.tables.watermark import PartitionState


class Tables:
    """How far a company's tables are."""

    def __init__(self) -> None:
        self.at = {0: 100, 1: 50}
        self.idle = {0: True, 1: True}
        self.own: set[int] = set()

    def offsets(self) -> dict[int, int]:
        return self.at

    def owned(self) -> set[int]:
        return self.own

    def states(self) -> dict[int, PartitionState]:
        return {number: PartitionState(0, idle) for number, idle in self.idle.items()}


def watch() -> tuple[Tables, BacklogWatch]:
    tables = Tables()
    return tables, BacklogWatch(load({"NETGROWTH_PARTITIONS": "2"}), "customer-events", tables)  # type: ignore[arg-type]


def test_a_partition_whose_records_wait_while_nothing_is_counted_is_told() -> None:
    tables, found = watch()
    found.note({0: 100, 1: 50}, 0.0)
    assert found.last == (0, ())
    found.note({0: 107, 1: 50}, 1.0)
    assert found.last == (7, ())  # it may yet be counted
    found.note({0: 107, 1: 50}, 5.0)
    assert found.last == (7, (0,))
    tables.at[0] = 107
    found.note({0: 107, 1: 50}, 6.0)
    assert found.last == (0, ())


def test_one_that_is_behind_and_goes_on_is_not() -> None:
    tables, found = watch()
    tables.idle[0] = False
    for second in range(20):
        tables.at[0] = 100 + second
        found.note({0: 1000, 1: 50}, float(second))
        assert found.last is not None
        assert found.last.stalled == ()
    for second in range(20, 26):
        found.note({0: 1000, 1: 50}, float(second))
    assert found.last is not None
    assert found.last.stalled == (0,)


def test_a_marker_of_a_transaction_at_the_end_is_no_record() -> None:
    _, found = watch()
    for second in range(20):
        found.note({0: 101, 1: 50}, float(second))
        assert found.last is not None
        assert found.last.stalled == ()


def test_one_of_which_nothing_was_ever_told_is_stalled_when_records_wait() -> None:
    tables, found = watch()
    tables.at, tables.idle = {}, {}
    found.note({0: 10, 1: 0}, 0.0)
    found.note({0: 10, 1: 0}, 5.0)
    assert found.last == (10, (0,))


def test_this_workers_own_are_counted_however_long_a_flush_takes() -> None:
    tables, found = watch()
    tables.own, tables.idle[0] = {0}, False
    for second in range(20):
        found.note({0: 1000, 1: 50}, float(second))
        assert found.last is not None
        assert found.last.stalled == ()


def test_a_partition_that_was_stalled_is_told_until_all_that_waited_there_is_counted() -> None:
    tables, found = watch()
    found.note({0: 140, 1: 50}, 0.0)
    tables.idle[0] = False
    found.note({0: 140, 1: 50}, 5.0)
    assert found.last == (40, (0,))
    # This worker takes it over, and counts in pieces; new records come meanwhile.
    tables.own = {0}
    found.note({0: 140, 1: 50}, 6.0)
    assert found.last == (40, (0,))
    tables.at[0] = 130
    found.note({0: 150, 1: 50}, 7.0)
    assert found.last == (20, (0,))
    tables.at[0] = 141
    found.note({0: 150, 1: 50}, 8.0)
    assert found.last == (9, ())
