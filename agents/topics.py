"""Every topic as data: its key, who writes it, how it is kept; and making sure that they exist as they must.

Source of names and keys: the table of topics in the architecture.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic, sleep
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError, TopicAuthorizationFailedError

from agents.connection_faults import no_broker_answers, refused_login
from agents.kafka_clients import kafka_python_options
from config.settings import Settings

DAY_MS = 86_400_000
FOR_EVER = -1
LONGEST_PAUSE_MS = 3_600_000
"""Compaction leaves records of the last hour: a worker that was paused for less can not have
overwritten a newer state unnoticed, because the newer record is still there."""

SEEN_WITHIN_S = 10.0
"""So long a topic that has been made may be unknown to the broker that is asked."""

PACKED_RECORD_BYTES = 8 << 20
"""Largest record of topics whose records are packed batches of ours."""


class Direction(StrEnum):
    """Who writes a topic and who reads it."""

    IN = "in"  # written by others, read by the worker
    BETWEEN = "between"  # written and read by workers
    OUT = "out"  # written by the worker, read by others and, where needed, back by the workers


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `retention_ms` is None where the topic is compacted."""

    name: str
    key: str
    direction: Direction
    about: str
    retention_ms: int | None
    one_partition: bool = False
    packed: bool = False

    @property
    def compacted(self) -> bool:
        """Whether only the last record of each key is kept."""
        return self.retention_ms is None

    def partitions(self, settings: Settings) -> int:
        """How many partitions it must have: all that are keyed by customer have the same number."""
        return 1 if self.one_partition else settings.partitions

    def config(self, settings: Settings) -> dict[str, str]:
        """The broker's settings of the topic, names and texts as Kafka has them."""
        config: dict[str, str] = {}
        if self.retention_ms is None:
            config["cleanup.policy"] = "compact"
            config["min.compaction.lag.ms"] = str(LONGEST_PAUSE_MS)
            # A worker that was paused appends records that it made before: the hour begins when they are there.
            config["message.timestamp.type"] = "LogAppendTime"
        else:
            config["cleanup.policy"] = "delete"
            config["retention.ms"] = str(self.retention_ms)
        if self.direction is Direction.IN:
            # Freshness is judged by when a record was appended, whatever clock its sender has.
            config["message.timestamp.type"] = "LogAppendTime"
        if self.packed:
            config["max.message.bytes"] = str(PACKED_RECORD_BYTES)
        if settings.replication_factor >= 3:
            config["min.insync.replicas"] = "2"
        return config


_IN, _BETWEEN, _OUT = Direction.IN, Direction.BETWEEN, Direction.OUT

TOPICS = (
    Topic("customer-events", "customer id", _IN, "what the silos say of customers", 30 * DAY_MS),
    Topic("qos-signals", "customer id", _IN, "interactions as customers experienced them", 7 * DAY_MS),
    Topic("service-status", "service", _IN, "what operations say of services", 30 * DAY_MS),
    Topic("social-mentions", "author id", _IN, "what people said", 30 * DAY_MS),
    Topic("survey-responses", "customer id", _IN, "answers to surveys", 90 * DAY_MS),
    Topic("ledger-changelog", "source partition, customer or scope", _BETWEEN, "the ledger's durable state", None,
          packed=True),
    Topic("scope-parts", "source partition, scope, bucket", _BETWEEN, "each partition's share of the tables", None,
          packed=True),
    Topic("voice-changelog", "source partition", _BETWEEN, "how far mentions are read, and what became of them", None,
          packed=True),
    Topic("voice-digests", "source partition", _BETWEEN, "mentions without their texts, packed", 3 * DAY_MS,
          packed=True),
    Topic("health-changelog", "hour of signals, minute or customer", _BETWEEN, "the durable state of health", None,
          packed=True),
    Topic("health-parts", "source partition, service, minute", _BETWEEN, "each partition's share of health", None,
          packed=True),
    Topic("status-changelog", "service, stage, region", _BETWEEN, "the durable state of what operations say", None,
          packed=True),
    Topic("status-parts", "source partition, service, stage, region", _BETWEEN, "what operations say", None,
          packed=True),
    Topic("customer-health", "scope and window", _OUT, "health as customers perceive it", None),
    Topic("customers-in-trouble", "customer id", _OUT, "who is disrupted now; a tombstone when it is over", None),
    Topic("movements", "source partition", _OUT, "movements of one batch, with their causes", 90 * DAY_MS,
          packed=True),
    Topic("net-growth", "scope and window", _OUT, "the running tables", None),
    Topic("customer-links", "id of a silo", _BETWEEN, "the customer whose alias an id is", None),
    Topic("editions", "edition", _BETWEEN, "which edition took over from which", FOR_EVER, one_partition=True),
    Topic("actions", "scope", _IN, "what the company did itself, and what it expected of it", 365 * DAY_MS,
          one_partition=True),
    Topic("surge-changelog", "series", _BETWEEN, "the durable state of the detectors", None, one_partition=True,
          packed=True),
    Topic("surges", "series", _OUT, "surges that opened, were updated, closed", 365 * DAY_MS, one_partition=True),
    Topic("surge-watch", "detectors", _OUT, "how many series the detectors watch, and what comes before losses", None,
          one_partition=True),
    Topic("surge-verdicts", "surge id", _OUT, "what people say of surges", None, one_partition=True),
    Topic("dead-letters", "topic-partition-offset", _OUT, "records that could not be admitted", 14 * DAY_MS,
          packed=True),
)
"""What the program of today reads or writes; a topic that nothing uses is not made on anybody's cluster."""

