"""Sending records to Kafka as a company's own systems would: keyed as Java's clients do, in order, acknowledged."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from agents.connection_faults import no_broker_answers
from agents.kafka_clients import kafka_python_options
from agents.replay.pacing import Pacer
from agents.replay.records import Outgoing
from agents.topics import BY_NAME, BrokerUnreachable, connect_admin, inspect_topics
from config.settings import Settings

LINGER_MS = 20
BATCH_BYTES = 256 << 10
LAST_WORDS_S = 10.0
"""How long a stopped replay waits for what it has already handed to the client."""


class TopicsNotReady(Exception):
    """Topics that are missing or wrong; sending would make the broker create them with one partition."""


@dataclass(slots=True)
class Sent:
    """What became of the records handed to the client."""

    records: int = 0
    at_us: int | None = None  # event time of the last one that had any
    newest: dict[str, int] = field(default_factory=dict)  # topic to the largest event time sent to it
    failed: int = 0
    first_failure: str = ""

    def failure(self, error: BaseException) -> None:
        """Count one record that the broker did not take."""
        self.failed += 1
        if not self.first_failure:
            self.first_failure = f"{type(error).__name__}: {error}"


def check_topics(settings: Settings, names: Iterable[str]) -> None:
    """Raise TopicsNotReady unless all these topics are there with the right number of partitions.

    Raises: BrokerUnreachable, too.
    """
    admin = connect_admin(settings)
    try:
        states = inspect_topics(admin, settings, [BY_NAME[name] for name in names])
    except KafkaError as error:
        raise BrokerUnreachable(f"the broker did not answer: {type(error).__name__}: {error}") from error
    finally:
        admin.close()
    faults = [f"{name} does not exist; create it with `netgrowth topics create`" for name in states.missing]
    faults += states.faults
    if faults:
        raise TopicsNotReady("\n".join(faults))


def create_producer(settings: Settings) -> KafkaProducer:
    """A producer that neither loses, repeats nor reorders; its partitioner is murmur2, as Java's.

    Raises: BrokerUnreachable.
    """
    try:
        return KafkaProducer(
            **kafka_python_options(settings),
            acks="all",
            enable_idempotence=True,
            linger_ms=LINGER_MS,
            batch_size=BATCH_BYTES,
            bootstrap_timeout_ms=10_000,
        )
    except (KafkaError, OSError) as error:
        raise BrokerUnreachable(no_broker_answers(settings)) from error


def send_records(
    records: Iterable[Outgoing],
    producer: Any,
    settings: Settings,
    pacer: Pacer,
    sent: Sent,
    on_sent: Callable[[Sent], None] = lambda _: None,
) -> bool:
    """Send every record when it is due, and wait until the broker has them all.

    Args:
        producer: as `create_producer` makes it; Kafka's timestamp of a record is the moment it is sent.
        sent: counts as it goes, so that another thread may look at it.
        on_sent: called after each record, cheap.
    Returns: False when the pacer was stopped before the end; what was sent until then is delivered.
    """
    complete = True
    full_names: dict[str, str] = {}
    for record in records:
        if not pacer.wait(record.at_us):
            complete = False
            break
        name = full_names.get(record.topic)
        if name is None:
            name = full_names[record.topic] = settings.topic(record.topic)
        try:
            producer.send(name, key=record.key, value=record.value).add_errback(sent.failure)
        except KafkaError as error:
            sent.failure(error)
        sent.records += 1
        if record.at_us is not None:
            sent.at_us = record.at_us
            sent.newest[record.topic] = record.at_us
        on_sent(sent)
    try:
        producer.flush(timeout=None if complete else LAST_WORDS_S)
    except KafkaError as error:
        sent.failure(error)
    return complete
