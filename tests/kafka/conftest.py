"""Apache Kafka for the tests of this folder: one node for all, and clusters of a test's own where it harms them."""

import itertools
from collections.abc import Iterator

import pytest

from tests.kafka.broker import KafkaCluster

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaCluster]:
    with KafkaCluster() as cluster:
        yield cluster


@pytest.fixture
def prefix() -> str:
    """A test's own prefix of topics and groups."""
    return f"test{next(_numbers)}-"
