"""Records in, mentions out: every record of a batch becomes a mention, is unmapped, or is a dead letter.

Nothing a record holds can raise out of here, and a bad record does not touch its neighbours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from streams.facts.definitions.model import Definitions
from streams.facts.labels import Labels, check_id
from streams.facts.models import UNKNOWN, DeadLetter, RawRecord
from streams.facts.refusal import Refused
from streams.facts.strict_json import MAX_BYTES, read_exactly, read_quickly
from streams.facts.times import LATEST_EVENT_US, check_event_time
from streams.voice.mapping import MentionMapping
from streams.voice.mentions import Mention
from streams.voice.native import SURE_FIELDS, mention_of


@dataclass(slots=True)
class AdmittedMentions:
    """What became of the records of one batch: records = dead letters + unmapped + mentions."""

    records: int = 0
    mentions: list[Mention] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)  # of the record that gave each mention
    dead_letters: list[DeadLetter] = field(default_factory=list)
    unmapped: int = 0


class MentionAdmission:
    """Admits records of `social-mentions` under one definitions file.

    Args:
        definitions: what the records mean.
        now_us: the wall clock, microseconds, asked once a batch; event times may be ahead of it by `future_skew` of
            the definitions. None: no wall clock, so that only the year 2200 and later is the future.
        max_bytes: of one record.
    """

    def __init__(
        self, definitions: Definitions, *, now_us: Callable[[], int] | None = None, max_bytes: int = MAX_BYTES,
    ) -> None:
        self._now_us = now_us
        self._max_bytes = max_bytes
        self._future_skew_us = definitions.future_skew_us
        rules = definitions.voice
        self._native = rules.native
        self._only_native = rules.native and not rules.sources
        self._mapping = MentionMapping(rules)
        self._labels = Labels(definitions)
        self._brand_by_word, self._brands_open = rules.brand_by_word, rules.brands_open

    def admit(self, records: Sequence[RawRecord]) -> AdmittedMentions:
        """The mentions of these records. Never raises for what a record holds."""
        batch = AdmittedMentions(records=len(records))
        latest = LATEST_EVENT_US
        if self._now_us is not None:
            latest = min(latest, self._now_us() + self._future_skew_us)
        for record in records:
            try:
                mention = self._mention_of(record, latest)
            except Refused as refused:
                batch.dead_letters.append(refused.dead_letter(record))
                continue
            if mention is None:
                batch.unmapped += 1
            else:
                batch.mentions.append(mention)
                batch.offsets.append(record.offset)
        return batch

    def _mention_of(self, record: RawRecord, latest: int) -> Mention | None:
        value = record.value
        document = read_quickly(value) if value and len(value) <= self._max_bytes else None
        if document is None:
            document = read_exactly(value, self._max_bytes)
        native = self._only_native or (self._native and all(document.get(name) for name in SURE_FIELDS))
        mention = mention_of(document) if native else self._mapping.mention_of(document, record)
        if mention is not None:
            self._look_at(mention, latest)
        return mention

    def _look_at(self, mention: Mention, latest: int) -> None:
        """Check ids, labels and time, and put the agreed names in place of the sources'."""
        check_event_time(mention.at, latest)
        check_id(mention.mention_id, "mention_id")
        check_id(mention.author_id, "author_id")
        if mention.customer_id is not None:
            check_id(mention.customer_id, "customer_id")
        if mention.copy_of is not None:
            check_id(mention.copy_of, "copy_of")
        label = self._labels.label
        mention.channel = label(mention.channel, "channel") or UNKNOWN
        mention.language = label(mention.language, "language")
        brand = label(mention.brand, "brand") or UNKNOWN
        agreed = self._brand_by_word.get(brand.casefold())
        mention.brand = agreed if agreed is not None else brand if self._brands_open else UNKNOWN
        if mention.topics:
            reasons = (self._labels.reason(topic, None)[0] or UNKNOWN for topic in mention.topics)
            mention.topics = tuple(dict.fromkeys(reasons))
