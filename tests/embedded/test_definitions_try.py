"""`definitions try` reads the last records of a topic under its own name, and leaves no trace."""

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from agents.commands.definitions import command

pytestmark = pytest.mark.embedded

TOPIC = "billing.invoices.v2"


@pytest.fixture
def invoices(broker_address: str) -> Iterator[str]:
    admin = KafkaAdminClient(bootstrap_servers=broker_address)
    admin.create_topics([NewTopic(TOPIC, 3, 1)])
    producer = KafkaProducer(bootstrap_servers=broker_address)
    sent = []
    for number in range(60):
        fact = {"fact": "joined", "at": number, "event_id": str(number), "customer_id": f"c{number}"}
        line = json.dumps(fact).encode()
        sent.append(producer.send(TOPIC, line, partition=number % 3, timestamp_ms=1000 + number))
    for one in sent:
        one.get(30)
    yield broker_address
    admin.delete_topics([TOPIC])
    producer.close()
    admin.close()


def test_the_last_records_of_a_topic(invoices: str) -> None:
    result = CliRunner(env={"KAFKA_BROKERS": invoices}).invoke(
        command, ["try", "native", "--topic", TOPIC, "--last", "10", "--json"]
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["records"] == 10
    assert json.loads(found["kinds"][0]["examples"][0])["event_id"] == "50"


def test_a_topic_that_is_not_there_is_named(invoices: str) -> None:
    result = CliRunner(env={"KAFKA_BROKERS": invoices}).invoke(command, ["try", "native", "--topic", "nowhere"])
    assert result.exit_code == 2
    assert "there is no topic nowhere" in result.stderr
