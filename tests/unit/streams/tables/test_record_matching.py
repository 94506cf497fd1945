"""Which records two places do not share, found by hashes, as often as they occur."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.tables.record_matching import RecordIndex, unmatched


def index(values, partition=0):
    found = RecordIndex()
    for start in range(0, len(values), 7000):
        part = values[start : start + 7000]
        found.add(partition, part, range(start, start + len(part)))
    return found


def test_one_record_removed_from_100_000_is_named_by_its_place():
    values = [b'{"event_id":"e%d","customer_id":"c%d"}' % (n, n % 5000) for n in range(100_000)]
    file = values[:71_234] + values[71_235:]
    random.Random(3).shuffle(file)
    topic = RecordIndex()
    for partition in range(4):
        offsets = range(25_000)
        topic.add(partition, values[partition::4], offsets)
    only_file, only_topic = unmatched(index(file), topic)
    assert only_file == []
    assert [topic.place(number) for number in only_topic] == [(71_234 % 4, 71_234 // 4)]


def test_of_equal_records_the_last_ones_are_surplus():
    assert unmatched(index([b"a", b"b", b"a", b"a"]), index([b"b", b"a", b"c"])) == ([2, 3], [2])


def test_a_record_with_the_end_of_its_line_is_the_same_and_no_value_is_an_empty_line():
    assert unmatched(index([b"a", b""]), index([b"a\r\n", None])) == ([], [])


@pytest.mark.parametrize(("one", "other"), [([], []), ([b"a"], []), ([], [b"a"])])
def test_an_empty_side_matches_nothing(one, other):
    assert unmatched(index(one), index(other)) == (list(range(len(one))), list(range(len(other))))
    assert index(one).lacks(other) == list(range(len(other)))


@given(st.lists(st.sampled_from([b"a", b"b", b"c", b"d"])), st.lists(st.sampled_from([b"a", b"b", b"c", b"e"])))
@settings(max_examples=150)
def test_what_is_left_after_pairing_is_the_difference_of_the_multisets(one, other):
    left, right = unmatched(index(one), index(other))
    assert Counter(one[number] for number in left) == Counter(one) - Counter(other)
    assert Counter(other[number] for number in right) == Counter(other) - Counter(one)
    assert index(one).lacks(other) == [number for number, value in enumerate(other) if value not in one]
