"""A silo's own words to facts: the rules of the definitions, compiled once, applied record by record."""

from collections.abc import Callable
from dataclasses import dataclass

from streams.facts.comparisons import Condition, Document, compile_when, getter
from streams.facts.definitions.model import Constant, Definitions, FactTemplate, Linked, SegmentRule, Silo, Source
from streams.facts.labels import Labels, check_id
from streams.facts.models import Fact, FactKind, Link, RawRecord, RejectReason
from streams.facts.native import MAX_COUNT, SAME_CUSTOMER
from streams.facts.refusal import Refused, shown
from streams.facts.sources import compile_flag, compile_text, compile_time, compile_whole, text_of
from streams.facts.times import EARLIEST_SINCE_US, check_event_time, check_range
from streams.facts.valuation import Valuation, compile_amount, compile_value

MakeFact = Callable[[Document, str, str, int], Fact | None]
"""Record, customer id, event id, latest instant to a fact; None when the fact's own conditions do not hold."""

MakeLink = Callable[[Document, str, int], Link | None]
"""Record, event id, latest instant to a link; None when its own conditions do not hold."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a record gave: the name of the rule that took it, its facts, and links between ids."""

    rule: str
    facts: list[Fact]
    links: list[Link]


@dataclass(frozen=True, slots=True)
class _Silo:
    name: str
    takes: Condition
    customer_id: Callable[[Document], str | None]
    event_id: Callable[[Document], str | None] | None
    rules: list[tuple[str, Condition, list[MakeFact], list[MakeLink]]]


class Mapping:
    """The rules of one definitions file."""

    def __init__(self, definitions: Definitions, labels: Labels) -> None:
        compiler = _Compiler(definitions, labels)
        self._silos = {name: compiler.silo(silo) for name, silo in definitions.silos.items()}
        self._silo_field = None if definitions.silo_field is None else getter(definitions.silo_field)
        self._silo_field_name = "" if definitions.silo_field is None else definitions.silo_field.name
        self._of_topic: dict[str, list[_Silo]] = {}
        for name, silo in definitions.silos.items():
            for topic in silo.own_topics:
                self._of_topic.setdefault(topic, []).append(self._silos[name])
        # A file of records tells no topic: of silos that all have own ones, any may have written it.
        self._without_topics = [self._silos[name] for name, silo in definitions.silos.items() if not silo.own_topics]
        self._without_topics = self._without_topics or list(self._silos.values())

    def facts_of(self, document: Document, record: RawRecord, latest: int) -> Mapped | None:
        """The facts of a record; None: no silo or no rule takes it.

        Args:
            document: the record's JSON object.
            record: where it lies; its place is the event id of a silo that has none.
            latest: the latest instant that can have been reached, microseconds.
        Raises: Refused: one of its facts cannot be admitted, so none is.
        """
        silo = self._silo_of(document, record.topic)
        if silo is None:
            return None
        for name, holds, makers, linkers in silo.rules:
            if holds(document):
                if not makers and not linkers:
                    return Mapped(name, [], [])
                event_id = _event_id(silo, document, record)
                facts = self._facts(silo, makers, document, event_id, latest) if makers else []
                links = [link for make in linkers if (link := make(document, event_id, latest)) is not None]
                return Mapped(name, facts, links)
        return None

    def rule_of(self, document: Document, topic: str = "") -> str | None:
        """The name of the rule that takes a record; None: no silo or no rule does. Raises: Refused."""
        silo = self._silo_of(document, topic)
        return None if silo is None else next((name for name, holds, *_ in silo.rules if holds(document)), None)

    def silo_of(self, document: Document, topic: str = "") -> str | None:
        """The name of the silo that a record is of; None: no silo takes it. Raises: Refused."""
        silo = self._silo_of(document, topic)
        return None if silo is None else silo.name

    def _silo_of(self, document: Document, topic: str) -> _Silo | None:
        of_topic = self._of_topic.get(topic)
        if of_topic is not None:
            return next((silo for silo in of_topic if silo.takes(document)), None)
        if self._silo_field is not None:
            name = text_of(self._silo_field(document), self._silo_field_name)
            silo = self._silos.get(name or "")
            return silo if silo is not None and silo.takes(document) else None
        return next((silo for silo in self._without_topics if silo.takes(document)), None)

    def _facts(
        self, silo: _Silo, makers: list[MakeFact], document: Document, event_id: str, latest: int
    ) -> list[Fact]:
        customer_id = check_id(silo.customer_id(document) or "", "customer_id")
        facts = []
        for place, make in enumerate(makers):
            fact = make(document, customer_id, event_id, latest)
            if fact is not None:
                fact.place = place
                facts.append(fact)
        return facts


