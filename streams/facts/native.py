"""Records in the native format: facts that pass the definitions unchanged.

The quick way decodes straight into a typed record and proves, by counting quotation marks, that no key stood twice.
What it is not certain of goes the exact way, which names the fault. Both end in `NativeFacts.fact_of`, so that one
record has one verdict.
"""

from datetime import datetime
from typing import Any

import msgspec

from streams.facts.definitions.model import Definitions
from streams.facts.labels import MAX_TEXT, Labels, check_id
from streams.facts.models import Fact, FactKind, Link, RejectReason
from streams.facts.money import check_amount, check_value
from streams.facts.refusal import Refused, shown
from streams.facts.strict_json import QUOTE, UNCERTAIN_ESCAPE, read_quickly
from streams.facts.times import EARLIEST_SINCE_US, EPOCH, check_event_time, check_range

MAX_COUNT = 10**9
"""Recommendations in one fact; more is a fault of the source."""

SAME_CUSTOMER = "same_customer"
"""The word for a fact about ids, see `Link`; it touches no state of a customer."""

MOST_PLACES = 1_000
"""Facts that one record can give."""

_INT64 = 1 << 63
_KINDS = {kind.value: kind.value for kind in FactKind}
_STATED_KINDS = (None, "voluntary", "payment")


class NativeRecord(msgspec.Struct, gc=False, omit_defaults=True):
    """The native format, field by field; None: absent or null."""

    fact: str
    at: datetime | int
    event_id: str | None = None
    customer_id: str | None = None
    silo: str | None = None
    value: int | None = None
    amount: int | None = None
    count: int | None = None
    sequence: int | None = None
    segment: str | None = None
    region: str | None = None
    product: str | None = None
    activity: str | None = None
    by_recommendation: bool | None = None
    reason: str | None = None
    kind: str | None = None
    effective_at: datetime | int | None = None
    since: datetime | int | None = None
    last_fact_at: datetime | int | None = None
    retracts: str | None = None
    place: int | None = None
    silo_id: str | None = None
    to_silo: str | None = None


_decode = msgspec.json.Decoder(NativeRecord).decode
_encode = msgspec.json.Encoder().encode
_TIMES = ("at", "effective_at", "since", "last_fact_at")
_NUMBERS = ("value", "amount", "count", "sequence", "place")
_TEXTS = tuple(
    name
    for name in NativeRecord.__struct_fields__
    if name not in _TIMES and name not in _NUMBERS and name != "by_recommendation"
)


def read_native_quickly(value: bytes) -> NativeRecord | None:
    """The record, if it is beyond doubt a sound one in the native format; None: ask the exact way."""
    if b"\\" in value and UNCERTAIN_ESCAPE(value):
        return None
    try:
        record = _decode(value)
        # Other fields than the format's, and nulls, make the counts differ too: then the whole document is counted.
        if _encode(record).count(QUOTE) != value.count(QUOTE) and read_quickly(value) is None:
            return None
    except (ValueError, RecursionError):
        return None
    return record


def native_of(document: dict[str, Any]) -> NativeRecord:
    """The record in a JSON object that has a field `fact`.

    Raises: Refused (missing_field, wrong_type, bad_time, bad_value).
    """
    stated: dict[str, Any] = {}
    for name in NativeRecord.__struct_fields__:
        value = document.get(name)
        if value is not None:
            stated[name] = _typed(name, value)
    for name in ("fact", "at"):
        if name not in stated:
            raise Refused(RejectReason.MISSING_FIELD, f"{name} is missing")
    return NativeRecord(**stated)


def _typed(name: str, value: Any) -> Any:
    wanted = "a text" if name in _TEXTS else "a whole number" if name in _NUMBERS else "true or false"
    if name in _TEXTS:
        fits = isinstance(value, str)
    elif name == "by_recommendation":
        fits = isinstance(value, bool)
    else:
        fits = isinstance(value, int) and not isinstance(value, bool)
    if name in _TIMES and isinstance(value, str):
        try:
            return msgspec.convert(value, datetime)
        except msgspec.ValidationError:
            raise Refused(RejectReason.BAD_TIME, f"{name} is {shown(value)}, which is no RFC 3339 time") from None
    if not fits:
        if name in _TIMES:
            wanted = "an RFC 3339 time or whole milliseconds"
        raise Refused(RejectReason.WRONG_TYPE, f"{name} is {shown(value)} where {wanted} is needed")
    return value


def _micros(moment: datetime | int, name: str) -> int:
    if type(moment) is int:
        return moment * 1000
    assert isinstance(moment, datetime)
    if moment.tzinfo is None:
        raise Refused(RejectReason.BAD_TIME, f"{name} is a time without a zone")
    passed = moment - EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


