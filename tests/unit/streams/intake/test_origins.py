"""What was counted already is passed over, per source; what another agreement made is not counted at all."""

from streams.facts.models import RawRecord
from streams.intake.origins import Origins, origin_header, origin_of


def record(source: str, offset: int, number: int = 0, agreement: str = "shop 1") -> RawRecord:
    return RawRecord(b"{}", b"k", headers=(("other", b"1"), origin_header(agreement, source, offset, number)))


def test_each_place_of_a_source_counts_once() -> None:
    origins = Origins("shop 1")
    first = [record("a-0", 3), record("a-0", 3, 1), record("a-1", 2), record("a-0", 7)]
    assert origins.fresh(first) == first
    assert origins.changed
    again = [record("a-0", 3), record("a-0", 3, 1), record("a-0", 7), record("a-0", 7, 1), record("a-1", 3)]
    assert origins.fresh(again) == again[3:]


def test_it_goes_on_where_it_was_written_down() -> None:
    origins = Origins("shop 1")
    origins.fresh([record("a-0", 3)])
    restored = Origins("shop 1")
    restored.restore(origins.pack())
    assert not origins.changed
    assert restored.fresh([record("a-0", 3)]) == []
    assert not restored.changed


def test_records_of_another_agreement_are_not_counted_and_those_without_origin_always() -> None:
    origins = Origins("shop 2")
    plain = RawRecord(b"{}", b"k", headers=(("netgrowth-origin", b"nonsense"),))
    mine = record("a-0", 1, agreement="shop 2")
    assert origins.fresh([record("a-0", 3), plain, mine, plain]) == [plain, mine, plain]


def test_a_header_says_where_a_record_comes_from_whatever_the_names_are() -> None:
    assert origin_of(record("a.b-c-12", 5, 2, "up/down 1/2")) == ("up/down 1/2", "a.b-c-12", 5, 2)
