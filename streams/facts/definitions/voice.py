"""Reading the section `voice`: the sources of mentions, brands, topics and words."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from zoneinfo import ZoneInfo

from streams.facts.definitions.model import Hash, InstantPlus, Reason, Source, Time
from streams.facts.definitions.reader import (
    Faults,
    Section,
    as_section,
    entries_of,
    items_of,
    read_choice,
    read_exact,
    read_flag,
    read_span,
    read_text,
    read_whole,
)
from streams.facts.definitions.silos import read_field, read_zone
from streams.facts.definitions.sources import read_own_topics, read_when
from streams.facts.definitions.tree import Scalar, Table, Tree
from streams.facts.definitions.values import read_words
from streams.facts.models import UNKNOWN
from streams.voice.rules import FIELDS, Brand, CopyRules, MentionSource, VoiceRules

MOST_VALENCE = 4.0
_NEEDED = {
    "at": "name the field that says when it was said",
    "author_id": "name the field that tells one author from another",
    "channel": "name the field, or write for example `channel: {constant: call}`",
    "brand": "name the field, or write `brand: {constant: NAME}`",
}
_MAY_BE_HASHED = ("mention_id", "author_id", "customer_id", "copy_of")


def read_voice(section: Section, reasons: Mapping[str, Reason], reasons_open: bool) -> VoiceRules:
    """What the definitions say of mentions; the defaults where they say nothing."""
    tree = section.take("voice")
    if tree is None:
        return VoiceRules()
    inner = as_section(tree, "voice", section.faults, "voice")
    if inner is None:
        return VoiceRules()
    plain = VoiceRules()
    brands, brands_open = _read_brands(inner)
    rules = VoiceRules(
        native=inner.read("native", read_flag, True),
        sources=_read_sources(inner),
        happy_at=inner.read("happy", _read_score, plain.happy_at),
        unhappy_at=inner.read("unhappy", _read_score, plain.unhappy_at),
        reach_cap=inner.read("reach_cap", read_whole, plain.reach_cap),
        brands=brands,
        brands_open=brands_open,
        topics=_read_topics(inner, reasons, reasons_open),
        valences=inner.read("valences", read_valences, {}),
        copies=inner.read("copies", _read_copies, plain.copies),
        examples=inner.read("examples", read_flag, False),
        own_topics=inner.read("own_topics", read_own_topics, ()),
    )
    inner.close()
    if rules.unhappy_at >= rules.happy_at:
        section.faults.add(
            tree, "voice", "a mention could be happy and unhappy at once", "let `unhappy` be below `happy`"
        )
    if not rules.native and not rules.sources and not inner.has("sources"):
        section.faults.add(
            tree, "voice.sources", "no record would mean anything", "list sources, or drop `native: false`"
        )
    return rules


def _read_sources(section: Section) -> dict[str, MentionSource]:
    tree = section.take("sources")
    sources: dict[str, MentionSource] = {}
    entries = () if tree is None else entries_of(tree, section.at("sources"), section.faults, "sources")
    for entry in entries:
        path = f"{section.at('sources')}.{entry.key.text}"
        source = _read_source(entry.key.text, entry.value, path, section.faults)
        if source is not None:
            sources[source.name] = source
    for name in list(sources)[:-1]:
        if not sources[name].when:
            last = list(sources)[-1]
            section.faults.add(
                section.table, f"{section.at('sources')}.{name}.when",
                f"source `{name}` takes every record, so `{last}` gets none", "give it a `when:`",
            )  # fmt: skip
    return sources


def _read_source(name: str, tree: Tree, path: str, faults: Faults) -> MentionSource | None:
    section = as_section(tree, path, faults, "a source of mentions")
    if section is None:
        return None
    when = section.read("when", read_when, ())
    zone = section.optional("zone", read_zone)
    if zone is None and section.has("zone"):
        zone = ZoneInfo("UTC")  # one fault is enough: local times are read as if the zone were right
    fields: dict[str, Source] = {}
    for field in FIELDS:
        place = section.take(field)
        if place is None:
            if field in _NEEDED:
                section.need(field, _NEEDED[field])
            continue
        source = _read_mention_field(field, place, section.at(field), faults, zone)
        if source is not None:
            fields[field] = source
    if not section.has("mention_id"):
        faults.warn(
            section.table,
            section.at("mention_id"),
            "the source has no mention ids: a record that is sent again will be counted again",
            "name the field of the id, or the fields to hash: `mention_id: {hash: [...]}`",
        )
    if not section.has("text") and not section.has("sentiment"):
        faults.warn(
            section.table,
            section.at("text"),
            "the source has neither text nor sentiment: its mentions are counted, and none is happy or unhappy",
            "name the field of either",
        )
    section.close()
    return MentionSource(name, when, fields, zone) if all(field in fields for field in _NEEDED) else None


def _read_mention_field(name: str, tree: Tree, path: str, faults: Faults, zone: ZoneInfo | None) -> Source | None:
    source = read_field("at" if name == "at" else name, tree, path, faults, zone)
    if source is None or name == "at":
        return source
    if isinstance(source, Time | InstantPlus):
        faults.add(tree, path, f"`{name}` is no time", "name a field, or write constant or map")
        return None
    if isinstance(source, Hash) and name not in _MAY_BE_HASHED:
        faults.add(tree, path, f"no hash gives `{name}`", "name a field, or write another source")
        return None
    return source


def _read_brands(section: Section) -> tuple[dict[str, Brand], bool]:
    """`open` alone, or `{open: true|false, agreed: {name: {words: [...], valences: {...}}}}`."""
    tree = section.take("brands")
    if tree is None:
        return {}, True
    path = section.at("brands")
    if isinstance(tree, Scalar):
        read_choice("open")(tree, path, section.faults)
        return {}, True
    inner = as_section(tree, path, section.faults, "brands")
    if inner is None:
        return {}, True
    is_open = inner.read("open", read_flag, False)
    agreed = inner.take("agreed")
    inner.close()
    brands: dict[str, Brand] = {}
    owner: dict[str, str] = {}
    entries = () if agreed is None else entries_of(agreed, inner.at("agreed"), section.faults, "the agreed brands")
    for entry in entries:
        name, at = entry.key.text, f"{inner.at('agreed')}.{entry.key.text}"
        value = entry.value
        if isinstance(value, Scalar) and value.silent:
            value = Table(entry.key.line, entry.key.column, ())
        item = as_section(value, at, section.faults, "an agreed brand")
        if read_text(entry.key, at, section.faults) == UNKNOWN:
            section.faults.add(entry.key, at, f"`{UNKNOWN}` is the line of what nobody knows", "choose another name")
        if item is None:
            continue
        brands[name] = Brand(name, read_words(item, name), item.read("valences", read_valences, {}))
        item.close()
        for word in brands[name].words:
            other = owner.setdefault(word.casefold(), name)
            if other != name:
                message = f"`{word}` stands for `{other}` and for `{name}`"
                section.faults.add(item.table, at, message, "leave it with one of them")
    return brands, is_open


def _read_topics(section: Section, reasons: Mapping[str, Reason], reasons_open: bool) -> dict[str, tuple[str, ...]]:
    tree = section.take("topics")
    topics: dict[str, tuple[str, ...]] = {}
    for entry in () if tree is None else entries_of(tree, section.at("topics"), section.faults, "topics"):
        name, at = entry.key.text, f"{section.at('topics')}.{entry.key.text}"
        if name not in reasons and not reasons_open:
            choice: Callable[[Tree, str, Faults], str | None] = read_choice(*reasons) if reasons else read_text
            if not reasons:
                section.faults.add(entry.key, at, f"`{name}` is no agreed reason", "list it below `reasons: agreed:`")
            choice(entry.key, at, section.faults)
        phrases = [
            read_text(item, place, section.faults) for item, place in items_of(entry.value, at, section.faults, at)
        ]
        topics[name] = tuple(phrase for phrase in phrases if phrase is not None)
    return topics


def read_valences(tree: Tree, path: str, faults: Faults) -> dict[str, float]:
    """Words and how happy they are, -4 to 4."""
    valences = {}
    for entry in entries_of(tree, path, faults, "valences"):
        at = f"{path}.{entry.key.text}"
        exact = read_exact(entry.value, at, faults)
        if exact is None:
            continue
        value = float(Fraction(exact[0], 10 ** exact[1]))
        if not -MOST_VALENCE <= value <= MOST_VALENCE:
            faults.add(entry.value, at, "a valence lies between -4 and 4", "write for example -2.5")
        elif not any(character.isalnum() for character in entry.key.text) and entry.key.text.isascii():
            faults.add(entry.key, at, f"`{entry.key.text}` is no word", "write a word, a phrase or an emoji")
        else:
            valences[entry.key.text] = value
    return valences


def _read_score(tree: Tree, path: str, faults: Faults) -> float | None:
    exact = read_exact(tree, path, faults)
    if exact is None:
        return None
    value = float(Fraction(exact[0], 10 ** exact[1]))
    if not -1 <= value <= 1:
        faults.add(tree, path, "a sentiment lies between -1 and 1", "write for example 0.05")
        return None
    return value


def _read_copies(tree: Tree, path: str, faults: Faults) -> CopyRules | None:
    section = as_section(tree, path, faults, "copies")
    if section is None:
        return None
    plain = CopyRules()
    likeness = section.read("likeness", _read_score, plain.likeness)
    if not 0.5 <= likeness <= 1:
        place = section.take("likeness") or section.table
        faults.add(place, section.at("likeness"), "texts less alike than 0.5 are no copies", "write for example 0.75")
    found = CopyRules(
        within_us=section.read("within", read_span, plain.within_us),
        likeness=likeness,
        swarm_from=section.read("swarm_from", read_whole, plain.swarm_from),
        fold_from=section.read("fold_from", read_whole, plain.fold_from),
        a_day=section.read("a_day", read_whole, plain.a_day),
    )
    section.close()
    return found
