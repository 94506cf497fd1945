"""What stands beside the ledger on the board: what customers experience and what they say, where that is read."""

from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

from agents.feeds import HEALTH, STATUS, SURVEYS, VOICE, Feed
from agents.silent_feeds import Silence
from agents.wall_clock import wall_clock_us
from config.alerting.surges import pages
from streams.facts.times import instant_of
from streams.health.live.running import WINDOWS
from streams.ledger.rules import DAY, HOUR, MINUTE, SECOND
from streams.report import health, voice
from streams.report.surges import surge_text
from streams.report.wording import plural
from streams.surges.tables_counts import ANSWERED_US, Voted
from streams.tables.calendar import utc_text
from streams.tables.rows import Row

if TYPE_CHECKING:
    from agents.app import LedgerWorker

KEPT_S = 2.0
"""How long an answer is shown before it is made anew: for all pages, whatever they show else."""

MOST_TROUBLES, MOST_SURGES = 5, 5
"""Told at once, and surges of each: those that wake somebody, then the other open ones, then those that are over."""

NOTHING_YET = "Nothing has come yet."

Json = dict[str, Any]


class Beside:
    """Health and voice of the company now, made once for all pages."""

    def __init__(self, worker: "LedgerWorker") -> None:
        self._worker = worker
        self._kept: dict[str, tuple[float, Json | None]] = {}

    def sections(self, window: str, row: Row | None) -> Json:
        """The sections `health` and `voice` of the report card, and troubles in words.

        What is not read, not there yet, or made from a feed that is silent, is absent. `row`: of the ledger; None:
        what customers did is not known.
        """
        made: Json = {}
        silence = self._worker.silent_feeds.silence
        experienced = self._health(window if window in WINDOWS else health.DEFAULT_WINDOW)
        if experienced is not None and silence(HEALTH.topic) is None:
            stages = {name: reason.stage for name, reason in self._worker.definitions.reasons.items()}
            reasons = None if row is None else row["reasons"]
            made["health"] = health.health_section(experienced, reasons, stages)
        said = self._voice()
        if said is not None and silence(VOICE.topic) is None:
            made["voice"] = voice.voice_section(said, window)
        answered = self._made("surveys", self._surveys)
        if answered is not None:
            made["surveys"] = answered
        surging = self._surges()
        if surging is not None:
            made["troubles"] = self._troubles([*surging["open"][::-1], *surging["closed"][::-1]])
        return made

    def feeds(self, now: int) -> list[Json]:
        """How fresh the feeds of both are, if they are read; `now` in microseconds."""
        worker, found = self._worker, []
        experienced = self._health(health.DEFAULT_WINDOW)
        if worker.health_company is not None:
            found.append(self._feed(HEALTH, None if experienced is None else experienced["until"], now))
        if worker.status is not None:
            heard = experienced is not None and experienced["status_feed"] == "read"
            stale = experienced is not None and bool(experienced["statuses"])
            if heard:
                found.append({"feed": STATUS.topic, "state": "live", "text": "The last word of operations holds."})
            elif stale:
                text = "Nothing has come for long. So false green is unknown."
                found.append({"feed": STATUS.topic, "state": "past", "text": text})
            else:
                found.append(self._waits(STATUS))
        if worker.voice_company is not None:
            said = self._voice()
            found.append(self._feed(VOICE, None if said is None else said["at"], now))
        if worker.answers is not None:
            answered = self._newest_answer()
            found.append(self._feed(SURVEYS, None if answered is None else utc_text(answered), now))
        return found

    def _waits(self, feed: Feed) -> Json:
        full = self._worker.settings.topic(feed.topic)
        text = f"{NOTHING_YET} {feed.fills} It is read from the topic {full}."
        return {"feed": feed.topic, "state": "waiting", "text": text}

    def _feed(self, feed: Feed, newest: str | None, now: int) -> Json:
        silence = self._worker.silent_feeds.silence(feed.topic)
        if silence is not None:
            return silent_feed(feed, silence, self._worker.company.local_text, now)
        if newest is None:
            return self._waits(feed)
        at = instant_of(newest, None)
        told: Json = {"feed": feed.topic, "newest": self._worker.company.local_text(at // 1_000_000 * 1_000_000)}
        if now - at <= self._worker.settings.fresh_us:
            return told | {"state": "live", "text": "Live."}
        return told | {"state": "past", "text": "Nothing of now: history, or silent since."}

    def _health(self, window: str) -> Json | None:
        company = self._worker.health_company
        return None if company is None else self._made(f"health {window}", lambda: company.now(window))

    def _voice(self) -> Json | None:
        company = self._worker.voice_company
        return None if company is None else self._made("voice", company.now)

    def _surges(self) -> Json | None:
        leads = self._worker.survey_leads
        return None if leads is None else self._made("surges", leads.now)

    def _troubles(self, surges: list[Json]) -> list[Json]:
        """Surges of one story as one trouble; `surges`: newest first, and so are the troubles.

        Of a trouble that comes first which told of it first, among those that wake somebody if any does.
        """
        stories: dict[str, list[Json]] = {}
        for surge in sorted(surges, key=self._calm):
            stories.setdefault(surge["story"], []).append(surge)
        made = []
        for story, found in list(stories.items())[:MOST_TROUBLES]:
            told = sorted(found, key=lambda one: (*self._calm(one), one["detected"]))
            made.append({
                "story": story,
                "since": self._when(min(one["onset"] for one in told)),
                "surges": [self._surge(one) for one in told[:MOST_SURGES]],
                "more": len(told[MOST_SURGES:]),
            })  # fmt: skip
        return made

    def _calm(self, surge: Json) -> tuple[bool, bool]:
        """Orders surges: those with an alert, the other open ones, those that are over."""
        return self._alert(surge) is None, "closed" in surge

    def _surge(self, surge: Json) -> Json:
        definitions = self._worker.definitions
        text = surge_text(surge, definitions.currency, self._when)
        told: Json = {"open": "closed" not in surge, "text": text[0].upper() + text[1:]}
        alert = self._alert(surge)
        return told if alert is None else told | {"alert": alert}

    def _alert(self, surge: Json) -> str | None:
        """The alert that it fires; None: none, as it is over, or of history, which pages nobody."""
        clock = None if "closed" in surge else self._worker.latest_clock()
        is_fresh = clock is not None and wall_clock_us() - clock < self._worker.definitions.alerts.page_fresh_us
        return pages(surge) if is_fresh else None

    def _when(self, text: str) -> str:
        at = datetime.fromisoformat(text).astimezone(self._worker.definitions.zone)
        return f"{at.day} {at:%b %H:%M}"

    def _surveys(self) -> Json | None:
        """What was answered in the week before the newest answer, and in the week before that."""
        newest = self._newest_answer()
        if newest is None or self._worker.answers is None:
            return None
        voted, end = self._worker.answers.counts.voted, newest + 1
        return {
            "at": self._worker.company.local_text(newest // SECOND * SECOND),
            "days": ANSWERED_US // DAY,
            "now": _voted(voted(end - ANSWERED_US, end)),
            "before": _voted(voted(end - 2 * ANSWERED_US, end - ANSWERED_US)),
        }

    def _newest_answer(self) -> int | None:
        answers = self._worker.answers
        return None if answers is None else answers.counts.newest

    def _made(self, name: str, make: Callable[[], Json | None]) -> Json | None:
        kept, now = self._kept.get(name), monotonic()
        if kept is None or now - kept[0] > KEPT_S:
            kept = self._kept[name] = (now, make())
        return kept[1]


def silent_feed(feed: Feed, silence: Silence, local_text: Callable[[int], str], now: int) -> Json:
    """A feed that is silent; `local_text` writes an instant, `now` is the wall clock, microseconds."""
    return {
        "feed": feed.topic,
        "state": "silent",
        "text": f"Nothing has come for {span_text(now - silence.since)}: longer than it ever pauses, or than it "
        "promised. What it would have told since is unknown, not zero.",
        "newest": local_text(silence.newest // SECOND * SECOND),
        "known_until": utc_text(silence.known_until),
    }


def span_text(us: int) -> str:
    """A length of time in words: `25 minutes`."""
    for unit, word in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if us >= 2 * unit:
            return plural(us // unit, word)
    return plural(us // SECOND, "second")


def _voted(voted: Voted) -> Json:
    told: Json = {"answers": voted.answers, "unhappy": voted.unhappy}
    return told if voted.mean is None else told | {"mean": round(voted.mean, 4)}
