"""Reading a whole definitions file: from its tree to `Definitions`, or all its faults at once."""

from collections.abc import Callable, Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

from streams.facts.definitions.alerts import read_alerts
from streams.facts.definitions.health import read_health, read_journey
from streams.facts.definitions.model import Activity, Agreed, Definitions, Path, Reason, SegmentRule, Silo, ValueModel
from streams.facts.definitions.own_series import read_own_series
from streams.facts.definitions.own_topics import check_own_topics
from streams.facts.definitions.reader import (
    Faults,
    Section,
    as_section,
    entries_of,
    items_of,
    read_choice,
    read_currency,
    read_flag,
    read_span,
    read_text,
    read_texts,
    read_whole,
)
from streams.facts.definitions.silos import read_silo, read_zone
from streams.facts.definitions.sources import read_own_topics, read_path, read_when
from streams.facts.definitions.surveys import read_surveys
from streams.facts.definitions.tree import DefinitionsError, Fault, Scalar, Table, Tree
from streams.facts.definitions.undecided import undecided
from streams.facts.definitions.values import read_lapse, read_rates, read_value_model, read_words
from streams.facts.definitions.voice import read_voice
from streams.facts.models import UNKNOWN, LossKind
from streams.ledger.rules import DAY, HOUR

REASON_KINDS = (LossKind.VOLUNTARY.value, LossKind.PAYMENT.value, LossKind.BEYOND_US.value)


class _Agreed(NamedTuple):
    """An agreed list, and whether what is not on it counts as it is stated."""

    entries: dict[str, Section]
    is_open: bool


def read_definitions(tree: Tree, tree_faults: tuple[Fault, ...] = ()) -> Definitions:
    """The definitions in a file's tree.

    Args:
        tree: the file.
        tree_faults: what was found wrong while the tree was made, such as keys that stand twice.
    Raises: DefinitionsError: with every fault.
    """
    faults = Faults()
    section = as_section(tree, "", faults, "a definitions file")
    definitions = None if section is None else _read(section, faults)
    open_decisions = tuple(undecided(tree))
    places = {(fault.line, fault.column) for fault in open_decisions}
    # What else is wrong with an `unmapped` goes with it.
    others = [fault for fault in faults.found if (fault.line, fault.column) not in places]
    found = (*tree_faults, *open_decisions, *others)
    if found or definitions is None:
        raise DefinitionsError(found)
    return definitions


def _read(section: Section, faults: Faults) -> Definitions:
    name = section.text("name", "name the definitions; the name is on every output")
    version = section.text("version", "write a version; it is on every output")
    currency = section.read("currency", read_currency, "")
    if not section.has("currency"):
        section.need("currency", "write the reporting currency, for example EUR")
    zone = section.optional("time_zone", read_zone) or ZoneInfo("UTC")
    if not section.has("time_zone"):
        section.need("time_zone", "write the company's time zone, in which its days begin, for example Europe/London")
    tiers: dict[str, int] = section.read("journey", read_journey, {})
    stages = tuple(tiers)
    horizon_us = section.read("horizon", read_span, 36 * HOUR)
    silos = _read_silos(section)
    native, native_topics = _read_native(section)
    model_tree = section.need("value_model", "say what a customer is expected to be worth")
    model = None if model_tree is None else read_value_model(model_tree, "value_model", faults, currency)
    rates = read_rates(section.take("rates"), "rates", faults, currency, zone)
    reasons, reasons_open = _read_reasons(section, stages)
    activities, activities_open = _read_activities(section)
    segments = _read_segments(section, silos)
    definitions = Definitions(
        name=name,
        version=version,
        currency=currency,
        time_zone=zone.key,
        value_model=model or ValueModel("", None),
        rates=rates,
        horizon_us=horizon_us,
        grouping_us=section.read("grouping_window", read_span, HOUR),
        same_departure_us=section.read("same_departure", read_span, 7 * DAY),
        early_within_us=section.read("early_within", read_span, 90 * DAY),
        future_skew_us=section.read("future_skew", read_span, HOUR),
        lapse=section.optional("lapse", read_lapse),
        precedence=section.read("precedence", read_texts, ()),
        customers_per_marble=section.optional("customers_per_marble", read_whole),
        tiers=tiers,
        reasons=reasons,
        reasons_open=reasons_open,
        activities=activities,
        activities_open=activities_open,
        segments=segments,
        silos=silos,
        silo_field=_read_silo_field(section, silos),
        native_silo=native,
        native_topics=native_topics,
        surveys=read_surveys(section),
        health=read_health(section, horizon_us, stages),
        voice=read_voice(section, reasons, reasons_open),
        series=read_own_series(section),
        alerts=read_alerts(section),
        agreed=_read_agreed(section),
        warnings=(),
    )
    _check_together(section, definitions)
    section.close()
    return _with_warnings(definitions, faults)


