"""Compiled additions to cells and sums give what the Python code gives."""

from random import Random

import pytest

from streams.tables import buckets, sums
from streams.tables.buckets import Bucket
from streams.tables.cells import COHORT, EXPANSION, GONE, LOST, NEW, TRANSFER, Addition
from streams.tables.scopes import EVERY, MAIN
from streams.tables.sums import ScopeSums
from tests.property.compiled import without_compiled_pieces

pytestmark = without_compiled_pieces(buckets._sums is None)


def additions(random: Random, count: int) -> list[Addition]:
    found: list[Addition] = []
    for _ in range(count):
        code = random.choice((EXPANSION, NEW, LOST, TRANSFER, COHORT, GONE))
        words = tuple(random.choice(("A", "B", "ü")) for _ in range(6))
        numbers = (random.randrange(2),) if code in (NEW, LOST, GONE, COHORT) else ()
        value = random.choice((1, -1, 10**19))
        found.append(((code, *words, numbers), random.choice((1, -1, 2)), value))  # type: ignore[arg-type]
    return found + [(cell, -n, -v) for cell, n, v in random.sample(found, count // 2)]


@pytest.mark.parametrize("seed", range(30))
def test_buckets_fill_alike(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    some = additions(Random(seed), 60)
    compiled, plainly = Bucket(), Bucket()
    compiled.add_all(some[:40])
    compiled.add_all(iter(some[40:]))
    assert compiled
    monkeypatch.setattr(buckets, "_sums", None)
    plainly.add_all(some)
    assert (compiled.plain, compiled.paired) == (plainly.plain, plainly.paired)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("dimensions", [EVERY, MAIN])
def test_sums_fill_alike(seed: int, dimensions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(seed)
    some = [addition for addition in additions(random, 60) if addition[0][0] != GONE]
    two = ScopeSums(0, dimensions), ScopeSums(0, dimensions)
    for found, compiled in zip(two, (True, False), strict=True):
        if not compiled:
            monkeypatch.setattr(sums, "_sums", None)
        found.add_plain(some[:30])
        levels = [found.change(scope) for scope in sorted(found.by_scope)]
        found.touched.clear()
        found.add_plain(some[30:])
        found.add_sums(two[0] if compiled else found)
        assert levels
    compiled_sums, plain_sums = two
    assert compiled_sums.by_scope == plain_sums.by_scope
    assert compiled_sums.touched == plain_sums.touched
    for scope in compiled_sums.by_scope:
        assert compiled_sums.change(scope) == plain_sums.change(scope)


def test_what_is_no_addition_is_told() -> None:
    with pytest.raises(TypeError, match="no addition"):
        Bucket().add_all([((), 1)])  # type: ignore[list-item]
