"""What is known of surges company-wide: what happened to each, what people say of them, and what we did.

Made from the records of `surges`, `surge-verdicts` and `actions`, in any order and more than once.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from streams.facts.refusal import Refused
from streams.facts.strict_json import read_exactly
from streams.ledger.rules import DAY
from streams.surges.actions import action_of
from streams.surges.budget import BOARD_BUDGET_DAYS
from streams.tables.calendar import utc_text

VERDICTS: Final = ("real", "expected", "false")
MONTH_DAYS: Final = 30
MOST_SURGES: Final = 5_000
"""Newest surges that are remembered."""

RECENT_DAYS: Final = 7
MOST_SHOWN: Final = 200
CLOSED: Final = "closed"


class Verdict(msgspec.Struct, frozen=True):
    """What a person says of a surge; `at`: RFC 3339."""

    surge_id: str
    verdict: str
    note: str
    at: str


class SurgeLog:
    """Surges, verdicts and actions by id."""

    def __init__(self) -> None:
        self.surges: dict[str, dict[str, Any]] = {}
        self.verdicts: dict[str, Verdict] = {}
        self.actions: dict[str, dict[str, Any]] = {}

    def take_event(self, value: bytes | None) -> None:
        """A record of `surges`; of one surge the event with the largest number holds.

        Raises: msgspec.MsgspecError, KeyError for what no worker wrote.
        """
        event: dict[str, Any] = msgspec.json.decode(value or b"", type=dict)
        known = self.surges.get(event["id"])
        if known is not None and known["number"] >= event["number"]:
            return
        self.surges[event["id"]] = event
        if len(self.surges) > MOST_SURGES:
            del self.surges[next(iter(self.surges))]

    def take_verdict(self, key: bytes | None, value: bytes | None) -> None:
        """A record of `surge-verdicts`; the newest of a surge holds, without a value it is withdrawn.

        Raises: msgspec.MsgspecError for what is no verdict.
        """
        if value is None:
            self.verdicts.pop((key or b"").decode(errors="replace"), None)
            return
        verdict = msgspec.json.decode(value, type=Verdict)
        self.verdicts[verdict.surge_id] = verdict

    def take_action(self, value: bytes | None) -> None:
        """A record of `actions`; one that is no action is passed over here, and a dead letter of the surge agent."""
        try:
            action = action_of(read_exactly(value, len(value or b"") + 1))
        except Refused:
            return
        shown = {
            "action_id": action.action_id, "kind": action.kind, "text": action.text, "scope": action.scope,
            "from": utc_text(action.start), "until": utc_text(action.end), "expected": action.expected,
        }  # fmt: skip
        self.actions[action.action_id] = shown if action.owner is None else shown | {"owner": action.owner}

    def open(self) -> list[dict[str, Any]]:
        """Open surges, by detection."""
        return _in_order(self._shown(event) for event in self.surges.values() if event["what"] != CLOSED)

    def closed(self, since: str) -> list[dict[str, Any]]:
        """Surges that closed at an instant or later, by detection."""
        return _in_order(
            self._shown(event)
            for event in self.surges.values()
            if event["what"] == CLOSED and event["closed"] >= since
        )

    def judged(self, since: str) -> Counter[str]:
        """Verdicts on the surges detected at an instant or later; `none`: nobody has judged them."""
        found = Counter[str]()
        for surge_id, event in self.surges.items():
            if event["detected"] >= since:
                verdict = self.verdicts.get(surge_id)
                found["none" if verdict is None else verdict.verdict] += 1
        return found

    def now(self, clock: int) -> dict[str, Any]:
        """The JSON of `/api/v1/surges`; `clock`: of the tables, microseconds."""
        month, week = utc_text(clock - MONTH_DAYS * DAY), utc_text(clock - RECENT_DAYS * DAY)
        judged = self.judged(month)
        return {
            "at": utc_text(clock),
            "open": self.open(),
            "closed": self.closed(week)[-MOST_SHOWN:],
            "false_alarms": {
                "days": MONTH_DAYS,
                "false": judged["false"],
                "budget": round(false_alarm_budget(), 2),
                "judged": {name: judged[name] for name in (*VERDICTS, "none")},
            },
            "actions": [action for action in self.actions.values() if action["until"] >= week],
        }

    def _shown(self, event: Mapping[str, Any]) -> dict[str, Any]:
        found = {name: value for name, value in event.items() if name not in ("what", "number")}
        verdict = self.verdicts.get(event["id"])
        if verdict is not None:
            found["verdict"] = {"verdict": verdict.verdict, "note": verdict.note, "at": verdict.at}
        return found


def false_alarm_budget() -> float:
    """False alarms a month that are accepted over all series together."""
    return MONTH_DAYS / BOARD_BUDGET_DAYS


def _in_order(surges: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(surges, key=lambda surge: (surge["detected"], surge["id"]))
