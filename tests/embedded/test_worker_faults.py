"""What keeps a worker from starting is said in a sentence, with exit status 2."""

import socket

import pytest
from click.testing import CliRunner, Result

from agents.commands.worker import command
from agents.topics import ensure_topics
from config.settings import load

pytestmark = pytest.mark.embedded


def started(environment: dict[str, str]) -> Result:
    return CliRunner().invoke(command, env=environment)


def test_topics_that_may_not_be_created_are_named(environment: dict[str, str]) -> None:
    found = started(environment | {"NETGROWTH_CREATE_TOPICS": "false"})
    assert found.exit_code == 2
    assert f"{environment['NETGROWTH_TOPIC_PREFIX']}scope-parts" in found.output
    assert "topics create --print" in found.output


def test_a_taken_port_is_named_with_the_setting(environment: dict[str, str]) -> None:
    ensure_topics(load(environment))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        found = started(environment | {"NETGROWTH_WEB_PORT": port})
    assert found.exit_code == 2
    assert port in found.output
    assert "NETGROWTH_WEB_PORT" in found.output


def test_a_topic_with_another_number_of_partitions_is_named(environment: dict[str, str]) -> None:
    ensure_topics(load(environment))
    found = started(environment | {"NETGROWTH_PARTITIONS": "3"})
    assert found.exit_code == 2
    assert "customer-events" in found.output