BY_NAME = {topic.name: topic for topic in TOPICS}
"""Topic name without prefix to the topic."""


class BrokerUnreachable(Exception):
    """No broker answers; the text says which were asked and what to look at."""


@dataclass(frozen=True, slots=True)
class TopicStates:
    """What was found, full names: existing and right, missing, made just now, and a sentence for each fault."""

    existing: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def connect_admin(settings: Settings, timeout_s: float = 10.0) -> KafkaAdminClient:
    """A connected admin client; the caller closes it.

    Raises: BrokerUnreachable.
    """
    refused = refused_login(settings)
    if refused is not None:
        raise BrokerUnreachable(refused)
    try:
        return KafkaAdminClient(**kafka_python_options(settings), bootstrap_timeout_ms=int(timeout_s * 1000))
    except (KafkaError, OSError) as error:
        raise BrokerUnreachable(no_broker_answers(settings)) from error


def inspect_topics(
    admin: KafkaAdminClient, settings: Settings, topics: Iterable[Topic] = TOPICS
) -> TopicStates:
    """Which topics are there with the right number of partitions, which are not there, which are wrong."""
    found = {
        described["name"]: len(described["partitions"])
        for described in admin.describe_topics()
        if not described["error_code"]
    }
    existing, missing, faults = [], [], []
    for topic in topics:
        name, wanted = settings.topic(topic.name), topic.partitions(settings)
        if name not in found:
            missing.append(name)
        elif found[name] == wanted:
            existing.append(name)
        elif topic.one_partition:
            faults.append(f"{name} has {found[name]} partitions and must have 1; delete it and create it again")
        else:
            faults.append(
                f"{name} has {found[name]} partitions, NETGROWTH_PARTITIONS is {wanted}: keys would lie elsewhere; "
                f"set NETGROWTH_PARTITIONS={found[name]} if all topics have so many, "
                "else delete the topic and create it again"
            )
    return TopicStates(existing=tuple(existing), missing=tuple(missing), faults=tuple(faults))


def ensure_topics(
    settings: Settings, topics: Iterable[Topic] = TOPICS, admin: KafkaAdminClient | None = None
) -> TopicStates:
    """Make the topics that are missing, if that is allowed; those that exist are checked and never changed.

    Raises: BrokerUnreachable.
    """
    wanted = tuple(topics)
    client = admin if admin is not None else connect_admin(settings)
    try:
        states = inspect_topics(client, settings, wanted)
        if not states.missing or not settings.create_topics:
            return states
        answer = client.create_topics(
            {
                settings.topic(topic.name): {
                    "num_partitions": topic.partitions(settings),
                    "replication_factor": settings.replication_factor,
                    "configs": topic.config(settings),
                }
                for topic in wanted
                if settings.topic(topic.name) in states.missing
            },
            raise_errors=False,
        )
        refused = {made["name"]: made for made in answer["topics"] if made["error_code"]}
        after = _until_seen(client, settings, wanted, refused)
    except KafkaError as error:
        raise BrokerUnreachable(f"the broker did not answer: {type(error).__name__}: {error}") from error
    finally:
        if admin is None:
            client.close()
    # Someone else may have made the topic meanwhile: what counts is that it is there, and right.
    faults = [_not_created(name, made, settings) for name, made in refused.items() if name in after.missing]
    return TopicStates(
        existing=states.existing,
        missing=after.missing,
        created=tuple(name for name in states.missing if name not in after.missing),
        faults=(*after.faults, *faults),
    )


def _until_seen(
    admin: KafkaAdminClient, settings: Settings, wanted: Sequence[Topic], refused: Mapping[str, dict[str, Any]]
) -> TopicStates:
    """What is there after topics were made, by us or by another worker in the same second.

    A broker may not know yet of a topic that another one has just made.
    """
    until = monotonic() + SEEN_WITHIN_S
    while True:
        after = inspect_topics(admin, settings, wanted)
        made = [
            name for name in after.missing
            if name not in refused or refused[name]["error_code"] == TopicAlreadyExistsError.errno
        ]  # fmt: skip
        if not made or monotonic() > until:
            return after
        sleep(0.1)


def _not_created(name: str, made: dict[str, Any], settings: Settings) -> str:
    if made["error_code"] == TopicAuthorizationFailedError.errno:
        user = f"the user {settings.sasl_user}" if settings.sasl_user else "this client"
        return (
            f"{name}: {user} may not create it, and does not see it if it is there; have whoever may run the "
            "commands of `netgrowth topics create --print`"
        )
    return f"{name} could not be created: {made['error_message'] or 'error ' + str(made['error_code'])}"
