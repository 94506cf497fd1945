"""Instants: microseconds since 1970 UTC, from RFC 3339 texts and from local times of a zone.

A local time that a clock change doubles is the earlier of the two; one that it skips is moved forward by the gap.
Both follow from reading it with the offset that held before the change (PEP 495, fold 0).
"""

from datetime import UTC, datetime, tzinfo

import msgspec

from streams.facts.models import RejectReason
from streams.facts.refusal import Refused, shown

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_EVENT_US = 7_258_118_400_000_000
"""2200-01-01: nothing that happened can be later, whatever the wall clock says."""
LATEST_US = 253_402_300_800_000_000
"""The year 10000: where calendars end."""
EARLIEST_SINCE_US = -2_208_988_800_000_000
"""1900-01-01: customers may have been with the company since before 1970, events may not."""

UNIT_US = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}


def micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC of a moment that has a zone; exact."""
    passed = moment - EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def instant_of(text: str, zone: tzinfo | None, name: str = "at") -> int:
    """The instant that an ISO 8601 date or time names.

    Args:
        text: RFC 3339, or without an offset; seconds, or the whole time of day, may be missing.
        zone: whose local time a text without an offset gives; None: such a text is refused.
        name: of the field, for errors.
    Raises: Refused (bad_time).
    """
    whole = text
    if len(text) == 10:
        whole = text + "T00:00:00"
    elif len(text) == 16:
        whole = text + ":00"
    try:
        moment = msgspec.convert(whole, datetime)
    except msgspec.ValidationError:
        raise Refused(RejectReason.BAD_TIME, f"{name} is {shown(text)}, which is no RFC 3339 time") from None
    if moment.tzinfo is None:
        if zone is None:
            raise Refused(RejectReason.BAD_TIME, f"{name} is {shown(text)}, a time without a zone")
        moment = moment.replace(tzinfo=zone, fold=0)
    return micros(moment)


def check_event_time(at: int, latest: int) -> None:
    """Events lie between 1970 and now.

    Args:
        at: microseconds.
        latest: the latest instant that can have been reached, microseconds.
    Raises: Refused (bad_time, future_time).
    """
    if at < 0:
        raise Refused(RejectReason.BAD_TIME, "at lies before 1970")
    if at > latest:
        raise Refused(RejectReason.FUTURE_TIME, "at lies in the future")


def check_range(at: int | None, name: str, earliest: int = 0) -> None:
    """A time other than the event's own, which may lie in the future."""
    if at is not None and not earliest <= at < LATEST_US:
        raise Refused(RejectReason.BAD_TIME, f"{name} lies outside the calendar")