def _event_id(silo: _Silo, document: Document, record: RawRecord) -> str:
    if silo.event_id is None:
        # Digits of one width, so that places in one partition sort as the records lie.
        return f"{record.topic}-{record.partition:05d}-{record.offset:019d}"
    return check_id(silo.event_id(document) or "", "event_id")


class _Compiler:
    def __init__(self, definitions: Definitions, labels: Labels) -> None:
        self._definitions = definitions
        self._labels = labels

    def silo(self, silo: Silo) -> _Silo:
        return _Silo(
            name=silo.name,
            takes=compile_when(silo.when),
            customer_id=compile_text(silo.customer_id),
            event_id=None if silo.event_id is None else compile_text(silo.event_id),
            rules=[
                (
                    rule.name,
                    compile_when(rule.when),
                    [self._fact(silo, template) for template in rule.facts if template.kind != SAME_CUSTOMER],
                    [self._link(silo, template) for template in rule.facts if template.kind == SAME_CUSTOMER],
                )
                for rule in silo.rules
            ],
        )

    def _link(self, silo: Silo, template: FactTemplate) -> MakeLink:
        fields, own = template.fields, silo.customer_id
        holds = compile_when(template.when)
        read_at = compile_time(fields["at"], silo.zone)
        at_name = getattr(fields["at"], "name", "at")
        of_silo = compile_text(fields.get("of_silo", Constant(silo.name)))
        to_silo = compile_text(fields["to_silo"]) if "to_silo" in fields else None
        silo_id = compile_text(fields.get("silo_id", own.path if isinstance(own, Linked) else own))
        customer_id = compile_text(fields["customer_id"])
        company_id = self._labels.company_id

        def make(document: Document, event_id: str, latest: int) -> Link | None:
            if not holds(document):
                return None
            at = read_at(document)
            if at is None:
                raise Refused(RejectReason.MISSING_FIELD, f"{at_name} is missing: when it happened")
            check_event_time(at, latest)
            of = check_id(of_silo(document) or "", "of_silo")
            to = None if to_silo is None else to_silo(document)
            joined = check_id(silo_id(document) or "", "silo_id")
            root = check_id(customer_id(document) or "", "customer_id")
            return Link(at, event_id, of, company_id(of, joined), root if to is None else company_id(to, root))

        return make

    def _fact(self, silo: Silo, template: FactTemplate) -> MakeFact:
        fields = template.fields
        holds = compile_when(template.when)
        read_at = compile_time(fields["at"], silo.zone)
        at_name = getattr(fields["at"], "name", "at")
        fill = self._fill(silo, template)
        kind = FactKind(template.kind).value
        name = silo.name

        def make(document: Document, customer_id: str, event_id: str, latest: int) -> Fact | None:
            if not holds(document):
                return None
            at = read_at(document)
            if at is None:
                raise Refused(RejectReason.MISSING_FIELD, f"{at_name} is missing: when it happened")
            check_event_time(at, latest)
            if kind == "heartbeat":
                return Fact(kind, at, "", name, event_id)
            fact = Fact(kind, at, customer_id, name, event_id)
            for step in fill:
                step(fact, document)
            return fact

        return make

    def _fill(self, silo: Silo, template: FactTemplate) -> "list[Callable[[Fact, Document], None]]":
        """The steps that fill a fact, in an order in which later ones may read what earlier ones filled."""
        fields = template.fields
        steps = [self._label(name, fields[name]) for name in ("segment", "region", "product") if name in fields]
        if "segment" not in fields and self._definitions.segments:
            steps.append(self._segment_by_rules(silo.name))
        if "activity" in fields:
            steps.append(self._activity(fields["activity"]))
        if "by_recommendation" in fields:
            steps.append(_by_recommendation(fields["by_recommendation"]))
        if template.valued:
            steps.append(_valued(compile_value(self._definitions, silo.name)))
        amount = compile_amount(self._definitions, template.kind)
        if amount is not None:
            steps.append(_amount(amount))
        if template.kind in ("left", "leaving"):
            steps.append(self._ending(fields))
        times = [name for name in ("effective_at", "since", "last_fact_at") if name in fields]
        steps.extend(_time(name, fields[name], silo) for name in times)
        if template.kind == "leaving":
            steps.append(_leaving_or_left)
        if "count" in fields:
            steps.append(_count(fields["count"]))
        if "sequence" in fields:
            steps.append(_sequence(fields["sequence"]))
        if "retracts" in fields:
            steps.append(_retracts(fields["retracts"]))
        return steps

    def _label(self, name: str, source: Source) -> Callable[[Fact, Document], None]:
        read, label = compile_text(source), self._labels.label
        if name == "segment":

            def step(fact: Fact, document: Document) -> None:
                fact.segment = label(read(document), name)

        elif name == "region":

            def step(fact: Fact, document: Document) -> None:
                fact.region = label(read(document), name)

        else:

            def step(fact: Fact, document: Document) -> None:
                fact.product = label(read(document), name)

        return step

    def _segment_by_rules(self, silo: str) -> Callable[[Fact, Document], None]:
        rules = [
            (compile_when(rule.when), rule.segment) for rule in self._definitions.segments if _concerns(rule, silo)
        ]

        def step(fact: Fact, document: Document) -> None:
            fact.segment = next((segment for holds, segment in rules if holds(document)), None)

        return step

    def _activity(self, source: Source) -> Callable[[Fact, Document], None]:
        read, activity = compile_text(source), self._labels.activity

        def step(fact: Fact, document: Document) -> None:
            fact.activity, fact.earned = activity(read(document))

        return step

    def _ending(self, fields: dict[str, Source]) -> Callable[[Fact, Document], None]:
        read_reason = compile_text(fields["reason"]) if "reason" in fields else None
        read_kind = compile_text(fields["kind"]) if "kind" in fields else None
        reason = self._labels.reason

        def step(fact: Fact, document: Document) -> None:
            kind = None if read_kind is None else read_kind(document)
            if kind not in (None, "voluntary", "payment"):
                raise Refused(RejectReason.BAD_VALUE, f"kind is {shown(kind)}, neither voluntary nor payment")
            fact.reason, fact.loss_kind = reason(None if read_reason is None else read_reason(document), kind)

        return step


