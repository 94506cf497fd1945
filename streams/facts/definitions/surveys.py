"""Reading the section `surveys`: own topics of answers to surveys, and what their records say."""

from zoneinfo import ZoneInfo

from streams.facts.definitions.model import InstantPlus, Source, Time
from streams.facts.definitions.reader import Faults, Section, as_section, items_of, read_flag
from streams.facts.definitions.silos import read_field, read_zone
from streams.facts.definitions.sources import read_own_topics, read_when
from streams.facts.definitions.tree import Tree
from streams.intake.rules import SURVEY_FIELDS, SurveyRules, SurveySource

_NEEDED = {
    "at": "name the field that says when it was answered",
    "response_id": "name the field of the id, or the fields to hash: `response_id: {hash: [...]}`",
    "customer_id": "name the field that holds the customer's id",
    "score": "name the field that holds the score",
    "low": "write the lowest score of the scale, for example `low: {constant: 0}`",
    "high": "write the highest score of the scale, for example `high: {constant: 10}`",
}
_AS_ID = ("response_id", "customer_id")


def read_surveys(section: Section) -> SurveyRules:
    """What the definitions say of surveys; nothing where they say nothing."""
    tree = section.take("surveys")
    inner = None if tree is None else as_section(tree, "surveys", section.faults, "surveys")
    if inner is None:
        return SurveyRules()
    own_topics = inner.read("own_topics", read_own_topics, ())
    zone = inner.optional("zone", read_zone)
    if zone is None and inner.has("zone"):
        zone = ZoneInfo("UTC")  # one fault is enough: local times are read as if the zone were right
    rules = inner.take("rules")
    found: list[SurveySource] = []
    for item, at in () if rules is None else items_of(rules, inner.at("rules"), section.faults, "rules"):
        source = _read_source(item, at, section.faults, zone)
        if source is not None:
            if any(other.name == source.name for other in found):
                section.faults.add(item, at, f"two rules are named `{source.name}`", "give each its own name")
            found.append(source)
    inner.close()
    return SurveyRules(own_topics, tuple(found))


def _read_source(tree: Tree, path: str, faults: Faults, zone: ZoneInfo | None) -> SurveySource | None:
    section = as_section(tree, path, faults, "a rule")
    if section is None:
        return None
    name = section.text("name", "name it; records that it drops are counted under this name")
    when = section.read("when", read_when, ())
    drop = section.read("drop", read_flag, False)
    fields: dict[str, Source] = {}
    for field in SURVEY_FIELDS:
        place = section.take(field)
        if place is None:
            if field in _NEEDED and not drop:
                section.need(field, _NEEDED[field])
            continue
        source = _read_field(field, place, section.at(field), faults, zone)
        if source is not None:
            fields[field] = source
    section.close()
    complete = drop or all(field in fields for field in _NEEDED)
    return SurveySource(name, when, drop, fields, zone) if complete else None


def _read_field(name: str, tree: Tree, path: str, faults: Faults, zone: ZoneInfo | None) -> Source | None:
    if name in ("at", "sent_at"):
        return read_field("at", tree, path, faults, zone)
    source = read_field("customer_id" if name in _AS_ID else "count", tree, path, faults, zone)
    if isinstance(source, Time | InstantPlus):
        return None
    return source
