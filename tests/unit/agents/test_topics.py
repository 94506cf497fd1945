"""Making topics beside another worker that makes them in the same second."""

from typing import Any

import pytest
from kafka.errors import TopicAlreadyExistsError, TopicAuthorizationFailedError

from agents import topics
from agents.topics import TOPICS, ensure_topics
from config.settings import load

TOPIC = TOPICS[0]
SETTINGS = load({})


class Broker:
    """Answers for a broker on which somebody else makes the topic, seen after so many looks."""

    def __init__(self, error: type[Exception], seen_after: int) -> None:
        self._error = error
        self._looks = -seen_after

    def describe_topics(self) -> list[dict[str, Any]]:
        self._looks += 1
        if self._looks <= 0:
            return []
        partitions = [{}] * TOPIC.partitions(SETTINGS)
        return [{"name": TOPIC.name, "partitions": partitions, "error_code": 0}]

    def create_topics(self, wanted: Any, **_: Any) -> dict[str, Any]:
        [name] = wanted
        return {"topics": [{"name": name, "error_code": self._error.errno, "error_message": "no"}]}


def test_a_topic_that_another_worker_has_just_made_is_waited_for() -> None:
    broker: Any = Broker(TopicAlreadyExistsError, 4)
    states = ensure_topics(SETTINGS, [TOPIC], broker)
    assert states.missing == ()
    assert states.faults == ()
    assert states.created == (TOPIC.name,)


def test_what_may_not_be_made_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "SEEN_WITHIN_S", 1e9)
    broker: Any = Broker(TopicAuthorizationFailedError, 100)
    states = ensure_topics(SETTINGS, [TOPIC], broker)
    assert states.missing == (TOPIC.name,)
    assert "may not create it" in states.faults[0]