def _concerns(rule: SegmentRule, silo: str) -> bool:
    return rule.silo is None or rule.silo == silo


def _by_recommendation(source: Source) -> Callable[[Fact, Document], None]:
    read = compile_flag(source, "by_recommendation")

    def step(fact: Fact, document: Document) -> None:
        if read(document):
            fact.earned = True

    return step


def _valued(valuation: Valuation) -> Callable[[Fact, Document], None]:
    def step(fact: Fact, document: Document) -> None:
        fact.value = valuation(document, fact.at, fact.segment)

    return step


def _amount(read: Callable[[Document, int], int | None]) -> Callable[[Fact, Document], None]:
    def step(fact: Fact, document: Document) -> None:
        fact.amount = read(document, fact.at)

    return step


def _time(name: str, source: Source, silo: Silo) -> Callable[[Fact, Document], None]:
    read = compile_time(source, silo.zone)
    earliest = EARLIEST_SINCE_US if name == "since" else 0

    def step(fact: Fact, document: Document) -> None:
        at = read(document)
        check_range(at, name, earliest)
        setattr(fact, name, at)

    return step


def _leaving_or_left(fact: Fact, document: Document) -> None:
    if fact.effective_at is None or fact.effective_at <= fact.at:
        fact.kind, fact.effective_at = FactKind.LEFT.value, None


def _count(source: Source) -> Callable[[Fact, Document], None]:
    read = compile_whole(source, "count")

    def step(fact: Fact, document: Document) -> None:
        count = read(document)
        if count is None:
            return
        if not 1 <= count <= MAX_COUNT:
            raise Refused(RejectReason.BAD_VALUE, f"count is not between 1 and {MAX_COUNT}")
        fact.count = count

    return step


def _sequence(source: Source) -> Callable[[Fact, Document], None]:
    read = compile_whole(source, "sequence")

    def step(fact: Fact, document: Document) -> None:
        fact.sequence = read(document) or 0

    return step


def _retracts(source: Source) -> Callable[[Fact, Document], None]:
    read = compile_text(source)

    def step(fact: Fact, document: Document) -> None:
        fact.retracts = check_id(read(document) or "", "retracts")

    return step
