"""Records of a history come back whole and in order, however many parts they were sorted in."""

import random
import tempfile
from pathlib import Path

import pytest

from agents.sorted_history import SortedHistory
from streams.backfill import HistoryInMemory, Timed
from streams.facts.models import RawRecord


def made_up(count: int) -> list[Timed]:
    chance = random.Random(count)
    return [
        (
            chance.randrange(-50, 50), added,
            RawRecord(
                chance.choice([None, b"", b"{}", b"x" * 500]), chance.choice([None, b"k"]), "t", chance.randrange(3),
                added, chance.choice([None, 5]),
            ),
        )
        for added in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("in_memory_bytes", [1, 400, 20_000, 1 << 30])
def test_it_is_the_order_of_one_list(in_memory_bytes: int) -> None:
    expected, found = HistoryInMemory(), SortedHistory(in_memory_bytes)
    for one in made_up(700):
        expected.add(one)
        found.add(one)
    assert list(found.in_order()) == list(expected.in_order())
    assert list(found.in_order()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(OSError, match=r"sorted in .*gone.*TMPDIR"):
        SortedHistory(1).add(made_up(1)[0])
