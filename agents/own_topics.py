"""The company's own topics on the cluster: whether they, and the topics that they lead to, can be used.

They are never created and never changed: they are somebody else's.
"""

from collections.abc import Iterable, Sequence

from kafka.errors import KafkaError

from agents.avro_records import AvroRecords
from agents.customer_links import TOPIC as LINKS
from agents.feeds import Feed, MissingTopics, usable_feeds
from agents.topics import BrokerUnreachable, connect_admin
from config.settings import Settings
from streams.facts.definitions.model import Definitions
from streams.intake.intake import TAKEN_OUTCOMES
from streams.intake.rules import CUSTOMER_EVENTS, SOCIAL_MENTIONS, SURVEY_RESPONSES

ASKING = frozenset({SURVEY_RESPONSES, SOCIAL_MENTIONS})
"""Feeds whose records name a customer whom the partition they are read in need not know."""


def usable_own_topics(settings: Settings, definitions: Definitions) -> tuple[str, ...]:
    """The own topics of the definitions; topics of netgrowth that they lead to are made if that is allowed.

    Raises:
        MissingTopics: one of either is not there.
        BrokerUnreachable: as `ensure_topics`.
        NoAvro: a schema registry is set, and its records could not be read.
    """
    topics = tuple(definitions.own_topics)
    if topics:
        if settings.schema_registry is not None:
            AvroRecords(settings)
        leads_to = frozenset(definitions.own_topics.values()) | {"dead-letters"}
        if asks_for_links(definitions):
            leads_to |= {LINKS}
        usable_feeds(settings, [Feed(CUSTOMER_EVENTS, leads_to, TAKEN_OUTCOMES)])
        unreadable = unreadable_topics(settings, topics)
        if unreadable:
            raise MissingTopics(why_unreadable(settings, unreadable))
    return topics


def asks_for_links(definitions: Definitions) -> bool:
    """Whether intake writes records of customers whose links other partitions know."""
    return not ASKING.isdisjoint(definitions.own_topics.values())


def unreadable_topics(settings: Settings, topics: Iterable[str]) -> list[str]:
    """Those of these topics that are not there, or that this user may not see. Raises: BrokerUnreachable."""
    wanted = list(topics)
    if not wanted:
        return []
    admin = connect_admin(settings)
    try:
        found = {described["name"] for described in admin.describe_topics() if not described["error_code"]}
    except KafkaError as error:
        raise BrokerUnreachable(f"the broker did not answer: {type(error).__name__}: {error}") from error
    finally:
        admin.close()
    return [topic for topic in wanted if topic not in found]


def why_unreadable(settings: Settings, topics: Sequence[str]) -> str:
    """A sentence for topics that cannot be read."""
    user = f"the user {settings.sasl_user}" if settings.sasl_user else "this client"
    return (
        f"own topics of the definitions are not there, or {user} may not see them: {', '.join(topics)}; check their "
        "names (no prefix is put before them) and have the right to read them given: "
        "`netgrowth topics create --print` shows the commands"
    )