def _with_warnings(definitions: Definitions, faults: Faults) -> Definitions:
    values = {name: getattr(definitions, name) for name in definitions.__dataclass_fields__}
    return Definitions(**{**values, "warnings": tuple(faults.warnings)})


def _read_agreed(section: Section) -> Agreed | None:
    tree = section.take("agreed")
    if tree is None:
        section.faults.warn(
            section.table,
            "agreed",
            "nobody has agreed to these definitions yet",
            "when the company has, write `agreed: {by: ..., at: 2024-07-01}`",
        )
        return None
    inner = as_section(tree, "agreed", section.faults, "agreed")
    if inner is None:
        return None
    found = Agreed(inner.text("by", "write who agreed"), inner.text("at", "write on which day"))
    inner.close()
    return found


def _read_native(section: Section) -> tuple[str | None, tuple[str, ...]]:
    """The silo of native records that name none, and own topics of native records."""
    tree = section.take("native")
    if tree is None:
        return "native", ()
    if isinstance(tree, Scalar):
        return ("native" if read_flag(tree, "native", section.faults) else None), ()
    inner = as_section(tree, "native", section.faults, "native")
    if inner is None:
        return "native", ()
    silo = inner.optional("silo", read_text)
    own_topics = inner.read("own_topics", read_own_topics, ())
    inner.close()
    return silo or "native", own_topics


def _read_silos(section: Section) -> dict[str, Silo]:
    tree = section.take("silos")
    silos = {}
    for entry in () if tree is None else entries_of(tree, "silos", section.faults, "silos"):
        silo = read_silo(entry.key.text, entry.value, f"silos.{entry.key.text}", section.faults)
        if silo is not None:
            silos[entry.key.text] = silo
    return silos


def _read_silo_field(section: Section, silos: Mapping[str, Silo]) -> Path | None:
    tree = section.take("silo_field")
    if tree is not None:
        return read_path(tree, "silo_field", section.faults)
    pools = [[name for name, silo in silos.items() if not silo.own_topics]]
    topics = dict.fromkeys(topic for silo in silos.values() for topic in silo.own_topics)
    pools += [[name for name, silo in silos.items() if topic in silo.own_topics] for topic in topics]
    hidden = {name: names[-1] for names in pools for name in names[:-1] if not silos[name].when}
    for name, behind in hidden.items():
        section.faults.add(
            section.table,
            f"silos.{name}.when",
            f"silo `{name}` takes every record, so `{behind}` gets none",
            "give it a `when:`, or write `silo_field:` with the field that names the silo",
        )
    return None


def _read_agreed_list(section: Section, key: str) -> _Agreed:
    """`open` alone, or `{open: true|false, agreed: {name: {...}}}`."""
    tree = section.take(key)
    if tree is None:
        return _Agreed({}, False)
    if isinstance(tree, Scalar):
        return _Agreed({}, read_choice("open")(tree, key, section.faults) is not None)
    inner = as_section(tree, key, section.faults, key)
    if inner is None:
        return _Agreed({}, False)
    is_open = inner.read("open", read_flag, False)
    agreed = inner.take("agreed")
    inner.close()
    entries = {}
    for entry in () if agreed is None else entries_of(agreed, inner.at("agreed"), section.faults, "the agreed list"):
        at = f"{inner.at('agreed')}.{entry.key.text}"
        value = entry.value
        if isinstance(value, Scalar) and value.silent:
            value = Table(entry.key.line, entry.key.column, ())
        if read_text(entry.key, at, section.faults) == UNKNOWN:
            section.faults.add(entry.key, at, f"`{UNKNOWN}` is the line of what nobody knows", "choose another name")
        item = as_section(value, at, section.faults, "an entry of the agreed list")
        if item is not None:
            entries[entry.key.text] = item
    return _Agreed(entries, is_open)


