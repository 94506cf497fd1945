"""`netgrowth topics`: which topics there are, and making them."""

import click
import orjson
from rich.console import Console
from rich.table import Column, Table

from agents.commands.environment import WrongInput, settings_from_environment
from agents.commands.ledger import load_definitions
from agents.own_topics import unreadable_topics, why_unreadable
from agents.topic_scripts import access_commands, creation_commands
from agents.topics import DAY_MS, FOR_EVER, TOPICS, BrokerUnreachable, Topic, ensure_topics


@click.group("topics")
def command() -> None:
    """The topics that netgrowth reads and writes.

    Settings: KAFKA_BROKERS and its credentials, NETGROWTH_TOPIC_PREFIX, NETGROWTH_PARTITIONS,
    NETGROWTH_REPLICATION_FACTOR, NETGROWTH_CREATE_TOPICS (docs/settings.md).

    Example: netgrowth topics create
    """


@command.command("create")
@click.option("--print", "print_only", is_flag=True, help="Show the commands and access rules; do nothing.")
@click.option("--definitions", "definitions_file", help="The definitions file, whose own topics must be there and "
              "readable; default: NETGROWTH_DEFINITIONS.")
def create(print_only: bool, definitions_file: str | None) -> None:
    """Make the topics that are missing, and check those that exist.

    Exit status 1 when a topic is missing or has another number of partitions. With --print: the
    kafka-topics.sh commands and the kafka-acls.sh rules for a cluster where you may create nothing.

    Example: netgrowth topics create --print | sh
    """
    settings = settings_from_environment()
    own_topics = tuple(load_definitions(definitions_file or str(settings.definitions)).own_topics)
    if print_only:
        click.echo("# Topics")
        for line in creation_commands(settings):
            click.echo(line)
        click.echo("# Access rules (with brokers older than 2.8 also: --operation IdempotentWrite --cluster)")
        for line in access_commands(settings, own_topics):
            click.echo(line)
        return
    try:
        states = ensure_topics(settings)
        unreadable = unreadable_topics(settings, own_topics)
    except BrokerUnreachable as error:
        raise WrongInput(str(error)) from error
    for name in states.created:
        click.echo(f"created  {name}")
    for name in states.existing:
        click.echo(f"exists   {name}")
    for name in states.missing:
        click.echo(f"missing  {name}")
    for name in own_topics:
        click.echo(f"{'missing ' if name in unreadable else 'yours   '} {name}")
    for fault in states.faults:
        click.echo(f"wrong    {fault}")
    if states.missing and not settings.create_topics:
        click.echo(
            "NETGROWTH_CREATE_TOPICS is false: have them created, `netgrowth topics create --print` shows how",
            err=True,
        )
    if unreadable:
        click.echo(why_unreadable(settings, unreadable), err=True)
    if states.missing or states.faults or unreadable:
        raise SystemExit(1)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of a table.")
def list_topics(as_json: bool) -> None:
    """Every topic: its key, who writes it, its partitions, how long it is kept. Asks no broker.

    Example: netgrowth topics list --json
    """
    settings = settings_from_environment()
    if as_json:
        rows = [
            {
                "name": settings.topic(topic.name),
                "key": topic.key,
                "direction": topic.direction,
                "partitions": topic.partitions(settings),
                "compacted": topic.compacted,
                "retention_ms": topic.retention_ms,
                "about": topic.about,
            }
            for topic in TOPICS
        ]
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
        return
    table = Table(Column("topic", no_wrap=True), "key", "direction", "partitions", "kept", "content")
    for topic in TOPICS:
        table.add_row(
            settings.topic(topic.name),
            topic.key,
            topic.direction,
            str(topic.partitions(settings)),
            _kept(topic),
            topic.about,
        )
    Console().print(table)


def _kept(topic: Topic) -> str:
    if topic.retention_ms is None:
        return "last of each key"
    return "for ever" if topic.retention_ms == FOR_EVER else f"{topic.retention_ms // DAY_MS} d"
