"""Signals and statuses in the native format, which pass the definitions unchanged.

As with facts there is a quick way, which proves by counting quotation marks that no key stood twice, and an exact
one, which names the fault. Both end in the same checks, so that one record has one verdict.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from streams.facts.labels import MAX_TEXT, check_id, is_sound
from streams.facts.models import UNKNOWN, RejectReason
from streams.facts.refusal import Refused, shown
from streams.facts.strict_json import QUOTE, UNCERTAIN_ESCAPE, read_quickly
from streams.facts.times import EPOCH, check_event_time
from streams.health.signals import (
    LEVELS,
    MAX_ATTRIBUTES,
    MAX_CUSTOMERS,
    MAX_LATENCY_US,
    Signal,
    Status,
)

SURE_FIELDS = ("service", "stage", "ok")
"""A record that has these is in the native format, beside sources that have words of their own."""

SURE_STATUS_FIELDS = ("service", "status")

_KEPT = 65_536


class NativeSignal(msgspec.Struct, gc=False, omit_defaults=True):
    """The native format, field by field; None: absent or null."""

    at: datetime | int
    event_id: str
    customer_id: str
    service: str
    stage: str
    ok: bool
    latency_ms: float | None = None
    attributes: dict[str, str] | None = None
    customers: int | None = None
    synthetic: bool | None = None


_decode = msgspec.json.Decoder(NativeSignal).decode
_encode = msgspec.json.Encoder().encode
_NEEDED = ("event_id", "at", "customer_id", "service", "stage", "ok")


def read_signal_quickly(value: bytes) -> NativeSignal | None:
    """The record, if it is beyond doubt a sound one in the native format; None: ask the exact way."""
    if b"\\" in value and UNCERTAIN_ESCAPE(value):
        return None
    try:
        record = _decode(value)
        if _encode(record).count(QUOTE) != value.count(QUOTE) and read_quickly(value) is None:
            return None
    except (ValueError, RecursionError):
        return None
    return record


def native_signal_of(document: dict[str, Any]) -> NativeSignal:
    """The record in a JSON object.

    Raises: Refused (missing_field, wrong_type, bad_time, bad_value).
    """
    for name in _NEEDED:
        if document.get(name) is None:
            raise Refused(RejectReason.MISSING_FIELD, f"{name} is missing")
    synthetic = None if document.get("synthetic") is None else flag_field(document, "synthetic")
    return NativeSignal(
        at=time_field(document, "at"),
        event_id=text_field(document, "event_id"),
        customer_id=text_field(document, "customer_id"),
        service=text_field(document, "service"),
        stage=text_field(document, "stage"),
        ok=flag_field(document, "ok"),
        latency_ms=number_field(document, "latency_ms"),
        attributes=attributes_field(document, "attributes"),
        customers=whole_field(document, "customers"),
        synthetic=synthetic,
    )


def text_field(document: dict[str, Any], name: str) -> str:
    """A text. Raises: Refused."""
    value = document[name]
    if not isinstance(value, str):
        raise Refused(RejectReason.WRONG_TYPE, f"{name} is {shown(value)} where a text is needed")
    return value


def flag_field(document: dict[str, Any], name: str) -> bool:
    """true or false. Raises: Refused."""
    value = document[name]
    if not isinstance(value, bool):
        raise Refused(RejectReason.WRONG_TYPE, f"{name} is {shown(value)} where true or false is needed")
    return value


def whole_field(document: dict[str, Any], name: str) -> int | None:
    """A whole number, or None. Raises: Refused."""
    value = document.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise Refused(RejectReason.WRONG_TYPE, f"{name} is {shown(value)} where a whole number is needed")


def number_field(document: dict[str, Any], name: str) -> float | None:
    """A number, or None. Raises: Refused."""
    value = document.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Refused(RejectReason.WRONG_TYPE, f"{name} is {shown(value)} where a number is needed")
    try:
        return float(value)
    except OverflowError:
        return float("inf")  # out of every range that is asked for


def attributes_field(document: dict[str, Any], name: str) -> dict[str, str] | None:
    """Names and texts, or None. Raises: Refused."""
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise Refused(RejectReason.WRONG_TYPE, f"{name} needs names and texts")
    return value


def time_field(document: dict[str, Any], name: str) -> datetime | int:
    """An RFC 3339 time or whole milliseconds. Raises: Refused."""
    value = document[name]
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise Refused(RejectReason.WRONG_TYPE, f"{name} is {shown(value)} where an RFC 3339 time is needed")
    try:
        return msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        raise Refused(RejectReason.BAD_TIME, f"{name} is {shown(value)}, which is no RFC 3339 time") from None


def instant_us(moment: datetime | int) -> int:
    """Microseconds since 1970. Raises: Refused (bad_time)."""
    if type(moment) is int:
        return moment * 1000
    assert isinstance(moment, datetime)
    if moment.tzinfo is None:
        raise Refused(RejectReason.BAD_TIME, "at is a time without a zone")
    passed = moment - EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


class Checks:
    """What holds of every signal and status, whichever way it was read; names seen lately are known to be sound."""

    def __init__(self, stages: tuple[str, ...]) -> None:
        self._stages = frozenset(stages)
        self._services: dict[str, str] = {}
        self._of_stage: dict[str, str] = {}
        self._sound: set[str] = set()

    def service(self, text: str) -> str:
        """A service's name. Raises: Refused."""
        found = self._services.get(text)
        if found is None:
            if len(self._services) >= _KEPT:
                self._services.clear()
            found = self._services[text] = check_id(text, "service")
        return found

    def stage(self, text: str) -> str:
        """A stage of the journey; `unknown` where the definitions list stages, and not this one. Raises: Refused."""
        found = self._of_stage.get(text)
        if found is None:
            if len(self._of_stage) >= _KEPT:
                self._of_stage.clear()
            check_id(text, "stage")
            found = text if not self._stages or text in self._stages else UNKNOWN
            self._of_stage[text] = found
        return found

    def attributes(self, attributes: dict[str, str]) -> None:
        """Names and values of attributes. Raises: Refused."""
        if len(attributes) > MAX_ATTRIBUTES:
            raise Refused(RejectReason.BAD_VALUE, f"attributes are more than {MAX_ATTRIBUTES}")
        sound = self._sound
        for name, text in attributes.items():
            if text in sound and name in sound:
                continue
            if not is_sound(text) or not is_sound(name) or not name:
                raise Refused(
                    RejectReason.BAD_VALUE, f"attributes: {shown(name)} is longer than {MAX_TEXT}, empty or not sound"
                )
            if len(sound) >= _KEPT:
                sound.clear()
            sound.update((name, text))

    def signal(self, record: NativeSignal, latest: int) -> Signal:
        """The signal of a typed record. Raises: Refused."""
        at = instant_us(record.at)
        if not 0 <= at <= latest:
            check_event_time(at, latest)
        event_id, customer_id = record.event_id, record.customer_id
        if not (event_id.isprintable() and 0 < len(event_id) <= MAX_TEXT):
            check_id(event_id, "event_id")
        if not (customer_id.isprintable() and 0 < len(customer_id) <= MAX_TEXT):
            check_id(customer_id, "customer_id")
        latency = record.latency_ms
        if latency is not None:
            latency *= 1000.0
            if not 0 <= latency <= MAX_LATENCY_US:
                raise Refused(RejectReason.BAD_VALUE, "latency_ms is below zero or absurd")
        customers = record.customers
        if customers is None:
            customers = 1
        elif not 1 <= customers <= MAX_CUSTOMERS:
            raise Refused(RejectReason.BAD_VALUE, f"customers is not between 1 and {MAX_CUSTOMERS}")
        attributes = record.attributes
        if attributes:
            self.attributes(attributes)
        return Signal(
            at, event_id, customer_id, self.service(record.service), self.stage(record.stage), record.ok, latency,
            attributes, customers, record.synthetic is True,
        )  # fmt: skip

    def status(self, at: int, service: str, stage: str | None, region: str | None, word: str, latest: int) -> Status:
        """A status. Raises: Refused."""
        check_event_time(at, latest)
        level = LEVELS.get(word)
        if level is None:
            raise Refused(RejectReason.BAD_VALUE, f"status is {shown(word)}, none of up, degraded and down")
        if region is not None:
            check_id(region, "region")
        return Status(at, self.service(service), None if stage is None else self.stage(stage), region, level)


def native_status_of(document: dict[str, Any], checks: Checks, latest: int) -> Status:
    """The status in a JSON object. Raises: Refused."""
    for name in ("at", "service", "status"):
        if document.get(name) is None:
            raise Refused(RejectReason.MISSING_FIELD, f"{name} is missing")
    at = instant_us(time_field(document, "at"))
    named = {
        name: None if document.get(name) in (None, "") else text_field(document, name)
        for name in ("stage", "region")
    }
    return checks.status(
        at, text_field(document, "service"), named["stage"], named["region"], text_field(document, "status"), latest
    )
