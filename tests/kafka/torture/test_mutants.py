"""The suite can fail: every seeded bug turns it red, by a schedule aimed at it that is green without the bug.

`-s` shows what of it was found first.
"""

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace

import pytest

from tests.kafka.torture.aims import AIMED_AT, AIMS, GOES, SEED
from tests.kafka.torture.conftest import Start
from tests.kafka.torture.mutants import MUTANTS
from tests.kafka.torture.running import Outcome

pytestmark = [pytest.mark.torture, pytest.mark.timeout(600)]

Runs = dict[str, Future[Outcome]]


@pytest.fixture(scope="module")
def runs(start: Start) -> Iterator[Runs]:
    """All aimed schedules, without a bug and with each, on their way."""
    plain = {name: start(schedule) for name, schedule in AIMS.items()}
    with_bug = {name: start(replace(AIMS[aim], mutant=name)) for name, aim in AIMED_AT.items()}
    yield plain | with_bug
    for run in (*plain.values(), *with_bug.values()):
        run.cancel()


def test_every_mutant_has_its_schedule() -> None:
    assert AIMED_AT.keys() == MUTANTS.keys()


@pytest.mark.parametrize("aim", AIMS)
def test_without_a_bug_the_schedule_is_exact(runs: Runs, aim: str) -> None:
    outcome = runs[aim].result()
    assert outcome.faults == []
    assert outcome.kills >= AIMS[aim].kills


@pytest.mark.parametrize("mutant", AIMED_AT)
def test_a_seeded_bug_is_found(runs: Runs, start: Start, mutant: str) -> None:
    faults, seed = runs[mutant].result().faults, SEED
    while not faults and seed < SEED + GOES - 1:
        seed += 1
        faults = start(replace(AIMS[AIMED_AT[mutant]], mutant=mutant, seed=seed)).result().faults
    print(f"{mutant}, seed {seed}: {faults[:1]}")
    assert faults != []
