"""A row of the existing base (customer, segment, value, since ...) as an `opening` fact in the native format.

What a row gets wrong is told by field and with how to mend it, because the people who wrote the export read it.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from streams.facts.definitions.model import Definitions
from streams.facts.labels import MAX_TEXT, check_id, is_sound
from streams.facts.models import RawRecord
from streams.facts.money import ABSURD, exact_of, minor_digits
from streams.facts.refusal import Refused, shown
from streams.facts.sources import text_of
from streams.facts.times import EARLIEST_SINCE_US, check_range, instant_of
from streams.tables.calendar import utc_text

CUSTOMER = ("customer", "customer_id")
"""Names under which a row may give its customer."""

FIELDS = (
    *CUSTOMER, "segment", "region", "product", "value", "value_minor", "currency", "activity", "by_recommendation",
    "since", "last_fact_at",
)  # fmt: skip
"""Every field of a row that means something; others are passed over."""

_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


class RowFault(Exception):
    """A row that gives no opening.

    Attributes:
        field: which one is at fault.
        detail: what is wrong with it.
        mend: what to write instead.
    """

    def __init__(self, field: str, detail: str, mend: str) -> None:
        super().__init__(f"{detail}; {mend}")
        self.field = field
        self.detail = detail
        self.mend = mend


class Openings:
    """Turns rows into facts under one definitions file.

    Args:
        definitions: their currency and time zone are those of the rows.
        as_of: the instant at which the rows were true, microseconds; the event time of every fact.
        silo: the source system that says so; None: the definitions' silo of native records.

    Attributes:
        value: minor units of all facts together.
        without_value: facts whose row was silent of the value; they count as 0.
        unlisted: activities on no agreed list, which will count as `unknown`, with how many rows state them.
        passed_over: fields of rows that mean nothing here.
    """

    def __init__(self, definitions: Definitions, as_of: int, silo: str | None = None) -> None:
        self._definitions = definitions
        self._as_of = as_of
        self._at = utc_text(as_of)
        self._silo = silo
        self._lines: dict[str, int] = {}
        self.value = 0
        self.without_value = 0
        self.unlisted: Counter[str] = Counter()
        self.passed_over: set[str] = set()

    @property
    def customers(self) -> int:
        """How many facts were made: one a customer."""
        return len(self._lines)

    def record_of(self, row: Mapping[str, Any], line: int) -> RawRecord:
        """The keyed record of a row; the same row gives the same bytes, whenever it is read.

        Args:
            row: texts, or values of a JSON object with decimals as Decimal.
            line: where it stands in its file, from 1.
        Raises: RowFault.
        """
        self.passed_over.update(name for name in row if name not in FIELDS)
        customer = self._customer(row)
        if customer in self._lines:
            raise RowFault(
                "customer", f"{shown(customer)} stands in line {self._lines[customer]} already",
                "keep one row for each customer",
            )  # fmt: skip
        fact: dict[str, Any] = {"event_id": event_id_of(self._at, customer), "at": self._at, "customer_id": customer}
        if self._silo is not None:
            fact["silo"] = self._silo
        fact["fact"] = "opening"
        value = self._value(row)
        if value is not None:
            fact["value"] = value
        for name in ("segment", "region", "product", "activity"):
            label = _label(row, name)
            if label is not None:
                fact[name] = label
        recommended = _flag(row, "by_recommendation")
        if recommended is not None:
            fact["by_recommendation"] = recommended
        for name in ("since", "last_fact_at"):
            instant = self._instant(row, name)
            if instant is not None:
                fact[name] = utc_text(instant)
        self._count(customer, line, value, fact.get("activity"))
        return RawRecord(orjson.dumps(fact), customer.encode(), "customer-events", 0, line - 1)

    def _count(self, customer: str, line: int, value: int | None, activity: str | None) -> None:
        self._lines[customer] = line
        self.value += value or 0
        self.without_value += value is None
        definitions = self._definitions
        if activity and not definitions.activities_open and activity not in definitions.activity_by_word:
            self.unlisted[activity] += 1

    def _customer(self, row: Mapping[str, Any]) -> str:
        given = [name for name in CUSTOMER if _is_stated(row.get(name))]
        if not given:
            raise RowFault("customer", "it is missing", "every row needs the company's id of its customer")
        if len(given) > 1:
            raise RowFault("customer", "customer and customer_id are both there", "leave one of them out")
        name = given[0]
        customer = _text(row, name) or ""
        if customer != customer.strip():
            raise RowFault(name, f"{shown(customer)} begins or ends with a blank", "write the id as records have it")
        try:
            return check_id(customer, name)
        except Refused as refused:
            raise RowFault(name, refused.detail, "write the id as records have it") from None

    def _value(self, row: Mapping[str, Any]) -> int | None:
        """Minor units of the definitions' currency, exact; None when the row is silent."""
        own, digits = self._definitions.currency, minor_digits(self._definitions.currency)
        currency = _label(row, "currency")
        if currency is not None and currency != own:
            raise RowFault("currency", shown(currency), f"give the value in {own}, which the definitions count in")
        given = [name for name in ("value", "value_minor") if _is_stated(row.get(name))]
        if not given:
            return None
        if len(given) > 1:
            raise RowFault("value", "value and value_minor are both there", "leave one of them out")
        name = given[0]
        stated = row[name].strip() if isinstance(row[name], str) else row[name]
        places = digits if name == "value" else 0
        example = f"write a decimal number of {own} with a point, such as {'1234.56' if digits == 2 else '1234'}"
        if name == "value_minor":
            example = f"write a whole number of minor units of {own}, such as 123456"
        try:
            mantissa, scale = exact_of(stated, name)
        except Refused as refused:
            raise RowFault(name, refused.detail.removeprefix(f"{name} is "), example) from None
        minor, rest = divmod(mantissa * int(10**places), int(10**scale))
        if rest:
            raise RowFault(
                name, f"{shown(str(stated))} has more than {places} decimal places" if places
                else f"{shown(str(stated))} is not whole", "round it as your finance department does",
            )  # fmt: skip
        if not 0 <= minor <= ABSURD:
            raise RowFault(name, f"{shown(str(stated))} is below zero or beyond 10^15 minor units", example)
        return minor

    def _instant(self, row: Mapping[str, Any], name: str) -> int | None:
        zone: ZoneInfo = self._definitions.zone
        text = _label(row, name)
        if text is None:
            return None
        mend = f"write a date, 2024-02-01 (a day in {self._definitions.time_zone}), or 2024-02-01T09:00:00Z"
        try:
            instant = instant_of(text, zone, name)
            check_range(instant, name, EARLIEST_SINCE_US if name == "since" else 0)
        except (Refused, OverflowError) as fault:
            detail = fault.detail if isinstance(fault, Refused) else "outside the calendar"
            raise RowFault(name, detail.removeprefix(f"{name} is "), mend) from None
        if instant > self._as_of:
            raise RowFault(
                name, f"{shown(text)} is after {self._at}, the instant as of which the base is told",
                "leave the row out if the customer joined later, else mend the date or --as-of",
            )  # fmt: skip
        return instant


