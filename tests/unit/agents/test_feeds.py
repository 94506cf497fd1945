"""Which feeds a worker can read."""

from collections.abc import Iterable

import pytest

from agents import feeds
from agents.feeds import FEEDS, LEDGER, Feed, MissingTopics, usable_feeds
from agents.topics import Topic, TopicStates
from config.settings import load

OPTIONAL = Feed("qos-signals", frozenset({"dead-letters"}), ("interactions",), without="Health is not measured")


def with_states(monkeypatch: pytest.MonkeyPatch, **of_topic: TopicStates) -> None:
    """Answer for a broker on which these topics are missing or wrong, and all others are there."""

    def ensure(settings: object, topics: Iterable[Topic]) -> TopicStates:
        names = {topic.name for topic in topics}
        return next((states for name, states in of_topic.items() if name.replace("_", "-") in names), TopicStates())

    monkeypatch.setattr(feeds, "ensure_topics", ensure)


def test_all_feeds_whose_topics_are_there_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with_states(monkeypatch)
    assert usable_feeds(load({}), (LEDGER, OPTIONAL)) == {"customer-events", "qos-signals"}


def test_an_optional_feed_is_left_out_and_told_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with_states(monkeypatch, qos_signals=TopicStates(missing=("qos-signals",)))
    assert usable_feeds(load({}), (LEDGER, OPTIONAL)) == {"customer-events"}
    assert "Health is not measured: topics are missing: qos-signals" in caplog.text


def test_a_needed_feed_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with_states(monkeypatch, ledger_changelog=TopicStates(faults=("ledger-changelog has 3 partitions",)))
    with pytest.raises(MissingTopics, match="ledger-changelog has 3 partitions"):
        usable_feeds(load({}), (LEDGER, OPTIONAL))


def test_a_topic_for_which_others_answer_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    with_states(monkeypatch, customer_events=TopicStates(missing=("customer-events",)))
    assert usable_feeds(load({}), [LEDGER], without=[LEDGER.topic]) == {"customer-events"}


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("qos_signals", "What customers experience is not counted"),
        ("service_status", "What operations say is not read, so that false green is unknown"),
    ],
)
def test_a_cluster_without_signals_or_statuses_runs_all_the_rest(
    missing: str, told: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name = missing.replace("_", "-")
    with_states(monkeypatch, **{missing: TopicStates(missing=(name,), faults=(f"{name}: may not create it",))})
    assert usable_feeds(load({})) == {feed.topic for feed in FEEDS} - {name}
    assert told in caplog.text
