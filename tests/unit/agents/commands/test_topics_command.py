import shlex
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from agents.commands.topics import command
from agents.customer_links import TOPIC as CUSTOMER_LINKS
from agents.feeds import FEEDS
from agents.replay.datasets import DATASETS
from agents.topics import TOPICS, Direction, Topic
from config.settings import load

ENVIRONMENT = {
    "KAFKA_BROKERS": "a:1,b:2",
    "NETGROWTH_TOPIC_PREFIX": "p.",
    "NETGROWTH_GROUP_PREFIX": "g.",
    "NETGROWTH_PARTITIONS": "6",
    "NETGROWTH_REPLICATION_FACTOR": "3",
}


def lines_of(*arguments: str) -> list[str]:
    result = CliRunner(env=ENVIRONMENT).invoke(command, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_a_topic_is_made_only_if_something_reads_or_writes_it() -> None:
    replayed = {name for dataset in DATASETS.values() for name in dataset.topics}
    of_feeds = {topic for feed in FEEDS for topic in feed.topics}
    of_own_topics = {CUSTOMER_LINKS}
    assert {topic.name for topic in TOPICS} == of_feeds | replayed | of_own_topics


def test_a_topic_of_one_partition_has_one_whatever_the_setting() -> None:
    topic = Topic("whole", "any", Direction.OUT, "a test's own", retention_ms=None, one_partition=True)
    assert topic.partitions(load(ENVIRONMENT)) == 1


def test_print_shows_one_creation_command_a_topic() -> None:
    commands = [shlex.split(line) for line in lines_of("create", "--print") if line.startswith("kafka-topics.sh")]
    assert [words[words.index("--topic") + 1] for words in commands] == [f"p.{topic.name}" for topic in TOPICS]
    changelog = next(words for words in commands if "p.ledger-changelog" in words)
    assert changelog[changelog.index("--partitions") + 1] == "6"
    assert changelog[changelog.index("--replication-factor") + 1] == "3"
    for setting in ("cleanup.policy=compact", "min.compaction.lag.ms=3600000", "min.insync.replicas=2"):
        assert setting in changelog


def test_print_shows_the_access_rules_of_every_topic_and_of_our_groups() -> None:
    rules = [shlex.split(line) for line in lines_of("create", "--print") if line.startswith("kafka-acls.sh")]
    assert len(rules) == 2
    assert all("User:netgrowth" in words for words in rules)
    assert [after for word, after in pairwise(rules[0]) if word == "--topic"] == [f"p.{one.name}" for one in TOPICS]
    assert {"Read", "Write", "Describe"} < set(rules[0])
    assert "g.netgrowth" in rules[-1]
    assert "prefixed" in rules[-1]


def test_list_as_json_has_every_topic() -> None:
    rows = orjson.loads("\n".join(lines_of("list", "--json")))
    assert [row["name"] for row in rows] == [f"p.{topic.name}" for topic in TOPICS]
    assert {row["name"] for row in rows if row["compacted"]} == {
        "p.ledger-changelog",
        "p.scope-parts",
        "p.voice-changelog",
        "p.surge-changelog",
        "p.surge-watch",
        "p.surge-verdicts",
        "p.net-growth",
        "p.health-changelog",
        "p.health-parts",
        "p.status-changelog",
        "p.status-parts",
        "p.customer-health",
        "p.customers-in-trouble",
        "p.customer-links",
    }


def test_the_table_names_every_topic() -> None:
    table = "\n".join(lines_of("list"))
    assert all(f"p.{topic.name} " in table for topic in TOPICS)


@pytest.mark.parametrize("arguments", [["create"], ["create", "--print"], ["list"]])
def test_settings_that_cannot_be_used_are_status_2(arguments: list[str]) -> None:
    result = CliRunner(env={"NETGROWTH_PARTITIONS": "none"}).invoke(command, arguments)
    assert result.exit_code == 2
    assert "NETGROWTH_PARTITIONS is 'none'" in result.stderr


def test_own_topics_are_only_read(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(
        'name: own\nversion: "1"\ncurrency: EUR\ntime_zone: UTC\nvalue_model: {version: "1", field: v}\n'
        "native: {own_topics: [app.events, app.links]}\n"
    )
    printed = lines_of("create", "--print", "--definitions", str(file))
    (rule,) = (shlex.split(line) for line in printed if "app.events" in line)
    assert [after for word, after in pairwise(rule) if word == "--operation"] == ["Read", "Describe"]
    assert [after for word, after in pairwise(rule) if word == "--topic"] == ["app.events", "app.links"]
