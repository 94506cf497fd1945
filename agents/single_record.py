"""Sending one record, for commands."""

from kafka import KafkaProducer
from kafka.errors import KafkaError

from agents.connection_faults import no_broker_answers, refused_login
from agents.kafka_clients import kafka_python_options
from agents.topics import BY_NAME, BrokerUnreachable, ensure_topics
from config.settings import Settings

TIMEOUT_S = 20


def send_record(settings: Settings, name: str, key: bytes, value: bytes | None) -> None:
    """Send a record to a topic of one partition, and wait until the brokers have it; `name` is without prefix.

    Raises: BrokerUnreachable, also when the topic is not there as it must be.
    """
    states = ensure_topics(settings, [BY_NAME[name]])
    if states.faults:
        raise BrokerUnreachable("; ".join(states.faults))
    if states.missing:
        raise BrokerUnreachable(f"{', '.join(states.missing)} is missing; see `netgrowth topics create`")
    refused = refused_login(settings)
    if refused is not None:
        raise BrokerUnreachable(refused)
    try:
        producer = KafkaProducer(**kafka_python_options(settings), acks="all")
    except (KafkaError, OSError) as error:
        raise BrokerUnreachable(no_broker_answers(settings)) from error
    try:
        producer.send(settings.topic(name), key=key, value=value, partition=0).get(timeout=TIMEOUT_S)
    except KafkaError as error:
        raise BrokerUnreachable(f"{settings.topic(name)} took no record: {error or type(error).__name__}") from error
    finally:
        producer.close(timeout=TIMEOUT_S)
