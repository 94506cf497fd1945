"""Bytes to a JSON object, strictly: the only place that trusts nothing.

There are two readers with one verdict. `read_exactly` is slow and names the fault. `read_quickly` is several times
faster and gives up on whatever it is not certain of; what it reads equals what the other would read.

Duplicate keys are found by arithmetic: JSON readers keep one of two equal keys, so the object written again has
fewer quotation marks than the text had. With no escaped quotation mark in the text each of them opens or closes a
string, so the count is exact.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import msgspec

from streams.facts.models import RejectReason
from streams.facts.refusal import Refused, shown

MAX_DEPTH = 32
"""Objects and lists inside each other; business records have a handful."""

MAX_BYTES = 512 * 1024
"""Default limit of one record, before it is decoded."""

QUOTE = b'"'
UNCERTAIN_ESCAPE = re.compile(rb'\\(?:["\\/bfnrt]|u00[012]|u[dD][89a-fA-F])').search
"""Escapes that the quick readers leave to the exact one: quotes, control characters, halves of surrogate pairs."""

_BEYOND_READING = 10**4300
_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NOT_BRACKETS = re.compile(rb"[^\[\]{}]+")


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("1e999")  # an exponent beyond Python's; out of every range that is asked for


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # more digits than Python reads, because that takes quadratic time; out of every range
        return _BEYOND_READING


_decode = msgspec.json.Decoder(float_hook=_decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


def read_quickly(value: bytes) -> dict[str, Any] | None:
    """The object, numbers with a point or exponent as Decimal; None: ask `read_exactly`."""
    if value.count(b"{") + value.count(b"[") > MAX_DEPTH or (b"\\" in value and UNCERTAIN_ESCAPE(value)):
        return None
    try:
        document = _decode(value)
        if type(document) is dict and _encode(document).count(QUOTE) == value.count(QUOTE):
            return document
    except (ValueError, RecursionError):  # DecodeError and UnicodeDecodeError are ValueErrors
        pass
    return None


def read_exactly(value: bytes | None, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The object, or why there is none.

    Raises:
        Refused: with the first fault found.
    """
    if value is None:
        raise Refused(RejectReason.TOMBSTONE, "the record has no value (null)")
    if not value:
        raise Refused(RejectReason.EMPTY, "the record has no bytes")
    if len(value) > max_bytes:
        raise Refused(RejectReason.TOO_LARGE, f"{len(value)} bytes, at most {max_bytes} are read")
    if value[0] == 0 and len(value) > 5:
        # Confluent's wire format: a magic byte 0, the schema's id as four bytes, then Avro, Protobuf or JSON.
        number = int.from_bytes(value[1:5], "big")
        raise Refused(
            RejectReason.NULL_BYTE,
            f"the record is in a schema registry's wire format (schema id {number}); JSON is read, and Avro of own "
            "topics where NETGROWTH_SCHEMA_REGISTRY is set",
        )
    if b"\x00" in value:
        raise Refused(RejectReason.NULL_BYTE, f"a null byte at position {value.index(0)}")
    _check_depth(value)
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(RejectReason.NOT_UTF8, f"no UTF-8 at byte {error.start}") from None
    try:
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_no_constant,
        )
    except json.JSONDecodeError as error:
        raise Refused(RejectReason.NOT_JSON, f"{error.msg} at character {error.pos}") from None
    if not isinstance(document, dict):
        raise Refused(RejectReason.NOT_AN_OBJECT, f"{shown(document)} where an object is needed")
    if "\\u" in text:
        _check_texts(document)
    return document


def _check_depth(value: bytes) -> None:
    if value.count(b"{") + value.count(b"[") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _NOT_BRACKETS.sub(b"", _TEXTS.sub(b"", value)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise Refused(RejectReason.TOO_DEEP, f"more than {MAX_DEPTH} objects and lists inside each other")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Refused(RejectReason.DUPLICATE_KEY, f"the key {shown(twice)} stands twice in one object")
    return document


def _no_constant(name: str) -> NoReturn:
    raise Refused(RejectReason.NOT_JSON, f"{name} is no JSON number")


def _check_texts(node: object) -> None:
    """Only an escape can bring a null character or half a surrogate pair into text that is valid UTF-8."""
    if isinstance(node, dict):
        for name, child in node.items():
            _check_texts(name)
            _check_texts(child)
    elif isinstance(node, list):
        for child in node:
            _check_texts(child)
    elif isinstance(node, str):
        if "\x00" in node:
            raise Refused(RejectReason.NULL_BYTE, r"a text with a null character (\u0000)")
        if not node.isascii():
            try:
                node.encode("utf-8")
            except UnicodeEncodeError:
                raise Refused(RejectReason.NOT_UTF8, "a text with half a surrogate pair") from None
