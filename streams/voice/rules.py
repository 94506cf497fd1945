"""What the definitions say of mentions: sources, brands, topics, and what tells people from copies and machines.

Plain values; `streams.facts.definitions.voice` makes them from the section `voice` of a definitions file.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from streams.ledger.rules import DAY
from streams.sentiment.scorer import HAPPY_AT, UNHAPPY_AT

if TYPE_CHECKING:
    from streams.facts.definitions.model import Comparison, Source

FIELDS = (
    "mention_id", "at", "author_id", "channel", "brand", "text", "language", "reach", "sentiment", "topics",
    "customer_id", "copy_of",
)  # fmt: skip
"""The fields of a mention that a source may map."""


@dataclass(frozen=True, slots=True)
class MentionSource:
    """A source of mentions in its own words."""

    name: str
    when: "tuple[Comparison, ...]"
    fields: "dict[str, Source]"
    zone: ZoneInfo | None


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand on the agreed list; `words` are the sources' names for it, `valences` hold in its mentions alone."""

    name: str
    words: tuple[str, ...]
    valences: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CopyRules:
    """When texts are copies of one another, and from how many accounts on they are no longer counted as people.

    Attributes:
        within_us: copies further apart are not looked for.
        likeness: share of words and pairs of words that two texts have in common (Jaccard), from which on they are
            near-copies.
        swarm_from: accounts that say nothing else and post one text before they are a swarm.
        fold_from: accounts that pass one text on, as it says itself, before its copies are set apart.
        a_day: mentions of one author a day; an account that posts more is a machine, or is used like one.
    """

    within_us: int = DAY
    likeness: float = 0.65
    swarm_from: int = 30
    fold_from: int = 100
    a_day: int = 60


@dataclass(frozen=True)
class VoiceRules:
    """The section `voice` of the definitions.

    Attributes:
        native: records in the native format are read as such.
        happy_at, unhappy_at: sentiment from which on a mention counts as happy or unhappy.
        reach_cap: how much one author can weigh at most.
        brands: the agreed list; `brands_open`: others count as they are stated, else as `unknown`.
        topics: topic, by preference a reason on the agreed list, to the phrases that tell it in a text.
        examples: texts of mentions may be shown with a surge. They are personal data: off unless it is said.
        valences: words that mean something else than usual in these brands' mentions, -4 to 4.
        own_topics: the company's own topics of mentions, by their full names.
    """

    native: bool = True
    sources: dict[str, MentionSource] = field(default_factory=dict)
    happy_at: float = HAPPY_AT
    unhappy_at: float = UNHAPPY_AT
    reach_cap: int = 1000
    brands: dict[str, Brand] = field(default_factory=dict)
    brands_open: bool = True
    topics: dict[str, tuple[str, ...]] = field(default_factory=dict)
    valences: dict[str, float] = field(default_factory=dict)
    copies: CopyRules = CopyRules()
    examples: bool = False
    own_topics: tuple[str, ...] = ()

    @cached_property
    def brand_by_word(self) -> dict[str, str]:
        """The agreed brand that a source's word stands for, whatever its case."""
        return {word.casefold(): brand.name for brand in self.brands.values() for word in brand.words}
