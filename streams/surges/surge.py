"""A surge: when it began, how large it is against what was expected, and what it consists of."""

from enum import StrEnum
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from streams.surges.series import Series
from streams.tables.calendar import utc_text


class What(StrEnum):
    """What happened to a surge."""

    OPENED = "opened"
    UPDATED = "updated"
    CLOSED = "closed"


class Contribution(NamedTuple):
    """What one value of one label adds to the excess.

    Attributes:
        label: segment, region, product, reason, topic, channel ...
        value: of that label.
        share: of the excess of all values of the label, above 0 and at most 1.
    """

    label: str
    value: str
    share: float


class Surge(msgspec.Struct, gc=False):
    """One surge of one series. Instants are event time, microseconds since 1970.

    Attributes:
        surge_id: the same whenever the same series surges from the same onset.
        detected: the end of the slot that told it; of a running slot, the minute's end.
        direction: `up` or `down`.
        observed, expected: what was counted since the onset, and what was expected of that time.
        step_s: seconds of the slots that told it.
        story: the surge_id of the first surge of the same trouble.
        closed: None while it is open.
        evidence: the largest shares of the excess.
        actions: ids of what we did ourselves at that time and scope; `is_expected`: one of them expected it.
    """

    surge_id: str
    series: Series
    onset: int
    detected: int
    direction: str
    observed: float
    expected: float
    step_s: int
    story: str = ""
    closed: int | None = None
    evidence: tuple[Contribution, ...] = ()
    actions: tuple[str, ...] = ()
    is_expected: bool = False

    def shown(self) -> dict[str, Any]:
        """As JSON; names that do not apply are absent."""
        found: dict[str, Any] = {
            "id": self.surge_id,
            "series": self.series.shown(),
            "onset": utc_text(self.onset),
            "detected": utc_text(self.detected),
            "direction": self.direction,
            "observed": round(self.observed, 2),
            "expected": round(self.expected, 2),
            "evidence": [
                {"label": one.label, "value": one.value, "share": round(one.share, 4)} for one in self.evidence
            ],
            "story": self.story,
        }
        if self.closed is not None:
            found["closed"] = utc_text(self.closed)
        if self.actions:
            found |= {"actions": list(self.actions), "is_expected": self.is_expected}
        return found


class SurgeEvent(NamedTuple):
    """What is told of a surge, in the order it happens. The surge is as it is then."""

    what: What
    at: int
    surge: Surge


def surge_id(series: Series, onset: int, direction: str) -> str:
    """An id of 12 hexadecimal digits that is the same in every run."""
    key = "\x00".join([series.measure, direction, str(onset), *(part for pair in series.labels for part in pair)])
    return blake2b(key.encode(), digest_size=6).hexdigest()
