"""Stage one, per partition: records become mentions, mentions become digests.

It keeps nothing from one record to the next, so that any worker may read any partition. What one post means beside
others, copy or not, machine or not, only stage two can tell (`streams.voice.merged`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from streams.facts.definitions.model import Definitions
from streams.facts.models import DeadLetter, RawRecord
from streams.facts.strict_json import MAX_BYTES
from streams.sentiment.lexicon import Node, Term, tree_of
from streams.sentiment.scorer import LexiconScorer, Scorer
from streams.sentiment.tokens import tokens_of
from streams.voice.admission import MentionAdmission
from streams.voice.mentions import (
    EXAMPLE_CHARACTERS,
    HAPPY,
    NEUTRAL,
    PRIVATE_CHANNELS,
    UNHAPPY,
    UNREAD,
    Digest,
    Mention,
    key_of,
)
from streams.voice.rules import VoiceRules
from streams.voice.sketch import says_copied, sketch_of, words_of


@dataclass(slots=True)
class DigestedBatch:
    """What became of the records of one batch: records = dead letters + unmapped + digests."""

    records: int = 0
    digests: list[Digest] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    unmapped: int = 0
    offsets: list[int] = field(default_factory=list)  # of the record that gave each digest

    @property
    def outcomes(self) -> dict[str, int]:
        """What became of the records; sums to all of them."""
        return {
            "mentions": len(self.digests),
            "unmapped": self.unmapped,
            "dead_lettered": len(self.dead_letters),
        }

    @property
    def gave(self) -> int:
        """Mentions that the records gave."""
        return len(self.digests)

    @property
    def event_times(self) -> list[int]:
        """Of the mentions, microseconds."""
        return [digest.at for digest in self.digests]


class VoiceStage:
    """Turns records of `social-mentions` into digests.

    Args:
        definitions: what the records mean.
        now_us: see `MentionAdmission`.
        scorer: in place of the shipped one, such as one that was fitted to own labels.
        on_mention: is told of every mention and its digest, for those who show examples.
        max_bytes: of one record; a longer one is a dead letter.
    """

    def __init__(
        self,
        definitions: Definitions,
        *,
        now_us: Callable[[], int] | None = None,
        scorer: Scorer | None = None,
        on_mention: Callable[[Mention, Digest], None] | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        rules = definitions.voice
        self._rules = rules
        self._admission = MentionAdmission(definitions, now_us=now_us, max_bytes=max_bytes)
        self._scorer = scorer if scorer is not None else LexiconScorer(rules.valences)
        self._of_brand = {} if scorer is not None else _scorers_of_brands(rules)
        self._topics = TopicFinder(rules.topics)
        self._on_mention = on_mention

    def read(self, records: Sequence[RawRecord]) -> DigestedBatch:
        """The digests of these records. Never raises for what a record holds."""
        admitted = self._admission.admit(records)
        batch = DigestedBatch(
            admitted.records, [], admitted.dead_letters, admitted.unmapped, admitted.offsets
        )
        for mention in admitted.mentions:
            digest = self._digest(mention)
            batch.digests.append(digest)
            if self._on_mention is not None:
                self._on_mention(mention, digest)
        return batch

    def _digest(self, mention: Mention) -> Digest:
        text, source = mention.text, mention.source
        private = mention.channel.casefold() in PRIVATE_CHANNELS
        words = [] if text is None or private else words_of(text)
        topics = mention.topics
        if not topics and text is not None:
            topics = self._topics.topics_of(text)
        copy_of = 0 if mention.copy_of is None else key_of(source, mention.copy_of)
        return Digest(
            at=mention.at,
            mention=key_of(source, mention.mention_id),
            author=key_of(source, mention.author_id),
            text=key_of(*words) if words else 0,
            sketch=sketch_of(words),
            source=source,
            brand=mention.brand,
            channel=mention.channel,
            topics=topics,
            mood=self._mood(mention),
            weight=min(self._rules.reach_cap, max(1, mention.reach or 1)),
            known=mention.customer_id is not None,
            private=private,
            copy_of=copy_of,
            marked=copy_of != 0 or (text is not None and says_copied(text)),
            example=text[:EXAMPLE_CHARACTERS] if text is not None and self._rules.examples else "",
            customer=0 if mention.customer_id is None else key_of(mention.customer_id),
        )

    def _mood(self, mention: Mention) -> int:
        score = mention.sentiment
        if score is None:
            if mention.text is None:
                return UNREAD
            scorer = self._of_brand.get(mention.brand, self._scorer)
            sentiment = scorer.score(mention.text, mention.language)
            if not sentiment.read:
                return UNREAD
            score = sentiment.score
        if score <= self._rules.unhappy_at:
            return UNHAPPY
        return HAPPY if score >= self._rules.happy_at else NEUTRAL


class TopicFinder:
    """Finds topics in texts by the phrases of the definitions."""

    def __init__(self, topics: Mapping[str, tuple[str, ...]]) -> None:
        self._topics_of: dict[str, list[str]] = {}
        terms: dict[str, Term] = {}
        for topic, phrases in topics.items():
            for phrase in (*phrases, topic):
                words = " ".join(tokens_of(phrase))
                terms[words] = Term(words, 0.0)
                named = self._topics_of.setdefault(words, [])
                if topic not in named:
                    named.append(topic)
        self._tree = tree_of(terms)

    def topics_of(self, text: str) -> tuple[str, ...]:
        """The topics of a text, in the order in which they come up; each once."""
        tree = self._tree
        if not tree:
            return ()
        found: dict[str, None] = {}
        tokens = tokens_of(text)
        for place, token in enumerate(tokens):
            node: Node | None = tree.get(token)
            ahead = place + 1
            while node is not None:
                if node.term is not None:
                    found.update(dict.fromkeys(self._topics_of[node.term.text]))
                node = node.next.get(tokens[ahead]) if ahead < len(tokens) else None
                ahead += 1
        return tuple(found)


def _scorers_of_brands(rules: VoiceRules) -> dict[str, Scorer]:
    """Scorers of the brands that have words of their own."""
    return {
        brand.name: LexiconScorer({**rules.valences, **brand.valences})
        for brand in rules.brands.values()
        if brand.valences
    }
