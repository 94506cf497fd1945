"""A source's own words to mentions: the sources of the definitions, compiled once, applied record by record."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from streams.facts.comparisons import Condition, Document, compile_when, getter
from streams.facts.definitions.model import Constant, Hash, Lookup, Path, Source
from streams.facts.models import RawRecord, RejectReason
from streams.facts.money import exact_of
from streams.facts.refusal import Refused, shown
from streams.facts.sources import compile_text, compile_time, compile_whole, text_of
from streams.voice.mentions import Mention
from streams.voice.native import reach_of, sentiment_of, topics_of
from streams.voice.rules import MentionSource, VoiceRules

Read = Callable[[Document], Any]


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    takes: Condition
    read_at: Callable[[Document], int | None]
    at_name: str
    readers: list[tuple[str, Read]]


class MentionMapping:
    """The sources of one definitions file."""

    def __init__(self, rules: VoiceRules) -> None:
        self._sources = [_compile(source) for source in rules.sources.values()]

    def mention_of(self, document: Document, record: RawRecord) -> Mention | None:
        """The mention of a record, not yet looked at by the agreed lists; None: no source takes the record.

        Raises: Refused.
        """
        for source in self._sources:
            if source.takes(document):
                return _mention(source, document, record)
        return None


def _mention(source: _Source, document: Document, record: RawRecord) -> Mention:
    at = source.read_at(document)
    if at is None:
        raise Refused(RejectReason.MISSING_FIELD, f"{source.at_name} is missing: when it was said")
    found: dict[str, Any] = {name: read(document) for name, read in source.readers}
    for name in ("author_id", "channel", "brand"):
        if not found[name]:
            raise Refused(RejectReason.MISSING_FIELD, f"{name} is empty")
    if "mention_id" not in found:
        # Digits of one width, so that places in one partition sort as the records lie.
        found["mention_id"] = f"{record.topic}-{record.partition:05d}-{record.offset:019d}"
    elif not found["mention_id"]:
        raise Refused(RejectReason.MISSING_FIELD, "mention_id is empty")
    return Mention(at=at, source=source.name, **found)


def _compile(source: MentionSource) -> _Source:
    at = source.fields["at"]
    return _Source(
        name=source.name,
        takes=compile_when(source.when),
        read_at=compile_time(at, source.zone),
        at_name=getattr(at, "name", "at"),
        readers=[(name, _reader(name, field)) for name, field in source.fields.items() if name != "at"],
    )


def _reader(name: str, source: Source) -> Read:
    if name == "reach":
        whole = compile_whole(source, name)
        return lambda document: reach_of(whole(document))
    if name == "sentiment":
        return _sentiment(source)
    if name == "topics":
        return _topics(source)
    return compile_text(source)


def _sentiment(source: Source) -> Read:
    text = compile_text(source)

    def read(document: Document) -> float | None:
        found = text(document)
        if found is None:
            return None
        mantissa, scale = exact_of(found, "sentiment")
        return sentiment_of(Decimal(mantissa).scaleb(-scale))

    return read


def _topics(source: Source) -> Read:
    """A list of texts, or one text; with a mapping table each of them is looked up."""
    if isinstance(source, Constant | Hash):
        text = compile_text(source)
        return lambda document: topics_of([text(document) or ""])
    table = source.table if isinstance(source, Lookup) else None
    path = source.path if isinstance(source, Lookup) else source
    assert isinstance(path, Path)
    otherwise = source.otherwise if isinstance(source, Lookup) else None
    get, name = getter(path), path.name

    def read(document: Document) -> tuple[str, ...]:
        value = get(document)
        if isinstance(value, list):
            if not all(isinstance(item, str) for item in value):
                raise Refused(RejectReason.WRONG_TYPE, f"{name} is {shown(value)} where texts are needed")
            items = value
        else:
            items = [text_of(value, name) or ""]
        if table is not None:
            items = [table.get(item, otherwise) or "" for item in items]
        return topics_of(items)

    return read
