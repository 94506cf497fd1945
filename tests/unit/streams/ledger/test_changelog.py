"""What a reader makes of values that a crash cut off, and of what log compaction took."""

import pytest

from streams.ledger.changelog import (
    ChangelogGap,
    ChangelogReader,
    Ended,
    Progress,
    Record,
    Value,
    burials,
    claim,
    flush_records,
)

ONE, TWO = b"\x01", b"\x02"  # msgpack's 1 and 2


def flush(epoch: int, number: int, *values: Value, ended: Ended | None = None) -> list[Record]:
    return flush_records(values, Progress(epoch, number, 0, 0, 0, 1, ("native", "1"), b""), ended)


def read(*records: list[Record]) -> ChangelogReader:
    reader = ChangelogReader()
    for some in records:
        reader.feed(some)
    reader.finish()
    return reader


CUT_OFF = flush(1, 2, Value(b"a", TWO, True))[:-1]


def test_a_void_value_leaves_the_good_one_before_it() -> None:
    reader = read([claim(1)], flush(1, 1, Value(b"a", ONE, False)), CUT_OFF, [claim(2)])
    assert reader.values == {b"a": ONE}
    assert reader.rewrite == {b"a"}


def test_a_good_value_that_compaction_took_is_missed() -> None:
    with pytest.raises(ChangelogGap, match="'a'"):
        read([claim(1)], flush(1, 1), CUT_OFF, [claim(2)])


def test_unless_the_next_owner_wrote_it_again_further_on() -> None:
    again = flush(2, 1, Value(b"a", ONE, True), ended=Ended(1, 1))
    assert read([claim(1)], flush(1, 1), CUT_OFF, [claim(2)], again).values == {b"a": ONE}


def test_or_has_deleted_it_since() -> None:
    gone = flush(2, 1, Value(b"a", None, True), ended=Ended(1, 1))
    assert read([claim(1)], flush(1, 1), CUT_OFF, [claim(2)], gone).values == {}


def compacted(*records: list[Record]) -> list[Record]:
    """Of each key the last record."""
    log = [record for some in records for record in some]
    last = {key: place for place, (key, _) in enumerate(log)}
    return [record for place, record in enumerate(log) if last[record[0]] == place]


CREATED = [claim(1)], flush(1, 1, Value(b"a", ONE, False))
DELETED = (
    [claim(2)], flush(2, 1, Value(b"a", None, True), ended=Ended(1, 1)),
    flush_records((), Progress(2, 2, 0, 0, 0, 1, ("native", "1"), b""), buried=[b"a"]),
)  # fmt: skip


def test_a_late_value_of_a_deleted_key_does_not_outlive_the_deletion() -> None:
    log = [*CREATED, *DELETED, CUT_OFF]
    reader = read(*log)
    assert (reader.values, reader.rewrite, reader.dead) == ({}, set(), {b"a"})
    with pytest.raises(ChangelogGap, match="'a'"):
        read(compacted(*log))
    log.append(burials(reader.dead))
    for again in (read(*log), read(compacted(*log))):
        assert (again.values, again.rewrite, again.dead) == ({}, set(), set())


def test_a_late_tombstone_deletes_nothing() -> None:
    made_anew = flush(2, 2, Value(b"a", TWO, False))
    late = [(b"a", None)]
    log = [*CREATED, [claim(2)], flush(2, 1, Value(b"a", None, True), ended=Ended(1, 1)), made_anew, late]
    for more in ([], flush(2, 3)):
        reader = read(*log, more)
        assert (reader.values, reader.rewrite) == ({b"a": TWO}, {b"a"})


def test_a_tombstone_waits_for_what_is_not_decided_before_it() -> None:
    """The progress record of the flush before is compacted away; the next owner's says that it was whole."""
    begun, ended = flush(1, 1, Value(b"a", ONE, False))[:-1], flush(2, 1, ended=Ended(1, 1))
    reader = read([claim(1)], begun, [claim(2)], [(b"a", None)], ended)
    assert (reader.values, reader.rewrite) == ({b"a": ONE}, {b"a"})


def test_no_tombstone_is_given_to_what_tells_of_flushes() -> None:
    ended, progress = flush(2, 1, ended=Ended(1, 1))
    assert burials([progress[0], ended[0], claim(3)[0], b"cann"]) == [(b"cann", None)]


@pytest.mark.parametrize("customer_id", ["laim/7", "laim/x"])
def test_a_customer_whose_key_looks_like_a_claim_is_a_customer(customer_id: str) -> None:
    key = b"c" + customer_id.encode()
    reader = read([claim(1)], flush(1, 1, Value(key, ONE, False)))
    assert (reader.values, reader.epoch, reader.damaged) == ({key: ONE}, 1, 0)
