"""What a reader makes of values that a crash cut off, and of what log compaction took."""

import pytest

from streams.ledger.changelog import (
    ChangelogGap,
    ChangelogReader,
    Ended,
    Progress,
    Record,
    Value,
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


@pytest.mark.parametrize("customer_id", ["laim/7", "laim/x"])
def test_a_customer_whose_key_looks_like_a_claim_is_a_customer(customer_id: str) -> None:
    key = b"c" + customer_id.encode()
    reader = read([claim(1)], flush(1, 1, Value(key, ONE, False)))
    assert (reader.values, reader.epoch, reader.damaged) == ({key: ONE}, 1, 0)
