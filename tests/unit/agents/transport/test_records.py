"""Slices are bounded in records and bytes, and together they are what was fetched."""

from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import given

from agents.transport.records import RecordBatch, serialized_size, slices
from tests.unit.agents.transport.fakes import record


@given(st.lists(st.integers(0, 30), max_size=50), st.integers(1, 7), st.integers(1, 60))
def test_slices_are_bounded_and_complete(sizes: list[int], max_records: int, max_bytes: int) -> None:
    records = [record(offset, value=b"x" * size) for offset, size in enumerate(sizes)]
    found = list(slices(records, max_records, max_bytes))
    assert [r for part, _ in found for r in part] == records
    for part, size in found:
        assert size == serialized_size(part) == sum(len(r.value) for r in part)
        assert 1 <= len(part) <= max_records
        assert size <= max_bytes or len(part) == 1
    # No slice is smaller than it must be.
    for (part, size), (after, _) in pairwise(found):
        assert len(part) == max_records or size + serialized_size(after[:1]) > max_bytes


def test_a_batch_never_shows_its_values() -> None:
    batch = RecordBatch("in", 3, 1, 5, 9, 4, [record(5, value=b"secret")], 6)
    assert repr(batch) == "<RecordBatch in-3 5..9 6 bytes>"
