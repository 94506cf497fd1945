"""Compiled additions to cells and sums give what the Python code gives."""

from random import Random

import pytest

from streams.tables import buckets, cells, sums
from streams.tables.buckets import Bucket, add_cells
from streams.tables.cells import (
    BY_LOSS,
    BY_TRANSFER,
    COHORT,
    EXPANSION,
    FOLLOWED,
    GONE,
    LOST,
    NEW,
    STAY,
    TRANSFER,
    Addition,
    dependent_on_start,
)
from streams.tables.scopes import EVERY, MAIN
from streams.tables.sums import PairedSums, ScopeSums
from streams.tables.windows import BEGINNING
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


def paired(random: Random, count: int) -> list[Addition]:
    """Memberships, recommendations and stays that began in one of few minutes, some with an opening."""
    found: list[Addition] = []
    for _ in range(count):
        code = random.choice((GONE, FOLLOWED, STAY, STAY))
        words = [random.choice(("A", "B", "ü")) for _ in range(3)]
        minutes = [random.choice((BEGINNING, -1, 0, 1, 5, 6, 10, 11)) for _ in range(7)]
        numbers = (minutes[0],)
        if code == STAY:
            steps = [n for at in sorted(minutes[4:]) for n in (at, random.choice((1, -7, 10**19)))]
            stated = random.choice((BY_LOSS, BY_TRANSFER)), random.randrange(32), random.choice((0, 0, 1, 18, 31))
            numbers = (*stated, *minutes[:4], *steps[: random.choice((2, 4, 6))])
        value = random.choice((0, 1, -1, 10**19))
        found.append(((code, *words, "x", "", "", numbers), random.choice((1, -1, 2)), value))  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("seed", range(60))
def test_paired_cells_mean_alike(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(seed)
    some = paired(random, 60)
    bucket = Bucket()
    bucket.add_all(paired(random, 60))
    windows = [(random.choice((BEGINNING, -1, 0, 1, 6, 12)), random.choice((EVERY, MAIN))) for _ in range(5)]
    moves = [(old, new) for old in (BEGINNING, 0, 1) for new in (1, 6, 20) if old < new]
    gathered, dependent = [], []
    for compiled in (True, False):
        if not compiled:
            monkeypatch.setattr(sums, "_sums", None)
            monkeypatch.setattr(cells, "_sums", None)
        targets = [ScopeSums(*window) for window in windows]
        together = PairedSums(targets)
        together.add(bucket.paired)
        together.add(iter(some))
        gathered.append((together._held_by, together._stays))
        dependent.append([dependent_on_start(bucket.paired, *move) for move in moves])
    assert gathered[0] == gathered[1]
    assert dependent[0] == dependent[1]
    assert any(dependent[0])
    assert any(gathered[0][0])
    assert any(gathered[0][1])


@pytest.mark.parametrize("seed", range(20))
def test_cells_add_up_alike(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(seed)
    two = Bucket(), Bucket()
    for bucket in two:
        bucket.add_all(additions(random, 40))
    compiled: dict[cells.Cell, list[int]] = {}
    plainly: dict[cells.Cell, list[int]] = {}
    before = [dict(bucket.plain) for bucket in two]
    for bucket in two:
        add_cells(compiled, bucket.plain)
    monkeypatch.setattr(buckets, "_sums", None)
    for bucket in two:
        add_cells(plainly, bucket.plain)
    assert compiled == plainly
    assert before == [bucket.plain for bucket in two]  # sums have lists of their own


def test_a_stay_without_steps_is_in_no_window_but_all(monkeypatch: pytest.MonkeyPatch) -> None:
    cell: cells.Cell = (STAY, "A", "", "", "", "", "", (BY_LOSS, EVERY, MAIN, 0, 0, 0, 0))
    found = []
    for compiled in (True, False):
        if not compiled:
            monkeypatch.setattr(sums, "_sums", None)
            monkeypatch.setattr(cells, "_sums", None)
        everything = ScopeSums(BEGINNING)
        everything.add_paired([(cell, 1, 7)])
        found.append((everything.by_scope, dependent_on_start({cell: [1, 7]}, -1, 1)))
        with pytest.raises(IndexError):
            ScopeSums(1).add_paired([(cell, 1, 7)])
    assert found[0] == found[1]
    assert found[0][0]["total", "", ""] == {(STAY, "", "", BY_LOSS): [1, 7]}


def test_what_is_no_paired_cell_is_told() -> None:
    with pytest.raises(TypeError, match="no paired cell"):
        PairedSums([ScopeSums(0)]).add([((STAY, "", "", "", "", "", "", (1,)), 1, 1)])
    with pytest.raises(TypeError, match="no paired cell"):
        dependent_on_start({(GONE, "", "", "", "", "", "", ()): [1, 1]}, 0, 1)


def test_what_is_no_addition_is_told() -> None:
    with pytest.raises(TypeError, match="no addition"):
        Bucket().add_all([((), 1)])  # type: ignore[list-item]
