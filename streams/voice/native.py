"""Mentions in the native format: they pass the definitions unchanged, but for the agreed lists."""

from datetime import datetime
from fractions import Fraction
from typing import Any, Final

import msgspec

from streams.facts.models import RejectReason
from streams.facts.money import exact_of
from streams.facts.refusal import Refused, shown
from streams.facts.times import instant_of
from streams.voice.mentions import NATIVE, Mention

MOST_TOPICS: Final = 32
MOST_REACH: Final = 1 << 53
SURE_FIELDS: Final = ("mention_id", "channel", "brand")
"""Fields that together mark a record as a native one where the definitions list sources too."""

_NEEDED: Final = ("mention_id", "at", "author_id", "channel", "brand")
_TEXTS: Final = ("mention_id", "author_id", "channel", "brand", "text", "language", "customer_id", "copy_of")


def mention_of(document: dict[str, Any]) -> Mention:
    """The mention in a JSON object, not yet looked at by the definitions.

    Raises: Refused (missing_field, wrong_type, bad_time, bad_value).
    """
    for name in _NEEDED:
        if document.get(name) in (None, ""):
            raise Refused(RejectReason.MISSING_FIELD, f"{name} is missing")
    stated: dict[str, Any] = {}
    for name in _TEXTS:
        value = document.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise Refused(RejectReason.WRONG_TYPE, f"{name} is {shown(value)} where a text is needed")
        stated[name] = value or None
    return Mention(
        at=_instant(document["at"]),
        source=NATIVE,
        reach=reach_of(document.get("reach")),
        sentiment=sentiment_of(document.get("sentiment")),
        topics=topics_of(document.get("topics")),
        **stated,
    )


def reach_of(value: Any) -> int | None:
    """People who may have read it. Raises: Refused (wrong_type, bad_value)."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(RejectReason.WRONG_TYPE, f"reach is {shown(value)} where a whole number is needed")
    if not 0 <= value <= MOST_REACH:
        raise Refused(RejectReason.BAD_VALUE, f"reach is not between 0 and {MOST_REACH}")
    return value


def sentiment_of(value: Any) -> float | None:
    """A stated sentiment. Raises: Refused (wrong_type, bad_value)."""
    if value is None:
        return None
    if isinstance(value, str):
        raise Refused(RejectReason.WRONG_TYPE, f"sentiment is {shown(value)} where a number is needed")
    mantissa, scale = exact_of(value, "sentiment")
    found = float(Fraction(mantissa, 10**scale))
    if not -1 <= found <= 1:
        raise Refused(RejectReason.BAD_VALUE, "sentiment is not between -1 and 1")
    return found


def topics_of(value: Any) -> tuple[str, ...]:
    """Stated topics, each once. Raises: Refused (wrong_type, bad_value)."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(topic, str) for topic in value):
        raise Refused(RejectReason.WRONG_TYPE, f"topics is {shown(value)} where a list of texts is needed")
    if len(value) > MOST_TOPICS:
        raise Refused(RejectReason.BAD_VALUE, f"{len(value)} topics, at most {MOST_TOPICS} are read")
    return tuple(dict.fromkeys(topic for topic in value if topic))


def _instant(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value * 1000
    if not isinstance(value, str):
        raise Refused(
            RejectReason.WRONG_TYPE, f"at is {shown(value)} where an RFC 3339 time or whole milliseconds is needed"
        )
    try:
        moment = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        raise Refused(RejectReason.BAD_TIME, f"at is {shown(value)}, which is no RFC 3339 time") from None
    if moment.tzinfo is None:
        raise Refused(RejectReason.BAD_TIME, "at is a time without a zone")
    return instant_of(value, None)
