"""What the definitions say of the company's own topics beside its silos: the feeds they lead to, and surveys.

Plain values; `streams.facts.definitions.surveys` reads them from a definitions file.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from streams.facts.definitions.model import Comparison, Source

CUSTOMER_EVENTS = "customer-events"
QOS_SIGNALS = "qos-signals"
SOCIAL_MENTIONS = "social-mentions"
SURVEY_RESPONSES = "survey-responses"
FEEDS = (CUSTOMER_EVENTS, QOS_SIGNALS, SURVEY_RESPONSES, SOCIAL_MENTIONS)
"""Topics, without prefix, that intake writes."""

SURVEY_FIELDS = ("at", "response_id", "customer_id", "score", "low", "high", "sent_at", "stage")


@dataclass(frozen=True, slots=True)
class SurveySource:
    """Records of surveys in a source's own words; `drop`: they say nothing, and are counted under its name."""

    name: str
    when: "tuple[Comparison, ...]"
    drop: bool
    fields: "dict[str, Source]"
    zone: ZoneInfo | None


@dataclass(frozen=True, slots=True)
class SurveyRules:
    """The section `surveys`: own topics of answers, and their words in the order in which they are tried."""

    own_topics: tuple[str, ...] = ()
    sources: tuple[SurveySource, ...] = ()
