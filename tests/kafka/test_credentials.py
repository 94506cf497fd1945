"""TLS and SCRAM against Apache Kafka: every client that netgrowth has, and a worker that may create nothing."""

import asyncio
import subprocess
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from click.testing import CliRunner
from kafka import KafkaConsumer

from agents.commands.dead_letters import command as dead_letters
from agents.commands.replay import command as replay
from agents.commands.topics import command as topics
from agents.commands.worker import command as worker
from agents.kafka_clients import aiokafka_options, kafka_python_options
from agents.replay.sending import create_producer
from agents.topic_reading import read_topic
from agents.topics import TOPICS, ensure_topics
from config.settings import Settings, load
from tests.kafka.secured import ADMIN, STRANGER, SecuredKafka
from tests.live_ledger import COMMAND, ROOT, LiveWorker, assert_balanced

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-512")


def own(environment: dict[str, str], prefix: str) -> dict[str, str]:
    """The login, in a corner of the cluster of its own."""
    return environment | {"NETGROWTH_TOPIC_PREFIX": prefix, "NETGROWTH_GROUP_PREFIX": prefix}


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_every_client_writes_and_reads(secured_kafka: SecuredKafka, prefix: str, mechanism: str) -> None:
    settings = load(own(secured_kafka.environment(ADMIN, mechanism), prefix))
    made = ensure_topics(settings)
    assert made.created
    assert not made.faults
    producer = create_producer(settings)
    producer.send(settings.topic("customer-events"), key=b"a", value=b"by kafka-python").get(20)
    producer.close()
    asyncio.run(write_and_read(settings))
    found: list[bytes] = []
    read_topic(settings, "customer-events", lambda _, records: found.extend(record.value for record in records))
    assert sorted(found) == [b"by aiokafka", b"by kafka-python"]
    reader = KafkaConsumer(
        settings.topic("customer-events"), **kafka_python_options(settings), group_id=settings.group("reader"),
        auto_offset_reset="earliest", consumer_timeout_ms=20_000,
    )
    assert sorted([next(reader).value, next(reader).value]) == sorted(found)
    reader.close()


async def write_and_read(settings: Settings) -> None:
    topic = settings.topic("customer-events")
    async with AIOKafkaProducer(**aiokafka_options(settings)) as producer:
        await producer.send_and_wait(topic, b"by aiokafka", key=b"b")
    consumer = AIOKafkaConsumer(
        topic, **aiokafka_options(settings), group_id=settings.group("aio"), auto_offset_reset="earliest"
    )
    async with consumer, asyncio.timeout(30):
        assert {(await consumer.getone()).value, (await consumer.getone()).value} == {
            b"by aiokafka", b"by kafka-python",
        }  # fmt: skip


def test_a_worker_needs_no_more_than_the_printed_topics_and_rights(
    secured_kafka: SecuredKafka, prefix: str, tmp_path: Path
) -> None:
    environment = own(secured_kafka.environment(), prefix) | {"NETGROWTH_CREATE_TOPICS": "false"}
    before = CliRunner(env=environment).invoke(topics, ["create"])
    assert before.exit_code == 1
    assert f"missing  {prefix}customer-events" in before.stdout
    printed = CliRunner(env=environment).invoke(topics, ["create", "--print"]).stdout.splitlines()
    secured_kafka.as_admin(line for line in printed if not line.startswith("#"))
    after = CliRunner(env=environment).invoke(topics, ["create"])
    assert (after.exit_code, after.stdout.count("exists")) == (0, len(TOPICS))
    # It was granted what is there, and to create nothing.
    more = load(environment | {"NETGROWTH_TOPIC_PREFIX": f"{prefix}more.", "NETGROWTH_CREATE_TOPICS": "true"})
    faults = ensure_topics(more).faults
    assert len(faults) == len(TOPICS)
    assert "the user netgrowth may not create it" in faults[0]
    assert "netgrowth topics create --print" in faults[0]

    running = LiveWorker(environment, tmp_path).wait_ready()
    try:
        settings = load(environment)
        producer = create_producer(settings)
        for number in range(40):
            told = {"event_id": f"{number}", "at": f"2025-03-03T10:{number:02}:00Z", "customer_id": f"c{number}",
                    "fact": "joined" if number % 4 else "nonsense", "value": 100}  # fmt: skip
            producer.send(settings.topic("customer-events"), key=f"c{number}".encode(), value=orjson.dumps(told))
        producer.close()
        ledger = running.ledger_of(40)
        assert ledger["total"]["new"] == {"customers": 30, "value": 3000}
        assert ledger["accounting"]["dead_lettered"] == {"unknown_fact": 10}
        assert_balanced(ledger)
    finally:
        assert running.process.stop() == 0
    listed = CliRunner(env=environment).invoke(dead_letters, ["list"])
    assert "unknown_fact: 10 records" in listed.stdout


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            {"NETGROWTH_SASL_PASSWORD": "wrong"},
            "refuses the user netgrowth; check NETGROWTH_SASL_USER and NETGROWTH_SASL_PASSWORD",
        ),
        ({"NETGROWTH_SASL_USER": "nobody"}, "refuses the user nobody; check NETGROWTH_SASL_USER and"),
        ({"NETGROWTH_SASL_MECHANISM": "PLAIN"}, "does not take NETGROWTH_SASL_MECHANISM PLAIN"),
        ({"NETGROWTH_TLS_CA_FILE": ""}, "is not trusted"),
        ({"NETGROWTH_TLS_CA_FILE": "another"}, "let NETGROWTH_TLS_CA_FILE name the certificate of the authority"),
        (
            {"NETGROWTH_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "NETGROWTH_TLS_CA_FILE": ""},
            "NETGROWTH_SECURITY_PROTOCOL is SASL_PLAINTEXT: is that what it speaks there",
        ),
    ],
)
def test_what_is_wrong_with_a_login_is_named_with_its_setting(
    secured_kafka: SecuredKafka, wrong: dict[str, str], told: str
) -> None:
    environment = secured_kafka.environment() | wrong
    if environment["NETGROWTH_TLS_CA_FILE"] == "another":
        environment["NETGROWTH_TLS_CA_FILE"] = str(secured_kafka.another_authority)
    found = CliRunner(env=environment).invoke(topics, ["create"])
    assert found.exit_code == 2, found.output
    assert told in found.stderr
    assert found.stderr.count("\n") == 1


def test_every_command_says_so_in_one_line(secured_kafka: SecuredKafka) -> None:
    environment = secured_kafka.environment() | {"NETGROWTH_SASL_PASSWORD": "wrong"}
    for command, words in ((worker, []), (replay, ["online-retail"]), (dead_letters, ["list"])):
        found = CliRunner(env=environment).invoke(command, words)
        assert found.exit_code == 2, found.output
        assert "check NETGROWTH_SASL_USER and NETGROWTH_SASL_PASSWORD" in found.stderr
    started = subprocess.run(
        [*COMMAND, "topics", "create"], cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", **environment},
    )  # fmt: skip
    assert started.returncode == 2
    assert started.stderr.count("\n") == 1, started.stderr
    assert started.stdout == ""


def test_a_user_without_rights_is_told_whose_they_are(secured_kafka: SecuredKafka, prefix: str) -> None:
    found = CliRunner(env=own(secured_kafka.environment(STRANGER), prefix)).invoke(topics, ["create"])
    assert found.exit_code == 1
    assert f"wrong    {prefix}customer-events: the user stranger may not create it" in found.stdout
