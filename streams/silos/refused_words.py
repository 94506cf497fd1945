"""What a refused record said all the same: that a customer came or went, by its source's own count.

Such a record is a dead letter and moves no number. Its source counts the customer nevertheless, and a reconciliation
of the two counts has to name it.
"""

from collections.abc import Callable

from streams.facts.comparisons import Document, compile_when
from streams.facts.definitions.model import Definitions, FactTemplate, Silo
from streams.facts.labels import Labels
from streams.facts.mapping import Mapping
from streams.facts.models import DeadLetter, Fact, FactKind
from streams.facts.refusal import Refused
from streams.facts.sources import compile_text, compile_time
from streams.facts.strict_json import read_exactly
from streams.facts.times import instant_of

CAME_OR_WENT = frozenset(
    kind.value
    for kind in (FactKind.OPENING, FactKind.JOINED, FactKind.PURCHASED, FactKind.LEFT, FactKind.LEAVING)
)
LEFT = FactKind.LEFT.value
LEAVING = FactKind.LEAVING.value

Text = Callable[[Document], str | None]
Time = Callable[[Document], int | None]


class RefusedWords:
    """Reads refused records as far as they can be read, under one definitions file."""

    def __init__(self, definitions: Definitions) -> None:
        self._native = definitions.native_silo
        self._silo_of = Mapping(definitions, Labels(definitions)).silo_of
        self._silos = {name: _SiloWords(silo) for name, silo in definitions.silos.items()}

    def facts_of(self, letter: DeadLetter, latest: int, now: int) -> list[Fact]:
        """The facts of customers who came or went, without value and profile; none where no customer is named.

        Args:
            latest: the latest instant that a record may name, microseconds.
            now: the instant taken where the record names none that can be, microseconds.
        """
        try:
            document = read_exactly(letter.payload)
            if self._native is not None and "fact" in document:
                found = [self._native_fact(document, self._native)]
            else:
                name = self._silo_of(document, letter.position.topic)
                found = [] if name is None else self._silos[name].facts_of(document)
        except Refused:
            return []
        position = letter.position
        facts = []
        for place, fact in enumerate(found):
            if fact.kind not in CAME_OR_WENT or not fact.customer_id:
                continue
            fact.place = place
            fact.event_id = fact.event_id or f"{position.topic}-{position.partition:05d}-{position.offset:019d}"
            if not 0 <= fact.at <= latest:
                fact.at = now
            if fact.kind == LEAVING and (fact.effective_at is None or fact.effective_at <= fact.at):
                fact.kind, fact.effective_at = LEFT, None
            facts.append(fact)
        return facts

    def _native_fact(self, document: Document, silo: str) -> Fact:
        def text(name: str) -> str:
            value = document.get(name)
            return value if isinstance(value, str) else ""

        def instant(name: str) -> int | None:
            value = document.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                return value * 1000
            return _instant(lambda _: instant_of(value, None) if isinstance(value, str) else None, document)

        at = instant("at")
        return Fact(
            text("fact"), -1 if at is None else at, text("customer_id"), text("silo") or silo, text("event_id"),
            effective_at=instant("effective_at"),
        )


class _SiloWords:
    """A silo's rules, each field read for itself: one that cannot be read takes none of the others with it."""

    def __init__(self, silo: Silo) -> None:
        self._name = silo.name
        self._customer_id = compile_text(silo.customer_id)
        self._event_id: Text = (lambda _: None) if silo.event_id is None else compile_text(silo.event_id)
        self._rules = [
            (compile_when(rule.when), [self._template(silo, template) for template in rule.facts])
            for rule in silo.rules
        ]

    def _template(self, silo: Silo, template: FactTemplate) -> tuple[str, Callable[[Document], bool], Time, Time]:
        until = template.fields.get("effective_at")
        return (
            template.kind, compile_when(template.when), compile_time(template.fields["at"], silo.zone),
            (lambda _: None) if until is None else compile_time(until, silo.zone),
        )

    def facts_of(self, document: Document) -> list[Fact]:
        customer_id = _text(self._customer_id, document)
        event_id = _text(self._event_id, document)
        for holds, templates in self._rules:
            if not holds(document):
                continue
            found = []
            for kind, is_said, at_of, until_of in templates:
                if not is_said(document):
                    continue
                at = _instant(at_of, document)
                fact = Fact(kind, -1 if at is None else at, customer_id, self._name, event_id)
                fact.effective_at = _instant(until_of, document)
                found.append(fact)
            return found
        return []


def _text(read: Text, document: Document) -> str:
    try:
        return read(document) or ""
    except Refused:
        return ""


def _instant(read: Time, document: Document) -> int | None:
    try:
        return read(document)
    except Refused:
        return None
