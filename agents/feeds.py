"""What a worker reads: the feeds, which topics each needs, and which of them can be had."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from agents.topics import TOPICS, TopicStates, ensure_topics
from config.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Feed:
    """One input of the worker.

    Attributes:
        topic: the input topic, without prefix.
        needs: the other topics that the worker reads or writes for it.
        outcomes: what may become of a record.
        without: what there is not when it cannot be read, as a sentence; empty: the worker does not start without it.
        fills: what to send where nothing has come yet, and where that is described, as a sentence.
    """

    topic: str
    needs: frozenset[str]
    outcomes: tuple[str, ...]
    without: str = ""
    fills: str = ""

    @property
    def topics(self) -> frozenset[str]:
        """All of its topics."""
        return self.needs | {self.topic}


LEDGER = Feed(
    "customer-events",
    frozenset({"ledger-changelog", "scope-parts", "movements", "net-growth", "dead-letters", "editions"}),
    ("facts", "no_fact", "unmapped", "dead_lettered"),
    fills="Send who joined, left or changed: docs/definitions.md says how, `netgrowth replay online-retail` plays "
    "purchases of a real shop.",
)

VOICE = Feed(
    "social-mentions",
    frozenset({"voice-changelog", "voice-digests", "dead-letters"}),
    ("mentions", "unmapped", "dead_lettered"),
    without="Mentions are not counted",
    fills="Send what people say of you, one record a mention (docs/voice.md).",
)

HEALTH = Feed(
    "qos-signals",
    frozenset({"health-changelog", "health-parts", "customer-health", "customers-in-trouble", "dead-letters"}),
    ("signals", "no_signal", "unmapped", "dead_lettered"),
    without="What customers experience is not counted",
    fills="Send what customers experience, one record an interaction (docs/health.md).",
)

STATUS = Feed(
    "service-status",
    frozenset({"status-changelog", "status-parts", "dead-letters"}),
    ("statuses", "no_signal", "unmapped", "dead_lettered"),
    without="What operations say is not read, so that false green is unknown",
    fills="Send whether operations call each service up or down (docs/health.md); until then false green is unknown.",
)

SURGES = Feed(
    "actions",
    frozenset({"surge-changelog", "surges", "surge-verdicts", "surge-watch", "dead-letters"}),
    ("actions", "dead_lettered"),
    without="Surges are not looked for",
)

SURVEYS = Feed(
    "survey-responses",
    frozenset({"dead-letters"}),
    ("answers", "duplicate", "no_answer", "unmapped", "dead_lettered"),
    without="Answers to surveys are not compared with what customers do",
    fills="Send answers to surveys, if you ask any (docs/surges.md): they show how late surveys are.",
)
"""Read by the detectors of surges beside their own feed."""

FEEDS = (LEDGER, HEALTH, STATUS, VOICE, SURGES)
"""In the order in which a worker starts them. An optional one follows those whose state it joins."""


class MissingTopics(Exception):
    """A feed that the worker cannot do without has topics that are not there, or are wrong; the text says which."""


def usable_feeds(settings: Settings, feeds: Iterable[Feed] = FEEDS, without: Iterable[str] = ()) -> frozenset[str]:
    """Input topics of the feeds that can be read; topics that are missing are made if that is allowed.

    Args:
        without: topics that are not to be looked at, as somebody else answers for them.

    Raises:
        MissingTopics: for a feed that the worker needs.
        BrokerUnreachable: as `ensure_topics`.
    """
    left_out = frozenset(without)
    found = set()
    for feed in feeds:
        states = ensure_topics(settings, [topic for topic in TOPICS if topic.name in feed.topics - left_out])
        faults = _faults(states)
        if not faults:
            found.add(feed.topic)
        elif not feed.without:
            raise MissingTopics("\n".join(faults))
        else:
            logger.warning("%s: %s", feed.without, "; ".join(faults))
    return frozenset(found)


def _faults(states: TopicStates) -> list[str]:
    faults = list(states.faults)
    if states.missing and not faults:
        faults.append(
            f"topics are missing: {', '.join(states.missing)}; NETGROWTH_CREATE_TOPICS is off, so have them made: "
            "`netgrowth topics create --print` shows the commands"
        )
    return faults
