"""The benchmarks' workload and its judge: the same records each time, and an answer that is one off is seen."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.answer import differences, reference_answer
from benchmarks.workload import Shape, Workload


def test_a_workload_is_the_same_each_time_and_has_what_it_says() -> None:
    shape = Shape(events=8_000)
    workload = Workload(shape)
    records = list(workload)
    assert list(Workload(shape)) == records
    assert list(Workload(Shape(events=8_000, seed=2))) != records
    assert len(records) == 8_000
    counts = workload.counts
    assert counts["duplicates"] == pytest.approx(80, rel=0.4)
    assert counts["late"] == pytest.approx(160, rel=0.4)
    assert counts["malformed"] == pytest.approx(40, rel=0.5)
    assert sum(len(record.raw) for record in records) / 8_000 == pytest.approx(200, rel=0.1)
    # Late against the partition, never against the customer.
    newest: dict[str, str] = {}
    ids: set[str] = set()
    for record in records:
        if record.fact is not None and record.fact["event_id"] not in ids:
            ids.add(record.fact["event_id"])
            assert record.fact["at"] > newest.get(record.fact["customer_id"], "")
            newest[record.fact["customer_id"]] = record.fact["at"]


def test_an_answer_that_is_one_off_is_wrong(tmp_path: Path) -> None:
    answer = reference_answer(Shape(events=2_000), tmp_path)
    assert reference_answer(Shape(events=2_000), tmp_path) == answer
    cells: dict[str, Any] = dict(answer.cells)
    assert differences(cells, answer.cells) == []
    name = next(iter(cells))
    customers, value = cells[name]
    assert len(differences({**cells, name: (customers + 1, value)}, answer.cells)) == 1
    assert len(differences({**cells, "0|new|a|b|": (1, 1)}, answer.cells)) == 1
    del cells[name]
    assert len(differences(cells, answer.cells)) == 1