def event_id_of(at: str, customer: str) -> str:
    """The id of a customer's opening as of an instant: the same whenever it is loaded.

    Where the customer's id leaves no room for the instant, its SHA-256 stands for it.
    """
    readable = f"opening-{at}-{customer}"
    if len(readable) <= MAX_TEXT:
        return readable
    return f"opening-{at}-{hashlib.sha256(customer.encode()).hexdigest()}"


def _is_stated(value: Any) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


def _text(row: Mapping[str, Any], name: str) -> str | None:
    try:
        text = text_of(row.get(name), name)
    except Refused as refused:
        raise RowFault(name, refused.detail.removeprefix(f"{name} is "), "write a text") from None
    if text is not None:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise RowFault(name, "it is no UTF-8", "save the file with the encoding UTF-8") from None
    return text


def _label(row: Mapping[str, Any], name: str) -> str | None:
    text = (_text(row, name) or "").strip() or None
    if text is not None and not is_sound(text):
        detail = f"{shown(text)}: longer than {MAX_TEXT}, or with control characters"
        raise RowFault(name, detail, "write a short text")
    return text


def _flag(row: Mapping[str, Any], name: str) -> bool | None:
    text = (_label(row, name) or "").lower()
    if not text:
        return None
    if text not in _TRUE + _FALSE:
        raise RowFault(name, shown(text), "write true or false, or nothing")
    return text in _TRUE
