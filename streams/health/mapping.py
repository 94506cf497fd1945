"""A source's own words to signals and statuses: the rules of the definitions, compiled once."""

from collections.abc import Callable
from dataclasses import dataclass

from streams.facts.comparisons import Condition, Document, compile_when
from streams.facts.labels import check_id
from streams.facts.models import RawRecord, RejectReason
from streams.facts.money import exact_of
from streams.facts.refusal import Refused
from streams.facts.sources import compile_flag, compile_text, compile_time, compile_whole
from streams.facts.times import check_event_time
from streams.health.native import Checks
from streams.health.rules import HealthSource
from streams.health.signals import MAX_CUSTOMERS, MAX_LATENCY_US, Signal, Status

Text = Callable[[Document], str | None]


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a record gave: the name of the rule that took it, and the signal or status; None: the rule drops it."""

    rule: str
    signal: Signal | None = None
    status: Status | None = None


class SourceMapping:
    """The rules for one topic: signals or statuses."""

    def __init__(self, sources: tuple[HealthSource, ...], checks: Checks) -> None:
        self._checks = checks
        self._rules: list[tuple[str, Condition, Callable[[Document, int], Mapped]]] = []
        for source in sources:
            self._rules.append((source.name, compile_when(source.when), self._maker(source)))

    def mapped(self, document: Document, record: RawRecord, latest: int) -> Mapped | None:
        """What a record says; None: no rule takes it.

        Raises: Refused.
        """
        for _, holds, make in self._rules:
            if holds(document):
                return make(document, latest)
        return None

    def _maker(self, source: HealthSource) -> Callable[[Document, int], Mapped]:
        if source.drop:
            dropped = Mapped(source.name)
            return lambda document, latest: dropped
        return self._status_maker(source) if "status" in source.fields else self._signal_maker(source)

    def _texts(self, source: HealthSource) -> dict[str, Text]:
        return {name: compile_text(field) for name, field in source.fields.items() if name != "at"}

    def _signal_maker(self, source: HealthSource) -> Callable[[Document, int], Mapped]:
        checks, name, fields = self._checks, source.name, source.fields
        texts = self._texts(source)
        read_at = compile_time(fields["at"], source.zone)
        read_ok = compile_flag(fields["ok"], "ok") if "ok" in fields else None
        read_synthetic = compile_flag(fields["synthetic"], "synthetic") if "synthetic" in fields else None
        read_customers = compile_whole(fields["customers"], "customers") if "customers" in fields else None
        attributes = {key: compile_text(field) for key, field in source.attributes.items()}
        latency_of = texts.get("latency")
        unit, customers_otherwise = source.latency_unit_us, source.customers_otherwise

        def make(document: Document, latest: int) -> Mapped:
            at = read_at(document)
            if at is None:
                raise Refused(RejectReason.MISSING_FIELD, "at is missing: when it happened")
            check_event_time(at, latest)
            latency = None
            if latency_of is not None and (text := latency_of(document)) is not None:
                mantissa, scale = exact_of(text, "latency")
                # Sources that measure against a promise are early below zero: as fast as can be.
                latency = max(0.0, mantissa * unit / 10**scale)
                if latency > MAX_LATENCY_US:
                    raise Refused(RejectReason.BAD_VALUE, "latency is absurd")
            customers = None if read_customers is None else read_customers(document)
            if customers is not None and not 1 <= customers <= MAX_CUSTOMERS:
                raise Refused(RejectReason.BAD_VALUE, f"customers is not between 1 and {MAX_CUSTOMERS}")
            found = {key: text for key, read in attributes.items() if (text := read(document)) is not None}
            if found:
                checks.attributes(found)
            ok = True if read_ok is None else read_ok(document)
            if ok is None:
                raise Refused(RejectReason.MISSING_FIELD, "ok is missing: whether it succeeded")
            return Mapped(
                name,
                Signal(
                    at,
                    _needed(texts, "event_id", document),
                    _needed(texts, "customer_id", document),
                    checks.service(_needed(texts, "service", document)),
                    checks.stage(_needed(texts, "stage", document)),
                    ok,
                    latency,
                    found or None,
                    customers_otherwise if customers is None else customers,
                    read_synthetic is not None and read_synthetic(document) is True,
                ),
            )

        return make

    def _status_maker(self, source: HealthSource) -> Callable[[Document, int], Mapped]:
        checks, name = self._checks, source.name
        texts = self._texts(source)
        read_at = compile_time(source.fields["at"], source.zone)

        def make(document: Document, latest: int) -> Mapped:
            at = read_at(document)
            if at is None:
                raise Refused(RejectReason.MISSING_FIELD, "at is missing: since when it is so")
            stage, region = (texts[key](document) if key in texts else None for key in ("stage", "region"))
            word = _needed(texts, "status", document)
            service = _needed(texts, "service", document)
            return Mapped(name, status=checks.status(at, service, stage, region, word, latest))

        return make


def _needed(texts: dict[str, Text], name: str, document: Document) -> str:
    return check_id(texts[name](document) or "", name)
