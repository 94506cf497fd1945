"""The smallest form of a customer, for those whom no fact touches: what is as usual is left out.

Usual is, for the base: an active customer, nothing known but its gain, everything dated by it; for a fact: that it is
the newest one, and says nothing. Which fields follow is told by a mask. Everything else is msgpack, so any customer
can be written, however unusual.

Layout: one byte with the version and whether a due follows; the due, a number of a minute, five bytes; a list in
msgpack.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from streams.facts.models import UNKNOWN, Fact
from streams.ledger.customer import (
    NO_WORD,
    UNKNOWN_SCOPE,
    CustomerState,
    ImpliedOpening,
    JoinedWhileActive,
    Order,
    PendingLoss,
    ReportedLoss,
    Status,
)
from streams.ledger.movements import Recommendation, Scope

VERSION = 1
"""Of this form; at most 127."""

MOST_WORDS = 128


class Words:
    """The first words that customers at rest had in common; each takes three bytes in place of itself.

    For memory alone: what is saved is packed without.
    """

    def __init__(self) -> None:
        self._codes: dict[str, msgspec.msgpack.Ext] = {}
        self._words: list[str] = []

    def short(self, word: str | None) -> Any:
        """What stands for a word; the word itself where nothing does."""
        if word is None:
            return None
        code = self._codes.get(word)
        if code is None:
            if len(self._words) >= MOST_WORDS:
                return word
            code = self._codes[word] = msgspec.msgpack.Ext(len(self._words), b"")
            self._words.append(word)
        return code

    def long(self, short: Any) -> str:
        """The word for which it stands."""
        return self._words[short.code] if isinstance(short, msgspec.msgpack.Ext) else _shared(short)


class _NoWords(Words):
    def short(self, word: str | None) -> Any:
        return word


NO_WORDS = _NoWords()

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Any]).decode
_fields = msgspec.structs.astuple
_BLANK = _fields(CustomerState())
_SILENT = _fields(Fact("", 0, "", "", ""))[7:]
_NO_RANKS = (NO_WORD,) * 4
_WORDS_OF_A_FACT = ("kind", "silo", "segment", "region", "product", "activity", "reason", "loss_kind")
_WORDS = [Fact.__struct_fields__.index(name) for name in _WORDS_OF_A_FACT]
_UUID_LENGTH = 36
_DUE = 5


def pack(
    customer_id: str, base: CustomerState, facts: Sequence[Fact], newest: Order, folded_to: int, tangled: bool,
    due: int | None, words: Words = NO_WORDS,
) -> bytes:
    """A customer's base and remembered facts; `due`: the minute in which something falls due, or None."""
    short = words.short
    at, silo, sequence, event_id, place = newest
    more = (sequence, place, folded_to - at, tangled)
    content: list[Any] = [
        at, short(silo), _short(event_id), None if more == (0, 0, 0, False) else more, _base(base, at, short),
    ]  # fmt: skip
    for fact in facts:
        usual = ("", at, customer_id, silo, event_id, sequence, place, *_SILENT)
        fields = _fields(fact)
        written = list(fields)
        for place in _WORDS:
            written[place] = short(written[place])
        content.append(_masked(fields, usual, written))
    head = bytes((VERSION << 1,)) if due is None else bytes((VERSION << 1 | 1, *due.to_bytes(_DUE, "little")))
    return head + _encode(content)


def due_of(data: bytes) -> int | None:
    """The minute in which something falls due, None for never. Raises: ValueError for another version."""
    if data[0] >> 1 != VERSION:
        raise ValueError(f"a customer was saved in compact form {data[0] >> 1}, this program reads {VERSION}")
    return int.from_bytes(data[1 : 1 + _DUE], "little") if data[0] & 1 else None


def unpack(
    customer_id: str, data: bytes, words: Words = NO_WORDS
) -> tuple[CustomerState, list[Fact], Order, int, bool]:
    """Base, facts, newest order, folded_to and tangled, as they were given to `pack` with the same words, or without.

    Raises: ValueError for another version, msgspec.MsgspecError for what is no customer.
    """
    due_of(data)
    content = _decode(data[1 + _DUE if data[0] & 1 else 1 :])
    at, silo, short, more, base = content[:5]
    silo, event_id = words.long(silo), _long(short)
    sequence, place, beyond, tangled = more or (0, 0, 0, False)
    usual = ("", at, customer_id, silo, event_id, sequence, place, *_SILENT)
    facts = [_fact(packed, usual, words) for packed in content[5:]]
    return _state(base, at, words), facts, (at, silo, sequence, event_id, place), at + beyond, tangled


