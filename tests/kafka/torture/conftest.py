"""One broker for the aimed schedules, a cluster of three for those that need it, and each run only once."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.kafka.torture.ground import Ground
from tests.kafka.torture.running import Outcome, run
from tests.kafka.torture.schedules import Schedule

AT_ONCE = 3
"""Aimed schedules mostly wait: for a session to time out, for a clock to come to rest."""

Start = Callable[[Schedule], Future[Outcome]]


@pytest.fixture(scope="session")
def one_broker() -> Iterator[Ground]:
    with Ground(1) as ground:
        yield ground


@pytest.fixture(scope="session")
def three_brokers() -> Iterator[Ground]:
    with Ground(3) as ground:
        yield ground


@pytest.fixture(scope="session")
def start(one_broker: Ground) -> Iterator[Start]:
    """Begin a schedule on the one broker, beside others."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield lambda schedule: pool.submit(run, schedule, one_broker)
        pool.shutdown(cancel_futures=True)