class NativeFacts:
    """Turns native records into facts, under the reasons and activities of one definitions file."""

    def __init__(self, definitions: Definitions, labels: Labels) -> None:
        self._labels = labels
        self._default_silo = definitions.native_silo or ""
        self._trailing = definitions.trailing.fact_kinds if definitions.trailing else frozenset()

    def fact_of(self, record: NativeRecord, latest: int) -> Fact:
        """The fact of a typed record.

        Args:
            record: typed, its values not yet looked at.
            latest: the latest instant that can have been reached, microseconds.
        Raises: Refused.
        """
        kind = _KINDS.get(record.fact)
        if kind is None:
            raise Refused(RejectReason.UNKNOWN_FACT, f"fact is {shown(record.fact)}")
        at = _micros(record.at, "at")
        if not 0 <= at <= latest:
            check_event_time(at, latest)
        if kind == "heartbeat":
            return self._heartbeat(record, at)
        event_id, customer_id = record.event_id, record.customer_id
        if event_id is None or customer_id is None:
            name = "event_id" if event_id is None else "customer_id"
            raise Refused(RejectReason.MISSING_FIELD, f"{name} is missing")
        if not (event_id.isprintable() and 0 < len(event_id) <= MAX_TEXT):
            check_id(event_id, "event_id")
        if not (customer_id.isprintable() and 0 < len(customer_id) <= MAX_TEXT):
            check_id(customer_id, "customer_id")
        known = self._labels.known
        try:  # labels come again and again: seen ones are known to be sound
            silo = known[record.silo] or self._default_silo
            segment, region, product = known[record.segment], known[record.region], known[record.product]
        except KeyError:
            label = self._labels.label
            silo = label(record.silo, "silo") or self._default_silo
            segment, region = label(record.segment, "segment"), label(record.region, "region")
            product = label(record.product, "product")
        activity, earned = self._labels.activity(record.activity)
        value, sequence, amount = record.value, record.sequence, record.amount
        if value is not None and not 0 <= value <= 1_000_000_000_000_000:
            check_value(value)
        if sequence is None:
            sequence = 0
        elif not -_INT64 <= sequence < _INT64:
            raise Refused(RejectReason.BAD_VALUE, "sequence is beyond 64 bits")
        place = record.place or 0
        if not 0 <= place < MOST_PLACES:
            raise Refused(RejectReason.BAD_VALUE, f"place is not between 0 and {MOST_PLACES - 1}")
        if amount is not None:
            check_amount(amount)
        fact = Fact(
            kind, at, customer_id, silo, event_id, sequence, place, value, None,
            segment, region, product, activity, earned or record.by_recommendation is True,
        )  # fmt: skip
        if kind in self._trailing:
            fact.amount = value if amount is None else amount
        if record.kind not in _STATED_KINDS:
            raise Refused(RejectReason.BAD_VALUE, f"kind is {shown(record.kind)}, neither voluntary nor payment")
        _check_others(record)
        if kind == "left" or kind == "leaving":
            self._end(fact, record)
        elif kind == "opening" or kind == "recommended" or kind == "retracted":
            self._tell(fact, record)
        return fact

    def link_of(self, record: NativeRecord, latest: int) -> Link:
        """The link of a typed record whose `fact` is `same_customer`.

        Raises: Refused.
        """
        at = _micros(record.at, "at")
        check_event_time(at, latest)
        event_id = check_id(record.event_id or "", "event_id")
        silo = self._labels.label(check_id(record.silo or "", "silo"), "silo") or ""
        silo_id = check_id(record.silo_id or "", "silo_id")
        customer_id = check_id(record.customer_id or "", "customer_id")
        company_id = self._labels.company_id
        root = customer_id if record.to_silo is None else company_id(record.to_silo, customer_id)
        return Link(at, event_id, silo, company_id(silo, silo_id), root)

    def _end(self, fact: Fact, record: NativeRecord) -> None:
        fact.reason, fact.loss_kind = self._labels.reason(record.reason, record.kind)
        if fact.kind == "leaving":
            effective_at = None if record.effective_at is None else _micros(record.effective_at, "effective_at")
            if effective_at is None or effective_at <= fact.at:
                fact.kind = _KINDS["left"]
            else:
                fact.effective_at = effective_at

    def _tell(self, fact: Fact, record: NativeRecord) -> None:
        if fact.kind == "recommended":
            fact.count = 1 if record.count is None else record.count
        elif fact.kind == "retracted":
            if not record.retracts:
                raise Refused(RejectReason.MISSING_FIELD, "retracts is missing")
            fact.retracts = record.retracts
        else:
            if record.since is not None:
                fact.since = _micros(record.since, "since")
            if record.last_fact_at is not None:
                fact.last_fact_at = _micros(record.last_fact_at, "last_fact_at")

    def _heartbeat(self, record: NativeRecord, at: int) -> Fact:
        """It touches no customer, so it needs no ids."""
        if record.event_id:
            check_id(record.event_id, "event_id")
        silo = self._labels.label(record.silo, "silo") or self._default_silo
        return Fact(_KINDS["heartbeat"], at, "", silo, record.event_id or "")


def _check_others(record: NativeRecord) -> None:
    """Fields that few facts have; wrong ones are faults also where the fact would not use them."""
    if record.effective_at is not None:
        check_range(_micros(record.effective_at, "effective_at"), "effective_at")
    if record.since is not None:
        check_range(_micros(record.since, "since"), "since", EARLIEST_SINCE_US)
    if record.last_fact_at is not None:
        check_range(_micros(record.last_fact_at, "last_fact_at"), "last_fact_at")
    if record.count is not None and not 1 <= record.count <= MAX_COUNT:
        raise Refused(RejectReason.BAD_VALUE, f"count is not between 1 and {MAX_COUNT}")
    if record.retracts is not None and record.retracts:
        check_id(record.retracts, "retracts")
