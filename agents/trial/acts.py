"""The acts of a trial in words: what the worker's pages say, told when it first shows, and where to look for it.

Nothing is known here of what is played: an act is told when the monitor has found it out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from agents.trial.pages import Seen
from config.alerting.surges import pages
from streams.ledger.rules import SECOND
from streams.report.wording import plural, subset_words
from streams.surges.series import LOST_CUSTOMERS, UNHAPPY_ANSWERS, UNHAPPY_MENTIONS
from streams.tables.calendar import utc_text

ORDINARY, SUBSET, FALSE_GREEN, COMPLAINTS, LOSSES, ALERT, SURVEY, CALM = (
    "ordinary", "subset", "false green", "complaints", "losses", "alert", "survey", "calm",
)  # fmt: skip

FALSE_GREEN_MINUTES: Final = 10
"""Red minutes of a scope while operations say up, from which on it is an act."""

LARGER: Final = 2.0
"""Of one trouble, losses in another scope are an act of their own from so many times as many customers on."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that happened.

    Attributes:
        kind: one of the names above.
        at: event time at which the monitor knew it, RFC 3339.
        text: what happened.
        look: where it is seen.
    """

    kind: str
    at: str
    text: str
    look: str


class Acts:
    """Tells each act once, from an instant on.

    Args:
        zone: the company's, for the times in the sentences.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self.told: list[Act] = []
        self._zone = zone
        self._since = ""
        self._said: set[tuple[str, str]] = set()
        self._largest: dict[str, float] = {}

    def watch_from(self, at: str) -> None:
        """What was known before this instant (RFC 3339, UTC) is of the past, and is not told."""
        self._since = at

    def see(self, seen: Seen) -> list[Act]:
        """The acts that show now and did not before."""
        if not self._since or seen.ledger is None:
            return []
        found: list[Act] = []
        for key, act in (*self._of_ledger(seen.ledger), *self._of_health(seen.health), *self._of_surges(seen)):
            if (act.kind, key) not in self._said:
                self._said.add((act.kind, key))
                found.append(act)
        found.sort(key=lambda act: act.at)
        self.told.extend(found)
        return found

    def _of_ledger(self, ledger: Mapping[str, Any]) -> Iterator[tuple[str, Act]]:
        week = ledger["windows"]["7d"]
        joined = week["new"]["customers"] + week["returned"]["customers"]
        text = (
            f"an ordinary business: {plural(week['closing']['customers'], 'customer')}, {joined:,} joined and "
            f"{week['lost']['customers']:,} left in the last 7 days"
        )
        yield "", Act(ORDINARY, self._since, text, "the two bowls")

    def _of_health(self, health: Mapping[str, Any] | None) -> Iterator[tuple[str, Act]]:
        if health is None:
            return
        spells = [one for one in health["false_green"] if one["minutes"] >= FALSE_GREEN_MINUTES and "segment" in one]
        for one in health["subsets"]:
            if one["named_at"] < self._since:
                continue
            hidden = [spell for spell in spells if _meet(spell, one) and _is_of(spell, one["attributes"])]
            if not hidden:
                continue
            who = subset_words(one["attributes"])
            text = (
                f"{who}: {one['disrupted']:,} of {plural(one['customers'], 'customer')} disrupted in "
                f"{one['service']}, {one['stage']}, since {self._clock(one['start'])}; the others are fine"
            )
            # Its beginning moves as more of it is seen.
            named = f"{who} {one['named_at']}"
            if (SUBSET, named) in self._said:
                # The spells that are kept change with time; what was hidden is told with the subset.
                continue
            yield named, Act(SUBSET, one["named_at"], text, "What customers experience")
            first = min(hidden, key=lambda spell: str(spell["start"]))
            text = (
                f"operations say {first['service']} is up, while customers of {first['segment']}, {first['region']}, "
                f"are red since {self._clock(first['start'])}"
            )
            yield text, Act(FALSE_GREEN, first["start"], text, "What customers experience")

    def _of_surges(self, seen: Seen) -> Iterator[tuple[str, Act]]:
        surges = seen.surges
        if surges is None:
            return
        of_now = [one for one in (*surges["open"], *surges["closed"]) if one["detected"] >= self._since]
        for one in of_now:
            if one["direction"] != "up":
                continue
            measure = one["series"]["measure"]
            if (make := self._MADE.get(measure)) is not None:
                yield from make(self, one)
        if any(act.kind == ALERT for act in self.told) and not any(
            one["series"]["measure"] in (LOST_CUSTOMERS, UNHAPPY_MENTIONS) for one in surges["open"]
        ):
            # The tables are ahead of the detectors; it is calm as far as these have looked.
            at = surges["at"] if seen.looked_until is None else utc_text(round(seen.looked_until) * SECOND)
            yield "", Act(CALM, at, "it is over: an ordinary business again", "What happened lately")

    def _complaints(self, one: Mapping[str, Any]) -> Iterator[tuple[str, Act]]:
        if "topic" in one["series"]:
            return
        brand = one["series"].get("brand", "")
        text = f"people complain of {brand}: {_numbers(one, 'unhappy mention')}{_of(one, 'topic')}"
        yield one["id"], Act(COMPLAINTS, one["detected"], text, "What customers say")

    def _losses(self, one: Mapping[str, Any]) -> Iterator[tuple[str, Act]]:
        where = ", ".join(f"{name} {value}" for name, value in one["series"].items() if name != "measure")
        is_new = (LOSSES, one["id"]) not in self._said
        if is_new and one["observed"] >= LARGER * self._largest.get(one["story"], 0.0):
            self._largest[one["story"]] = one["observed"]
            shares = _of(one, "reason") + _of(one, "segment")
            text = f"customers leave ({where or 'the company'}): {_numbers(one, 'customer')}{shares}"
            yield one["id"], Act(LOSSES, one["detected"], text, "Why they left")
        if (alert := pages(one)) is not None:
            # The alerts of one trouble are one page.
            text = f"{alert} (critical) pages the owner of the customers: {where or 'the company'}"
            yield one["story"], Act(ALERT, one["detected"], text, "What is out of the ordinary")

    def _survey(self, one: Mapping[str, Any]) -> Iterator[tuple[str, Act]]:
        if "stage" in one["series"]:
            return
        losses = [act for act in self.told if act.kind == COMPLAINTS]
        late = f", {_days(losses[0].at, one['detected'])} after the complaints" if losses else ""
        text = f"the survey notices{late}: {_numbers(one, 'low answer')}"
        yield one["id"], Act(SURVEY, one["detected"], text, "What surveys say")

    _MADE: Final[dict[str, Callable[["Acts", Mapping[str, Any]], Iterator[tuple[str, Act]]]]] = {
        UNHAPPY_MENTIONS: _complaints, LOST_CUSTOMERS: _losses, UNHAPPY_ANSWERS: _survey,
    }  # fmt: skip

    def _clock(self, text: str) -> str:
        return f"{datetime.fromisoformat(text).astimezone(self._zone):%-d %b %H:%M}"


def _meet(spell: Mapping[str, Any], subset: Mapping[str, Any]) -> bool:
    """Whether they have a time in common."""
    return bool(spell["start"] < subset["end"] and spell["end"] > subset["start"])


def _is_of(spell: Mapping[str, Any], attributes: Mapping[str, Sequence[str]]) -> bool:
    """Whether a scope can hold customers of a subset: no label that both have differs."""
    return all(spell[name] in values for name, values in attributes.items() if name in spell)


def _numbers(surge: Mapping[str, Any], what: str) -> str:
    return f"{plural(round(surge['observed']), what)} where {surge['expected']:,.0f} were expected"


def _of(surge: Mapping[str, Any], label: str) -> str:
    """The value of a label with the largest share of the excess, in words."""
    shares = [one for one in surge["evidence"] if one["label"] == label]
    return f"; {shares[0]['share']:.0%} of the excess {label} {shares[0]['value']}" if shares else ""


def _days(since: str, until: str) -> str:
    passed = datetime.fromisoformat(until) - datetime.fromisoformat(since)
    return plural(round(passed.total_seconds() / 86_400), "day")
