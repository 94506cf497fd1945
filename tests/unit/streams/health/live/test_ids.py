"""Ids that are known: the newest minute of each, whatever array it lies in, and none that was let go."""

import random

import numpy as np
import pytest

from streams.health.live.ids import UNKNOWN_MINUTE, IdIndex


@pytest.mark.parametrize("in_memory", [10, 1_000_000])
def test_it_answers_as_a_mapping_would(in_memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.health.live.ids.IN_MEMORY", in_memory)
    chance, index, known, ever = random.Random(1), IdIndex(), {}, set()
    for turn in range(60):
        count = chance.randrange(50)
        fresh = {chance.randrange(2_000) << 40: chance.randrange(turn, turn + 20) for _ in range(count)}
        index.add(np.array(list(fresh), dtype=np.uint64), np.array(list(fresh.values()), dtype=np.int64))
        known |= fresh
        ever |= set(fresh)
        if turn % 20 == 19:
            index.forget(turn - 5)
            known = {one: minute for one, minute in known.items() if minute >= turn - 5}
        asked = [*known, *(one << 40 for one in range(2_000) if one << 40 not in ever)]
        found = index.minutes(np.array(asked, dtype=np.uint64)).tolist()
        assert found == [known.get(one, UNKNOWN_MINUTE) for one in asked]
    index.forget(1_000)
    assert len(index) == 0