def _read_reasons(section: Section, stages: tuple[str, ...]) -> tuple[dict[str, Reason], bool]:
    agreed = _read_agreed_list(section, "reasons")
    reasons = {}
    for name, item in agreed.entries.items():
        kind = item.read("kind", read_choice(*REASON_KINDS), LossKind.VOLUNTARY.value)
        stage = item.optional("stage", read_choice(*stages) if stages else read_text)
        reasons[name] = Reason(name, LossKind(kind), stage, read_words(item, name))
        item.close()
    _check_words({name: reason.words for name, reason in reasons.items()}, agreed, section.faults)
    return reasons, agreed.is_open


def _read_activities(section: Section) -> tuple[dict[str, Activity], bool]:
    agreed = _read_agreed_list(section, "activities")
    activities = {}
    for name, item in agreed.entries.items():
        earned = item.read("earned", read_flag, False)
        activities[name] = Activity(name, earned, read_words(item, name))
        item.close()
    _check_words({name: activity.words for name, activity in activities.items()}, agreed, section.faults)
    return activities, agreed.is_open


def _check_words(words: Mapping[str, tuple[str, ...]], agreed: _Agreed, faults: Faults) -> None:
    """A word stands for one name."""
    owner: dict[str, str] = {}
    for name, own in words.items():
        for word in own:
            other = owner.setdefault(word, name)
            if other != name:
                item = agreed.entries[name]
                message = f"`{word}` stands for `{other}` and for `{name}`"
                faults.add(item.table, item.path, message, "leave it with one of them")


def _read_segments(section: Section, silos: Mapping[str, Silo]) -> tuple[SegmentRule, ...]:
    tree = section.take("segments")
    rules = []
    for item, at in () if tree is None else items_of(tree, "segments", section.faults, "segments"):
        inner = as_section(item, at, section.faults, "a segment rule")
        if inner is None:
            continue
        segment = inner.text("segment", "name the segment")
        silo = inner.optional("silo", read_choice(*silos) if silos else read_text)
        when = inner.read("when", read_when, ())
        inner.close()
        rules.append(SegmentRule(segment, silo, when))
    return tuple(rules)


def _check_together(section: Section, definitions: Definitions) -> None:
    faults, silos = section.faults, definitions.silos
    check_own_topics(section, definitions)
    if not silos and definitions.native_silo is None and not section.has("silos"):
        faults.add(section.table, "silos", "no record would mean anything", "list silos, or drop `native: false`")
    if len(set(definitions.precedence)) != len(definitions.precedence):
        faults.add(section.table, "precedence", "a silo stands twice in `precedence`", "name each silo once")
    tree = section.take("precedence")
    if definitions.native_silo is None and tree is not None:
        choice: Callable[[Tree, str, Faults], str | None] = read_choice(*silos)
        for item, at in items_of(tree, "precedence", Faults(), ""):
            choice(item, at, faults)
    by_silo, place = definitions.value_model.by_silo, section.take("value_model") or section.table
    if by_silo:
        valued = (
            name for name, silo in silos.items() if any(fact.valued for rule in silo.rules for fact in rule.facts)
        )
        for name in valued:
            if name not in by_silo:
                path = f"value_model.by_silo.{name}"
                faults.add(place, path, f"`{name}` says `value: model` and has none", "give it a model here")
    for name in by_silo:
        if name not in silos:
            path = f"value_model.by_silo.{name}"
            faults.add(place, path, f"`{name}` is no silo of this file", "name a silo that stands below `silos`")