def _base(base: CustomerState, at: int, short: Callable[[str | None], Any]) -> list[Any] | None:
    fields = _fields(base)
    if fields == _BLANK:
        return None
    _, value, scope, gained_at = fields[:4]
    written = (
        *fields[:2], _short_scope(scope, short), gained_at, _short_scope(fields[_GAINED_SCOPE], short),
        short(fields[_ACTIVITY]), *fields[_ACTIVITY + 1 : _STEPS],
        tuple((when - gained_at, held) for when, held in fields[_STEPS]), *fields[_STEPS + 1 :],
    )  # fmt: skip
    return _masked(fields, _usual_base(value, scope, gained_at, at), written)


def _state(packed: list[Any] | None, at: int, words: Words) -> CustomerState:
    if packed is None:
        return CustomerState()
    mask, rest = packed[0], iter(packed[1:])
    status = next(rest) if mask & 1 else Status.ACTIVE.value
    value = next(rest) if mask & 2 else 0
    scope = _long_scope(next(rest), words) if mask & 4 else UNKNOWN_SCOPE
    gained_at = next(rest) if mask & 8 else at
    usual = _usual_base(value, scope, gained_at, at)
    fields: list[Any] = [status, value, scope, gained_at]
    for bit in range(4, len(usual)):
        if not mask >> bit & 1:
            fields.append(usual[bit])
        elif bit == _GAINED_SCOPE:
            fields.append(_long_scope(next(rest), words))
        elif bit == _ACTIVITY:
            fields.append(words.long(next(rest)))
        elif bit == _STEPS:
            fields.append(tuple((gained_at + since, held) for since, held in next(rest)))
        else:
            read = _READ.get(bit)
            fields.append(next(rest) if read is None else read(next(rest)))
    return CustomerState(*fields)


def _usual_base(value: int, scope: Scope, gained_at: int, at: int) -> tuple[Any, ...]:
    """The usual fields of a base whose value, scope and instant of gain are these; `at`: of the newest fact."""
    return (
        Status.ACTIVE.value, 0, UNKNOWN_SCOPE, at, scope, UNKNOWN, gained_at, None, 0, gained_at, gained_at,
        gained_at, ((gained_at, value),), gained_at, False, False, None, None, None, None, False, False, None,
        _NO_RANKS, (), None,
    )  # fmt: skip


def _masked(fields: Sequence[Any], usual: Sequence[Any], written: Sequence[Any]) -> list[Any]:
    """Which fields are not as usual, bit by bit, and these as they are written."""
    mask, bit = 0, 1
    packed: list[Any] = [0]
    for field, expected, value in zip(fields, usual, written, strict=True):
        if field != expected:
            mask |= bit
            packed.append(value)
        bit <<= 1
    packed[0] = mask
    return packed


def _fact(packed: list[Any], usual: Sequence[Any], words: Words) -> Fact:
    mask, rest = packed[0], iter(packed[1:])
    fields = [next(rest) if mask >> bit & 1 else expected for bit, expected in enumerate(usual)]
    for place in _WORDS:
        if fields[place] is not None:
            fields[place] = words.long(fields[place])
    return Fact(*fields)


@lru_cache(maxsize=1 << 14)
def _shared(word: str) -> str:
    """The same word as one object for all customers who are awake."""
    return word


def _short_scope(scope: Scope, short: Callable[[str | None], Any]) -> tuple[Any, ...]:
    return tuple(None if word == UNKNOWN else short(word) for word in (scope.segment, scope.region, scope.product))


def _long_scope(shorts: Sequence[Any], words: Words) -> Scope:
    segment, region, product = (UNKNOWN if short is None else words.long(short) for short in shorts)
    return Scope(segment, region, product)


def _short(event_id: str) -> str | bytes:
    """The sixteen bytes of a UUID that is written as usual; any other text as it is."""
    if len(event_id) == _UUID_LENGTH and event_id[8] == "-":
        try:
            data = bytes.fromhex(event_id.replace("-", ""))
        except ValueError:
            return event_id
        if len(data) == 16 and _long(data) == event_id:
            return data
    return event_id


def _long(short: str | bytes) -> str:
    if isinstance(short, str):
        return short
    text = short.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


_GAINED_SCOPE = CustomerState.__struct_fields__.index("gained_scope")
_ACTIVITY = CustomerState.__struct_fields__.index("activity")
_STEPS = CustomerState.__struct_fields__.index("steps")


def _reader(of: Any) -> Callable[[Any], Any]:
    return lambda value: None if value is None else msgspec.convert(value, of)


_READ: dict[int, Callable[[Any], Any]] = {
    CustomerState.__struct_fields__.index(name): read
    for name, read in (
        ("pending", _reader(PendingLoss)),
        ("joined", _reader(JoinedWhileActive)),
        ("reported", _reader(ReportedLoss)),
        ("recommended", _reader(Recommendation)),
        ("ranks", tuple),
        ("purchases", _reader(tuple[tuple[int, int], ...])),
        ("implied", _reader(ImpliedOpening)),
    )
}
