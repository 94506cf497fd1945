"""Sources of a fact's fields as functions of a record: what the closed list of the definitions computes."""

import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from streams.facts.comparisons import Document, getter
from streams.facts.definitions.model import (
    Constant,
    Hash,
    InstantPlus,
    Linked,
    Lookup,
    Path,
    Source,
    Time,
    linked_id,
)
from streams.facts.models import RejectReason
from streams.facts.money import exact_of, multiply, to_minor
from streams.facts.refusal import Refused, shown
from streams.facts.times import instant_of

Reading = Callable[[Document], Any]

_INT64 = 1 << 63
_TRUE = ("true", "True", "yes", "Yes", "1")
_FALSE = ("false", "False", "no", "No", "0")
_json = msgspec.json.Encoder(decimal_format="string").encode


def text_of(value: Any, name: str) -> str | None:
    """The text of a field; None when it is absent, null or empty.

    Raises: Refused (wrong_type, bad_value).
    """
    if type(value) is str:
        return value or None
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if not -_INT64 <= value < _INT64:
            raise Refused(RejectReason.BAD_VALUE, f"{name} is beyond 64 bits")
        return str(value)
    if isinstance(value, Decimal):
        return str(value)
    raise Refused(RejectReason.WRONG_TYPE, f"{name} is {shown(value)} where a text is needed")


def compile_text(source: Source) -> Callable[[Document], str | None]:
    """Reads a source as text."""
    if isinstance(source, Constant):
        constant = source.text
        return lambda document: constant
    if isinstance(source, Hash):
        return _compile_hash(source)
    if isinstance(source, Lookup):
        get, name, table, otherwise = getter(source.path), source.path.name, source.table, source.otherwise
        return lambda document: table.get(text_of(get(document), name) or "", otherwise)
    if isinstance(source, Linked):
        return _compile_linked(source)
    assert isinstance(source, Path)
    get, name = getter(source), source.name
    return lambda document: text_of(get(document), name)


def compile_time(source: Source, zone: ZoneInfo | None) -> Callable[[Document], int | None]:
    """Reads a source as an instant in microseconds; a text without an offset is local time of `zone`."""
    if isinstance(source, InstantPlus):
        return _compile_instant_plus(source)
    if isinstance(source, Time) and source.unit_us is not None:
        return _compile_instant_plus(InstantPlus(0, source.path, source.unit_us))
    if isinstance(source, Time):
        source = source.path
    if isinstance(source, Constant):
        fixed = instant_of(source.text, zone)
        return lambda document: fixed
    name = source.name if isinstance(source, Path) else "time"
    if isinstance(source, Path):
        get = getter(source)

        def read_path(document: Document) -> int | None:
            value = get(document)
            if value is None or value == "":
                return None
            if type(value) is not str:
                raise Refused(RejectReason.WRONG_TYPE, f"{name} is {shown(value)} where a time in text is needed")
            return instant_of(value, zone, name)

        return read_path
    text = compile_text(source)

    def read_text(document: Document) -> int | None:
        found = text(document)
        return None if found is None else instant_of(found, zone, name)

    return read_text


def compile_whole(source: Source, name: str) -> Callable[[Document], int | None]:
    """Reads a source as a whole number within 64 bits."""
    text = compile_text(source)

    def read(document: Document) -> int | None:
        found = text(document)
        if found is None:
            return None
        mantissa, scale = exact_of(found, name)
        number, rest = divmod(mantissa, 10**scale)
        if rest or not -_INT64 <= number < _INT64:
            raise Refused(RejectReason.BAD_VALUE, f"{name} is {shown(found)}, no whole number within 64 bits")
        return int(number)

    return read


def compile_flag(source: Source, name: str) -> Callable[[Document], bool | None]:
    """Reads a source as yes or no."""
    text = compile_text(source)

    def read(document: Document) -> bool | None:
        found = text(document)
        if found is None:
            return None
        if found in _TRUE:
            return True
        if found in _FALSE:
            return False
        raise Refused(RejectReason.WRONG_TYPE, f"{name} is {shown(found)} where true or false is needed")

    return read


def _compile_linked(source: Linked) -> Callable[[Document], str | None]:
    get, name, silo = getter(source.path), source.path.name, source.silo

    def read(document: Document) -> str | None:
        found = text_of(get(document), name)
        return None if found is None else linked_id(silo, found)

    return read


def _compile_hash(source: Hash) -> Callable[[Document], str]:
    fields = [(getter(path), path.name) for path in source.paths]

    def read(document: Document) -> str:
        values = [text_of(get(document), name) for get, name in fields]
        return hashlib.blake2b(_json(values), digest_size=16).hexdigest()

    return read


def _compile_instant_plus(source: InstantPlus) -> Callable[[Document], int | None]:
    get, name, start, unit = getter(source.path), source.path.name, source.start, source.unit_us

    def read(document: Document) -> int | None:
        value = get(document)
        if value is None or value == "":
            return None
        return start + to_minor(multiply(exact_of(value, name), (unit, 0)), 0)

    return read
