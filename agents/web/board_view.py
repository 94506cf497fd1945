"""What the board page shows, as JSON: one window of one scope, what it rests on, and what it waits for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agents.feeds import FEEDS, LEDGER
from agents.silent_feeds import Silence
from agents.web.asked import Asked
from agents.web.backlog import Backlog
from agents.web.beside import Beside, silent_feed, span_text
from streams.facts.money import minor_digits
from streams.ledger.rules import SECOND
from streams.report.bowls import BOWLS, bowl, marbles_text
from streams.report.card import with_shares
from streams.report.growth_line import LATEST, STEPS, GrowthLine, in_words
from streams.report.sentence import net_sentence
from streams.report.wording import plural
from streams.tables.calendar import utc_text
from streams.tables.rows import top_reasons
from streams.tables.windows import BEGINNING

if TYPE_CHECKING:
    from agents.app import LedgerWorker

MOST_NAMES = 500
"""Segments, regions or products that can be chosen on the page."""

CATCHING_UP = 5000
"""Records that are yet to be counted from which on the page says so: fewer are those of the last second."""

FINER = {"week": "day", "month": "day", "minute": "minute", "hour": "hour", "day": "day"}
"""By which period is told what happened lately, for the period of the line."""


def board_view(
    worker: "LedgerWorker", asked: Asked, line: GrowthLine, beside: Beside, backlog: Backlog | None, now: int
) -> dict[str, Any]:
    """The board's JSON.

    Args:
        line: of the scope that is asked for.
        backlog: None when it is not known.
        now: wall clock, microseconds.
    Raises: CannotAnswer, saying which instants can be answered.
    """
    company, definitions = worker.company, worker.definitions
    made: dict[str, Any] = {
        "state": _state(worker, backlog),
        "definitions": {"name": definitions.name, "version": definitions.version},
        "currency": definitions.currency,
        "minor_digits": minor_digits(definitions.currency),
        "time_zone": definitions.time_zone,
        "window": asked.window,
        "scope": asked.named,
        "feeds": _feeds(worker, beside, backlog, now),
        "parts": sorted(stage.feed for stage in worker.stages),
        "notes": _notes(worker, backlog),
    }
    if worker.settings.notice is not None:
        made["notice"] = worker.settings.notice
    view = company.view(asked.scope, asked.window, asked.at) if company.complete and worker.shows() else None
    clock = company.clock
    if view is None or clock is None:
        return made
    at = clock if asked.at is None else asked.at
    made |= {
        "at": company.local_text(at // SECOND * SECOND),
        "known_until": utc_text(clock),
        "choices": {f"{label}s": names[:MOST_NAMES] for label, names in company.names().items()},
    }
    if _silence(worker, backlog, at) is not None:
        return made | (beside.sections(asked.window, None) if asked.at is None else {})
    row, currency = view.row, definitions.currency
    by, count = STEPS[asked.window]
    steps = line.steps(by, count, at, clock)
    lately = [step for step in line.steps(FINER[by], LATEST, at, clock) if step.joined or step.lost]
    made |= {
        "start": None if view.span.start == BEGINNING else company.local_text(view.span.start),
        "end": company.local_text(view.span.end),
        "final": view.final,
        "sentence": net_sentence(row, currency),
        "row": row,
        "reasons_by_volume": with_shares(top_reasons(row), row["lost"]),
        "reasons_by_value": with_shares(top_reasons(row, by="value"), row["lost"]),
        "bowls": {name: {"drawing": bowl(name, row["marbles"]), "text": marbles_text(name, row["marbles"])}
                  for name in BOWLS},
        "line": {
            "by": by,
            "steps": [
                {"start": company.local_text(step.span.start), "joined": step.joined, "lost": step.lost,
                 "value": step.value}
                for step in steps
            ],
        },
        "lately": [
            {"start": company.local_text(step.span.start), "by": FINER[by], "text": in_words(step, currency)}
            for step in lately[-6:][::-1]
        ],
    }  # fmt: skip
    if asked.at is None:
        made |= beside.sections(asked.window, row)
    if view.before is not None:
        made["before"] = {"net": view.before["net"], "sentence": net_sentence(view.before, currency)}
    return made


def _state(worker: "LedgerWorker", backlog: Backlog | None) -> str:
    """`recovering`: no number, or none that is whole; `empty`: nothing has come yet; else `ready`."""
    company = worker.company
    if not company.complete or not worker.shows() or (backlog is not None and backlog.stalled):
        return "recovering"
    return "empty" if company.clock is None else "ready"


def _notes(worker: "LedgerWorker", backlog: Backlog | None) -> list[str]:
    """What keeps these numbers from being the whole truth now, in sentences."""
    notes = []
    if not worker.shows():
        notes.append(
            "This worker does not speak for the company at the moment: another edition of the count is in force, or "
            "which one is in force is not known. /api/v1/status says more."
        )
    if not worker.company.complete:
        notes.append("The company's tables are being read back; the numbers come when all of them are here.")
    if backlog is not None and backlog.stalled:
        where = _numbers(backlog.stalled)
        notes.append(
            f"Recovering: nobody counts {where} at the moment, and {plural(backlog.records, 'record')} wait there. "
            "The numbers below are short by them until a worker takes over."
        )
    elif backlog is not None and backlog.records > CATCHING_UP:
        notes.append(f"Catching up: {plural(backlog.records, 'record')} are yet to be counted.")
    return notes


def _numbers(partitions: Sequence[int]) -> str:
    many = "partitions" if len(partitions) > 1 else "partition"
    return f"{many} {', '.join(map(str, partitions))}"


def _silence(worker: "LedgerWorker", backlog: Backlog | None, until: int | None = None) -> Silence | None:
    """Of the ledger's feed; `until`: as of `SilentFeeds.silence`. What is read behind its end says nothing of it."""
    if backlog is not None and backlog.records:
        return None
    return worker.silent_feeds.silence(LEDGER.topic, until)


def _feeds(
    worker: "LedgerWorker", beside: Beside, backlog: Backlog | None, now: int
) -> list[dict[str, Any]]:
    """Every feed with what became of it: read and how fresh, or what it waits for."""
    read = {stage.feed for stage in worker.stages}
    missing = [feed for feed in FEEDS if feed is not LEDGER and feed.topic not in read]
    return [
        _ledger_feed(worker, backlog, now),
        *beside.feeds(now),
        *({"feed": feed.topic, "state": "missing", "text": feed.without} for feed in missing),
    ]


def _ledger_feed(worker: "LedgerWorker", backlog: Backlog | None, now: int) -> dict[str, Any]:
    company = worker.company
    silence = _silence(worker, backlog)
    if silence is not None:
        return silent_feed(LEDGER, silence, company.local_text, now)
    topic = worker.ledger.topic
    states = company.states().values()
    newest = max((state for state in states if state.largest is not None), key=lambda state: state.largest or 0,
                 default=None)  # fmt: skip
    if newest is None or newest.largest is None:
        text = f"No record with an event time has come yet. {LEDGER.fills} It is read from the topic {topic}."
        return {"feed": LEDGER.topic, "state": "waiting", "text": text}
    age = now - newest.largest
    told = {"feed": LEDGER.topic, "newest": company.local_text(newest.largest // SECOND * SECOND)}
    if not newest.fresh:
        return told | {"state": "past", "text": "Old when it came: history that is played or loaded."}
    if age > worker.settings.fresh_us:
        return told | {"state": "stale", "text": f"Nothing has come for {span_text(age)}."}
    return told | {"state": "live", "text": "Live."}
