"""Reading the section `health`: what customers need, colours, and the sources of signals and of service status."""

from collections.abc import Callable
from fractions import Fraction

from streams.facts.definitions.health_sources import SIGNAL_FIELDS, STATUS_FIELDS, read_sources
from streams.facts.definitions.reader import (
    Faults,
    Section,
    as_section,
    items_of,
    read_choice,
    read_exact,
    read_flag,
    read_share,
    read_span,
    read_text,
    read_texts,
    read_whole,
)
from streams.facts.definitions.sources import read_own_topics
from streams.facts.definitions.tree import Scalar, Table, Tree
from streams.health.rules import (
    SHOWN,
    TIERS,
    Colour,
    Disruption,
    HealthRules,
    Learning,
    SubsetRules,
    Threshold,
)

LEARNT = "learnt"
"""Stands where a `satisfied_within` stands: T is learnt from the service's own past."""

def read_journey(tree: Tree, path: str, faults: Faults) -> dict[str, int]:
    """Stages of the customer's journey, each with its tier: a list of names or of `{stage: ..., tier: 1}`."""
    stages: dict[str, int] = {}
    for item, at in items_of(tree, path, faults, "the journey"):
        if isinstance(item, Table):
            section = Section(item, at, faults)
            name: str | None = section.text("stage", "name the stage")
            choice = section.optional("tier", read_choice(*(str(tier) for tier in TIERS)))
            section.close()
            tier = SHOWN if choice is None else int(choice)
        else:
            name, tier = read_text(item, at, faults), SHOWN
        if name:
            if name in stages:
                faults.add(item, at, f"`{name}` stands twice", "name each stage once")
            stages[name] = tier
    return stages


def read_health(section: Section, horizon_us: int, stages: tuple[str, ...]) -> HealthRules:
    """What the definitions say of perceived health; the defaults where they say nothing."""
    plain = HealthRules(horizon_us=horizon_us)
    tree = section.take("health")
    inner = None if tree is None else as_section(tree, "health", section.faults, "health")
    if inner is None:
        return plain
    rules = HealthRules(
        horizon_us=inner.read("horizon", read_span, plain.horizon_us),
        thresholds=inner.read("thresholds", _thresholds_reader(stages), ()),
        learning=inner.read("learning", _read_learning, plain.learning),
        disruption=inner.read("disrupted", _read_disruption, plain.disruption),
        yellow=inner.read("yellow", _colour_reader(plain.yellow), plain.yellow),
        red=inner.read("red", _colour_reader(plain.red), plain.red),
        least=inner.read("least_customers", read_whole, plain.least),
        subsets=inner.read("subsets", _read_subsets, plain.subsets),
        status_stale_us=inner.read("status_stale_after", read_span, plain.status_stale_us),
        before_leaving_us=inner.read("before_leaving", read_span, plain.before_leaving_us),
        native=inner.read("native", read_flag, True),
        signals=read_sources(inner, "signals", SIGNAL_FIELDS, stages),
        statuses=read_sources(inner, "status", STATUS_FIELDS, stages),
        own_topics=inner.read("own_topics", read_own_topics, ()),
    )
    if rules.yellow.share > rules.red.share or rules.yellow.customers > rules.red.customers:
        section.faults.add(inner.table, "health.red", "red begins below yellow", "let `yellow` be below `red`")
    if not rules.native and not rules.signals and not inner.has("signals"):
        section.faults.add(
            inner.table, "health.signals", "no signal would mean anything", "list signals, or drop `native: false`"
        )
    inner.close()
    return rules


def _read_satisfied(tree: Tree, path: str, faults: Faults) -> int | str | None:
    if isinstance(tree, Scalar) and tree.text == LEARNT:
        return LEARNT
    return read_span(tree, path, faults)


def _thresholds_reader(stages: tuple[str, ...]) -> Callable[[Tree, str, Faults], tuple[Threshold, ...]]:
    def read(tree: Tree, path: str, faults: Faults) -> tuple[Threshold, ...]:
        found: list[Threshold] = []
        for item, at in items_of(tree, path, faults, "thresholds"):
            section = as_section(item, at, faults, "a threshold")
            if section is None:
                continue
            service = section.optional("service", read_text)
            stage = section.optional("stage", read_choice(*stages) if stages else read_text)
            segment = section.optional("segment", read_text)
            need = section.need("satisfied_within", "write how fast is fast enough, for example 2s, or `learnt`")
            within = None if need is None else _read_satisfied(need, section.at("satisfied_within"), faults)
            section.close()
            found.append(Threshold(service, stage, segment, within if isinstance(within, int) else None))
            _check_reached(found, item, at, faults)
        return tuple(found)

    return read


def _check_reached(found: list[Threshold], tree: Tree, path: str, faults: Faults) -> None:
    last = found[-1]
    for place, other in enumerate(found[:-1]):
        wider = zip(
            (other.service, other.stage, other.segment), (last.service, last.stage, last.segment), strict=True
        )
        if all(mine in (None, its) for mine, its in wider):
            message = f"it is never reached: threshold {place + 1} fits all that this one fits"
            faults.add(tree, path, message, "put the narrower threshold first")
            return


def _read_number(tree: Tree, path: str, faults: Faults) -> float | None:
    exact = read_exact(tree, path, faults)
    if exact is None:
        return None
    number = Fraction(exact[0], 10 ** exact[1])
    if not 0 < number <= 1_000:
        faults.add(tree, path, "a number above 0, at most 1000, is needed here", "write for example 1.5")
        return None
    return float(number)


def _colour_reader(plain: Colour) -> Callable[[Tree, str, Faults], Colour | None]:
    def read(tree: Tree, path: str, faults: Faults) -> Colour | None:
        section = as_section(tree, path, faults, "a colour")
        if section is None:
            return None
        colour = Colour(
            section.read("share", read_share, plain.share), section.read("customers", read_whole, plain.customers)
        )
        section.close()
        return colour

    return read


def _read_disruption(tree: Tree, path: str, faults: Faults) -> Disruption | None:
    section = as_section(tree, path, faults, "disrupted")
    if section is None:
        return None
    plain = Disruption()
    share = section.read("share", read_share, plain.share)
    bad = section.read("bad", read_choice("frustrated", "not_satisfied"), "frustrated")
    section.close()
    return Disruption(share, bad == "not_satisfied")


def _read_learning(tree: Tree, path: str, faults: Faults) -> Learning | None:
    section = as_section(tree, path, faults, "learning")
    if section is None:
        return None
    plain = Learning()
    found = Learning(
        margin=section.read("margin", _read_number, plain.margin),
        days=section.read("days", read_whole, plain.days),
        around_hours=section.read("around_hours", read_whole, plain.around_hours),
        after_us=section.read("after", read_span, plain.after_us),
        quantile=section.read("quantile", read_share, plain.quantile),
    )
    section.close()
    if found.days > 56 or found.around_hours > 11:
        faults.add(tree, path, "more past than is kept", "write at most 56 days and 11 hours around")
    return found


def _read_subsets(tree: Tree, path: str, faults: Faults) -> SubsetRules | None:
    section = as_section(tree, path, faults, "subsets")
    if section is None:
        return None
    plain = SubsetRules()
    found = SubsetRules(
        per_week=section.read("false_namings_a_week", _read_number, plain.per_week),
        least=section.read("least_customers", read_whole, plain.least),
        leave_out=section.read("leave_out", read_texts, ()),
    )
    section.close()
    return found
