"""The crash suite in its short form; `make torture` is the long one.

NETGROWTH_TEST_SEED chooses other schedules. A schedule that was not exact is printed with its seed, and replays.
"""

import os
from concurrent.futures import Future

import pytest

from tests.kafka.torture.__main__ import told
from tests.kafka.torture.conftest import Start
from tests.kafka.torture.fault_points import POINTS, read_fate
from tests.kafka.torture.ground import Ground
from tests.kafka.torture.running import Outcome, run
from tests.kafka.torture.schedules import KINDS, ON_THREE_BROKERS, schedule

pytestmark = [pytest.mark.kafka, pytest.mark.exactness, pytest.mark.timeout(600)]

SEED = int(os.environ.get("NETGROWTH_TEST_SEED", "3"))
KILLS = 5
RECORDS = 5000
BESIDE_OTHERS = ("points", "zombie")
"""Kinds that harm nobody but their own workers."""


@pytest.fixture(scope="module")
def runs(start: Start) -> dict[str, Future[Outcome]]:
    return {kind: start(schedule(SEED, kind=kind, kills=KILLS, records=RECORDS)) for kind in BESIDE_OTHERS}


@pytest.mark.parametrize("kind", BESIDE_OTHERS)
def test_workers_die_and_come_back(runs: dict[str, Future[Outcome]], kind: str) -> None:
    outcome = runs[kind].result()
    assert outcome.is_exact, told(outcome)
    assert outcome.kills >= KILLS


def test_brokers_that_lead_die(three_brokers: Ground) -> None:
    outcome = run(schedule(SEED, kind="leader", kills=KILLS - 2, records=RECORDS), three_brokers)
    assert outcome.is_exact, told(outcome)
    assert outcome.kills >= KILLS - 2


def test_a_seed_says_all_of_its_schedule() -> None:
    for seed in range(2 * len(KINDS)):
        planned = schedule(seed)
        assert planned == schedule(seed)
        assert planned.kind == KINDS[seed % len(KINDS)]
        assert (planned.nodes == 3) is (planned.kind in ON_THREE_BROKERS)
        for fate in (fate for of_slot in planned.fates for fate in of_slot):
            assert read_fate(fate).point in POINTS
    any_twenty = [schedule(seed) for seed in range(7, 27)]
    assert sum(planned.nodes == 3 for planned in any_twenty) == 5
    assert sum(planned.kills for planned in any_twenty) >= 200
