"""Kafka's own commands for a cluster on which netgrowth may create nothing: topics and access rules."""

import shlex
from collections.abc import Iterable, Iterator

from agents.topics import TOPICS
from config.settings import Settings

GROUPS = "netgrowth"
"""Every consumer group's name begins so, after the prefix."""


def creation_commands(settings: Settings) -> Iterator[str]:
    """One `kafka-topics.sh` command a topic."""
    for topic in TOPICS:
        words = ["kafka-topics.sh", *_servers(settings), "--create", "--if-not-exists"]
        words += ["--topic", settings.topic(topic.name), "--partitions", str(topic.partitions(settings))]
        words += ["--replication-factor", str(settings.replication_factor)]
        for name, text in topic.config(settings).items():
            words += ["--config", f"{name}={text}"]
        yield shlex.join(words)


def access_commands(settings: Settings, own_topics: Iterable[str] = ()) -> Iterator[str]:
    """The `kafka-acls.sh` commands for what workers and tools do; `own_topics`, by their full names, are only read.

    Tools write to input topics too (dead letters put back, the opening base), and read outputs, so every
    topic needs both rights. To write idempotently needs no right of its own since Kafka 2.8.
    """
    principal = f"User:{settings.sasl_user or 'netgrowth'}"
    begin = ["kafka-acls.sh", *_servers(settings), "--add", "--allow-principal", principal]
    rights = ["--operation", "Read", "--operation", "Write", "--operation", "Describe"]
    yield shlex.join([*begin, *rights, *_named(settings.topic(topic.name) for topic in TOPICS)])
    rights = ["--operation", "Read", "--operation", "Describe"]
    named = _named(own_topics)
    if named:
        yield shlex.join([*begin, *rights, *named])
    groups = ["--group", settings.group_prefix + GROUPS, "--resource-pattern-type", "prefixed"]
    yield shlex.join([*begin, *rights, *groups])


def _named(topics: Iterable[str]) -> list[str]:
    return [word for topic in topics for word in ("--topic", topic)]


def _servers(settings: Settings) -> list[str]:
    return ["--bootstrap-server", ",".join(settings.kafka_brokers)]
