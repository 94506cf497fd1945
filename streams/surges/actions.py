"""What the company did itself: actions, and which surges they explain.

A surge that an action of its scope and time expected is shown with it and marked, so that it need not wake anybody.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from streams.facts.models import DeadLetter, RawRecord, RejectReason
from streams.facts.refusal import Refused, shown
from streams.facts.strict_json import MAX_BYTES, read_exactly
from streams.facts.times import instant_of
from streams.ledger.rules import DAY, HOUR
from streams.surges.series import (
    DISRUPTED_CUSTOMERS,
    HAPPY_MENTIONS,
    LOST_CUSTOMERS,
    LOST_VALUE,
    UNHAPPY_MENTIONS,
)
from streams.surges.surge import Surge

KINDS: Final = ("release", "price_change", "campaign", "outage", "maintenance", "other")
LASTS_US: Final = DAY
"""How long an action is at work that does not say until when."""

NO_OWN_SERIES: Final[Mapping[str, str]] = {}
BEFORE_US: Final = 2 * HOUR
"""How long before a surge something that we did is named with it."""

_NEEDED: Final = ("action_id", "at", "kind", "text")
_EXPECTS: Final = {
    LOST_CUSTOMERS: "lost",
    LOST_VALUE: "lost",
    DISRUPTED_CUSTOMERS: "disrupted",
    UNHAPPY_MENTIONS: "unhappy",
    HAPPY_MENTIONS: "happy",
}
"""Measure to the name under which an action says how many it expects."""

EXPECTED_NAMES: Final = tuple(dict.fromkeys(_EXPECTS.values()))


class Action(msgspec.Struct, frozen=True, gc=False):
    """One action. Instants are microseconds.

    Attributes:
        scope: label to value; empty: the whole company.
        expected: lost, disrupted, unhappy, happy: how many more than usual it may bring.
    """

    action_id: str
    at: int
    kind: str
    text: str
    start: int
    end: int
    scope: dict[str, str] = {}
    owner: str | None = None
    expected: dict[str, int] = {}

    def covers(self, surge: Surge, now: int) -> bool:
        """Whether it was at work in the scope of a surge while that lasted."""
        ends = now if surge.closed is None else surge.closed
        if not (self.start < ends and surge.onset < self.end):
            return False
        labels = dict(surge.series.labels)
        # A total holds its segments: only a label that both name can differ.
        return all(labels.get(label, value) == value for label, value in self.scope.items())

    def expects(self, surge: Surge, counts: Mapping[str, str]) -> bool:
        """Whether it said that so much would come: more than it said is no expected surge."""
        measure = surge.series.measure
        number = self.expected.get(_EXPECTS.get(counts.get(measure, measure), ""))
        if number is None or surge.direction != "up":
            return False
        # Value has no expectation of its own: it goes with its customers.
        return surge.series.measure == LOST_VALUE or surge.observed - surge.expected <= number


def mark(surge: Surge, actions: Iterable[Action], now: int, counts: Mapping[str, str] = NO_OWN_SERIES) -> None:
    """Note on a surge which actions were at work, and whether one of them expected it.

    Args: counts: what series that the definitions name count.
    """
    found = [action for action in actions if action.covers(surge, now)]
    surge.actions = tuple(sorted(action.action_id for action in found))
    surge.is_expected = any(action.expects(surge, counts) for action in found)


def done_before(surge: Surge, actions: Iterable[Action], now: int) -> list[Action]:
    """What we did from two hours before the onset on, in a scope that agrees with the surge's: the newest first."""
    labels = dict(surge.series.labels)
    found = [
        action for action in actions
        if surge.onset - BEFORE_US <= action.start <= now
        and all(labels.get(label, value) == value for label, value in action.scope.items())
    ]  # fmt: skip
    return sorted(found, key=lambda action: (-action.start, action.action_id))


@dataclass(slots=True)
class AdmittedActions:
    """What became of the records of one batch: records = dead letters + actions."""

    records: int = 0
    actions: list[Action] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)

    @property
    def outcomes(self) -> dict[str, int]:
        """What became of the records; sums to all of them."""
        return {"actions": len(self.actions), "dead_lettered": len(self.dead_letters)}

    @property
    def gave(self) -> int:
        """Actions that the records gave."""
        return len(self.actions)

    @property
    def event_times(self) -> list[int]:
        """Of the actions, microseconds."""
        return [action.at for action in self.actions]


def admit_actions(records: Sequence[RawRecord], max_bytes: int = MAX_BYTES) -> AdmittedActions:
    """The actions of these records. Never raises for what a record holds."""
    batch = AdmittedActions(records=len(records))
    for record in records:
        try:
            batch.actions.append(action_of(read_exactly(record.value, max_bytes)))
        except Refused as refused:
            batch.dead_letters.append(refused.dead_letter(record))
    return batch


def action_of(document: Mapping[str, Any]) -> Action:
    """The action in a JSON object in the native format.

    Raises: Refused (missing_field, wrong_type, bad_time, bad_value), naming the field.
    """
    for name in _NEEDED:
        if document.get(name) in (None, ""):
            raise Refused(RejectReason.MISSING_FIELD, f"{name} is missing")
    for name in ("action_id", "kind", "text"):
        if not isinstance(document[name], str):
            raise Refused(RejectReason.WRONG_TYPE, f"{name} is {shown(document[name])} where a text is needed")
    if document["kind"] not in KINDS:
        raise Refused(RejectReason.BAD_VALUE, f"kind is {shown(document['kind'])}, there are {', '.join(KINDS)}")
    at = _instant(document["at"], "at")
    start = at if document.get("from") is None else _instant(document["from"], "from")
    end = start + LASTS_US if document.get("until") is None else _instant(document["until"], "until")
    if end <= start:
        raise Refused(RejectReason.BAD_VALUE, "until is not after from")
    owner = document.get("owner")
    if owner is not None and not isinstance(owner, str):
        raise Refused(RejectReason.WRONG_TYPE, f"owner is {shown(owner)} where a text is needed")
    return Action(
        action_id=document["action_id"], at=at, kind=document["kind"], text=document["text"], start=start, end=end,
        scope=_scope(document.get("scope")), owner=owner, expected=_expected(document.get("expected")),
    )  # fmt: skip


def _instant(value: Any, name: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value * 1000
    if not isinstance(value, str):
        raise Refused(RejectReason.WRONG_TYPE, f"{name} is {shown(value)} where an RFC 3339 time is needed")
    return instant_of(value, None, name)


def _scope(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise Refused(RejectReason.WRONG_TYPE, f"scope is {shown(value)} where labels with texts are needed")
    return dict(value)


def _expected(value: Any) -> dict[str, int]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(RejectReason.WRONG_TYPE, f"expected is {shown(value)} where counts by name are needed")
    for name, number in value.items():
        if name not in EXPECTED_NAMES:
            raise Refused(RejectReason.BAD_VALUE, f"expected.{name} is none of {', '.join(EXPECTED_NAMES)}")
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise Refused(RejectReason.WRONG_TYPE, f"expected.{name} is {shown(number)} where a count is needed")
    return dict(value)
