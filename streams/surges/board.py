"""What is known of surges company-wide: what happened to each, what people say of them, and what we did.

Made from the records of `surges`, `surge-verdicts` and `actions`, in any order and more than once.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from streams.facts.refusal import Refused
from streams.facts.strict_json import read_exactly
from streams.ledger.rules import DAY
from streams.surges.actions import action_of
from streams.surges.alarm_line import BUDGET_DAYS
from streams.surges.budget import BOARD_BUDGET_DAYS
from streams.surges.lead import leads
from streams.surges.survey_mean import SurveyMean
from streams.tables.calendar import utc_text

VERDICTS: Final = ("real", "expected", "false")
MONTH_DAYS: Final = 30
MOST_SURGES: Final = 5_000
"""Newest surges that are remembered."""

SERIES_BUDGET: Final = MONTH_DAYS / BUDGET_DAYS
"""False alarms a month that are accepted of one series."""
MOST_OVER_BUDGET: Final = 20
RECENT_DAYS: Final = 7
MOST_SHOWN: Final = 200
LEADS_DAYS: Final = 60
"""Of the troubles that are over: long enough for surveys to have shown them."""
CLOSED: Final = "closed"
_WATCHED: Final = ("at", "series", "warming_seconds")


class Verdict(msgspec.Struct, frozen=True):
    """What a person says of a surge; `at`: RFC 3339."""

    surge_id: str
    verdict: str
    note: str
    at: str


class SurgeLog:
    """Surges, verdicts and actions by id, and what the detectors are at."""

    def __init__(self) -> None:
        self.surges: dict[str, dict[str, Any]] = {}
        self.verdicts: dict[str, Verdict] = {}
        self.actions: dict[str, dict[str, Any]] = {}
        self.watching: dict[str, Any] = {}

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

    def take_watching(self, value: bytes | None) -> None:
        """A record of `surge-watch`; the newest holds.

        Raises: msgspec.MsgspecError for what no worker wrote.
        """
        self.watching = msgspec.json.decode(value or b"", type=dict)

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

    def over_budget(self, since: str) -> list[dict[str, Any]]:
        """Series of which more surges detected since an instant were called false than accepted, the worst first."""
        false = Counter[str]()
        names: dict[str, dict[str, Any]] = {}
        for surge_id, event in self.surges.items():
            verdict = self.verdicts.get(surge_id)
            if event["detected"] >= since and verdict is not None and verdict.verdict == "false":
                name = msgspec.json.encode(event["series"], order="sorted").decode()
                names[name] = event["series"]
                false[name] += 1
        return [{"series": names[name], "false": n} for name, n in false.most_common() if n > SERIES_BUDGET]

    def leads(self, mean: SurveyMean, clock: int) -> list[dict[str, Any]]:
        """Of the troubles of the last `LEADS_DAYS`: how much earlier they were told than by surveys."""
        return leads([*self.open(), *self.closed(utc_text(clock - LEADS_DAYS * DAY))], mean, clock)

    def now(self, clock: int, told_before_surveys: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
        """The JSON of `/api/v1/surges`; `clock`: of the tables, microseconds; and what `leads` found."""
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
                "budget_a_series": round(SERIES_BUDGET, 2),
                "over_budget": self.over_budget(month)[:MOST_OVER_BUDGET],
                "judged": {name: judged[name] for name in (*VERDICTS, "none")},
            },
            "ties": self.watching.get("ties", []),
            "leads": list(told_before_surveys),
            "watched": {name: self.watching[name] for name in _WATCHED if name in self.watching},
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
