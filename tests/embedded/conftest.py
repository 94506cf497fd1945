"""The embedded broker, one for all tests of this folder; each test uses topics and groups of its own prefix."""

import itertools
from collections.abc import Iterator

import pytest

from agents.trial.broker import EmbeddedBroker
from config.settings import Settings, load

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def broker_address() -> Iterator[str]:
    with EmbeddedBroker() as broker:
        yield broker.address


@pytest.fixture
def environment(broker_address: str) -> dict[str, str]:
    """Environment names and texts of a test's own corner of the broker."""
    prefix = f"test{next(_numbers)}."
    return {
        "KAFKA_BROKERS": broker_address,
        "NETGROWTH_TOPIC_PREFIX": prefix,
        "NETGROWTH_GROUP_PREFIX": prefix,
    }


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    return load(environment)
