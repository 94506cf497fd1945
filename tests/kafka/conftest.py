"""Apache Kafka for the tests of this folder: one node for all, and clusters of a test's own where it harms them."""

import itertools
from collections.abc import Iterator

import pytest

from tests.kafka.broker import KafkaCluster
from tests.kafka.secured import SecuredKafka

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaCluster]:
    with KafkaCluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def secured_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """TLS and SCRAM, without any topic or right: each test grants what it needs under a prefix of its own."""
    with SecuredKafka(tmp_path_factory.mktemp("secured")) as secured:
        yield secured


@pytest.fixture
def prefix() -> str:
    """A test's own prefix of topics and groups."""
    return f"test{next(_numbers)}-"
