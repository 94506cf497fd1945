"""What trial and tests rely on: topics as ours are made, every producer's codec read back, ports, restarts."""

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka import KafkaConsumer

from agents.kafka_clients import aiokafka_options, kafka_python_options
from agents.replay.sending import create_producer
from agents.topics import TOPICS, BrokerUnreachable, Topic, connect_admin, ensure_topics, inspect_topics
from agents.trial.broker import EmbeddedBroker
from agents.trial.ports import free_port, is_free
from config.settings import Settings, load

pytestmark = pytest.mark.embedded


def test_topics_are_made_once_and_found_afterwards(settings: Settings) -> None:
    made = ensure_topics(settings)
    assert made.created == tuple(settings.topic(topic.name) for topic in TOPICS)
    assert (made.existing, made.missing, made.faults) == ((), (), ())
    again = ensure_topics(settings)
    assert again.existing == made.created
    assert (again.created, again.missing, again.faults) == ((), (), ())


def test_without_the_right_to_create_topics_they_are_named_and_not_made(environment: dict[str, str]) -> None:
    settings = load({**environment, "NETGROWTH_CREATE_TOPICS": "false"})
    for _ in range(2):
        states = ensure_topics(settings)
        assert len(states.missing) == len(TOPICS)
        assert states.created == ()


def test_another_number_of_partitions_is_named_and_left_alone(environment: dict[str, str]) -> None:
    ensure_topics(load({**environment, "NETGROWTH_PARTITIONS": "2"}), TOPICS[:2])
    states = ensure_topics(load(environment), TOPICS[:3])
    name = load(environment).topic(TOPICS[0].name)
    assert states.created == (load(environment).topic(TOPICS[2].name),)
    assert len(states.faults) == 2
    assert states.faults[0].startswith(f"{name} has 2 partitions, NETGROWTH_PARTITIONS is 4")
    assert "NETGROWTH_PARTITIONS=2" in states.faults[0]


def test_a_topic_refused_by_the_broker_is_told_by_its_name(environment: dict[str, str]) -> None:
    settings = load({**environment, "NETGROWTH_REPLICATION_FACTOR": "3"})
    states = ensure_topics(settings, TOPICS[:1])
    name = settings.topic(TOPICS[0].name)
    if states.created:
        pytest.skip("this broker takes any replication factor")
    assert states.missing == (name,)
    assert states.faults[0].startswith(f"{name} could not be created")


def test_a_broker_that_does_not_answer_is_named() -> None:
    address = f"127.0.0.1:{free_port(0)}"
    with pytest.raises(BrokerUnreachable, match=address):
        connect_admin(load({"KAFKA_BROKERS": address}), timeout_s=0.5)


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
def test_records_of_every_codec_are_read_as_they_were_sent(settings: Settings, codec: str | None) -> None:
    ensure_topics(settings, TOPICS[:1])
    topic = settings.topic(TOPICS[0].name)
    values = [b'{"n":%d,"text":"%s"}' % (n, b"again " * 50) for n in range(300)]

    async def send_and_read() -> list[bytes]:
        producer = AIOKafkaProducer(**aiokafka_options(settings), compression_type=codec, acks="all")
        await producer.start()
        try:
            for value in values:
                await producer.send(topic, value, key=b"c_1")
            await producer.flush()
        finally:
            await producer.stop()
        consumer = AIOKafkaConsumer(**aiokafka_options(settings), enable_auto_commit=False)
        await consumer.start()
        try:
            partitions = [TopicPartition(topic, n) for n in range(settings.partitions)]
            consumer.assign(partitions)
            await consumer.seek_to_beginning()
            read: list[bytes] = []
            while len(read) < len(values):
                batches = await consumer.getmany(timeout_ms=5000)
                assert batches, f"only {len(read)} records came back"
                read += [record.value for records in batches.values() for record in records]
        finally:
            await consumer.stop()
        return read

    assert asyncio.run(send_and_read()) == values


def test_input_topics_keep_the_time_of_appending_whatever_the_sender_says(settings: Settings) -> None:
    ensure_topics(settings, TOPICS[:1])
    topic = settings.topic(TOPICS[0].name)
    producer = create_producer(settings)
    producer.send(topic, key=b"c_1", value=b"{}", timestamp_ms=1_000).get(timeout=10)
    producer.close()
    consumer = KafkaConsumer(
        topic, **kafka_python_options(settings), auto_offset_reset="earliest", consumer_timeout_ms=5000
    )
    try:
        assert abs(next(consumer).timestamp / 1000 - time.time()) < 60
    finally:
        consumer.close()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_gives_another_one(taken_port: int) -> None:
    assert not is_free(taken_port)
    with EmbeddedBroker(port=taken_port) as broker:
        assert broker.is_running
        assert broker.address != f"127.0.0.1:{taken_port}"
        assert not is_free(int(broker.address.rpartition(":")[2]))


def test_records_are_still_there_after_an_orderly_restart_in_the_same_folder(tmp_path: Path) -> None:
    topic = Topic("kept", "any", TOPICS[0].direction, "a test's own", retention_ms=-1)
    with EmbeddedBroker(folder=tmp_path) as broker:
        settings = load({"KAFKA_BROKERS": broker.address})
        ensure_topics(settings, [topic])
        producer = create_producer(settings)
        producer.send(topic.name, key=b"c_1", value=b"{}").get(timeout=10)
        producer.close()
    assert not broker.is_running
    with EmbeddedBroker(folder=tmp_path) as broker:
        settings = load({"KAFKA_BROKERS": broker.address})
        admin = connect_admin(settings)
        try:
            assert inspect_topics(admin, settings, [topic]).existing == ("kept",)
        finally:
            admin.close()
        consumer = KafkaConsumer(
            "kept", **kafka_python_options(settings), auto_offset_reset="earliest", consumer_timeout_ms=5000
        )
        try:
            assert next(consumer).value == b"{}"
        finally:
            consumer.close()
