"""The customers behind a number, and the timeline of one customer, as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aiohttp import web

from agents.customer_lists import CustomerLists
from agents.movements_log import NotYet
from agents.troubled_customers import FILTERS as TROUBLE_FILTERS
from agents.web.answers import error_answer, json_answer
from agents.web.asked import Asked, WrongQuery, asked
from agents.web.routes import API, BOARD_WINDOW, HEALTH_WINDOW, MOST_AT_ONCE
from streams.drilldown.numbers import FILTERS, IN_TROUBLE, LEVELS, CannotOpen, Number
from streams.health.live.hurt_list import DISRUPTED, HealthNumber
from streams.report.instants import CannotAnswer
from streams.tables.calendar import utc_text
from streams.tables.windows import BEGINNING, WINDOW_NAMES, Span, windows_at

if TYPE_CHECKING:
    from agents.app import LedgerWorker

AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class _Found:
    """A number opened.

    Attributes:
        head: measure, window, scope and span, as the answer names them.
        lines: all of the list.
        total: how many customers they stand for.
        counted: what the number itself says; None: there is no such number.
        known_until: the clock that it was counted by, microseconds.
        pinned: what the query of the next part says besides, so that it is a part of the same list.
    """

    head: dict[str, Any]
    lines: Sequence[dict[str, Any]]
    total: int
    counted: int | None
    known_until: int
    pinned: dict[str, str] = field(default_factory=dict)


class CustomerPages:
    """One method a page."""

    def __init__(self, worker: "LedgerWorker", lists: CustomerLists) -> None:
        self._worker = worker
        self._lists = lists

    async def customers(self, request: web.Request) -> web.Response:
        """Who is behind a number."""
        query, who = request.query, request.remote or "somebody"
        of_signals = {IN_TROUBLE: self._in_trouble, DISRUPTED: self._disrupted}
        list_of = of_signals.get(query.get("measure", ""), self._of_tables)
        try:
            limit, offset = _whole(query, "limit", AT_ONCE, 1, MOST_AT_ONCE), _whole(query, "offset", 0, 0, 1 << 40)
            found = await list_of(query, who)
        except (WrongQuery, CannotOpen, CannotAnswer) as error:
            return error_answer(str(error))
        except NotYet as error:
            return error_answer(str(error), 503)
        made = found.head | {
            "known_until": utc_text(found.known_until), "currency": self._worker.definitions.currency,
            "pseudonyms": not self._lists.shows_ids, "total": found.total, "offset": offset,
            "customers": found.lines[offset : offset + limit],
        }  # fmt: skip
        if found.counted is not None:
            made["counted"] = found.counted
        if offset + limit < len(found.lines):
            same = dict(query) | found.pinned | {"offset": str(offset + limit)}
            made["next"] = f"{API}/customers?{urlencode(same)}"
        return json_answer(made)

    async def _of_tables(self, query: Mapping[str, str], who: str) -> "_Found":
        """Who is behind a number of the tables."""
        company = self._worker.company
        of = asked(query, BOARD_WINDOW)
        view = company.view(of.scope, of.window, of.at) if company.complete else None
        clock = company.clock
        if view is None or clock is None:
            raise NotYet("there are no numbers yet; /health/ready says what is waited for")
        number = Number(
            query.get("measure", "lost"), of.scope, view.span, query.get("kind"), query.get("reason"),
            query.get("activity"),
        )  # fmt: skip
        number.check()
        self._check_level(number, of, clock)
        opened = await self._lists.open(number, of.window, of.at, who)
        pinned = {} if number.measure in LEVELS else {"at": utc_text(clock if of.at is None else of.at)}
        return _Found(_head(number, of), opened.lines, len(opened.lines), opened.counted, clock, pinned)

    async def _in_trouble(self, query: Mapping[str, str], who: str) -> "_Found":
        """Who is disrupted now."""
        chosen = _chosen(query, "which is told as of now")
        opened = await self._lists.in_trouble(chosen, who)
        company = self._worker.health_company
        clock = 0 if company is None else company.health.clock or 0
        head = {"measure": IN_TROUBLE, "window": query.get("window", BOARD_WINDOW), **_narrowed(chosen)}
        span = {"start": None, "end": utc_text(clock)}
        return _Found(head | span, opened.lines, len(opened.lines), opened.counted, clock)

    async def _disrupted(self, query: Mapping[str, str], who: str) -> "_Found":
        """Who was disrupted in a window."""
        chosen = _chosen(query, "which is told of the windows that end now")
        number = HealthNumber(query.get("window", HEALTH_WINDOW), **chosen)
        opened = await self._lists.open_health(number, who)
        head = {"measure": DISRUPTED, "window": number.window, **_narrowed(chosen)}
        span = {"start": utc_text(opened.span[0]), "end": utc_text(opened.span[1])}
        return _Found(head | span, opened.lines, opened.customers, opened.counted, opened.clock)

    async def customer(self, request: web.Request) -> web.Response:
        """What became of one customer."""
        name = request.match_info["customer"]
        try:
            found = await self._lists.timeline(name, request.remote or "somebody")
        except CannotOpen as error:
            return error_answer(str(error), 404)
        except NotYet as error:
            return error_answer(str(error), 503)
        made: dict[str, Any] = {
            "customer": name, "pseudonyms": not self._lists.shows_ids,
            "currency": self._worker.definitions.currency, "movements": found.movements,
        }  # fmt: skip
        beside = {"disruptions": found.disruptions, "mentions": found.mentions, "missing": found.missing or None}
        return json_answer(made | {key: value for key, value in beside.items() if value is not None})

    def _check_level(self, number: Number, of: Asked, clock: int) -> None:
        """Raises: CannotOpen for who was here at another instant than now."""
        if number.measure not in LEVELS:
            return
        windows = windows_at(self._worker.company.calendar, clock)
        if of.at is None and number.span.end == windows["all"].span.end:
            return
        running = [name for name in WINDOW_NAMES if windows[name].span.end == windows["all"].span.end]
        raise CannotOpen(
            f"who was behind {number.measure} at {utc_text(number.span.end)} is not kept; it can be opened now, for "
            f"the windows {', '.join(running)}, without `at`"
        )


def _head(number: Number, of: Asked) -> dict[str, Any]:
    span: Span = number.span
    narrowed = {name: value for name in FILTERS if (value := getattr(number, name)) is not None}
    return {
        "measure": number.measure, "window": of.window, "scope": of.named, **narrowed,
        "start": None if span.start == BEGINNING else utc_text(span.start), "end": utc_text(span.end),
    }  # fmt: skip


def _chosen(query: Mapping[str, str], told: str) -> dict[str, str]:
    """What a list of the signals is narrowed down to. Raises: WrongQuery for what does not go with it."""
    foreign = sorted(query.keys() - {"measure", "window", "limit", "offset", *TROUBLE_FILTERS})
    if foreign:
        there_are = ", ".join(TROUBLE_FILTERS)
        raise WrongQuery(f"{', '.join(foreign)} does not go with {query['measure']}, {told}; there are {there_are}")
    return {name: query[name] for name in TROUBLE_FILTERS if name in query}


def _narrowed(chosen: Mapping[str, str]) -> dict[str, Any]:
    scope = {name: chosen[name] for name in ("segment", "region") if name in chosen}
    return {"scope": scope} | {name: chosen[name] for name in ("service", "stage") if name in chosen}


def _whole(query: Mapping[str, str], name: str, default: int, lowest: int, highest: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or not lowest <= int(text) <= highest:
        raise WrongQuery(f"{name} is {text!r}; give a whole number from {lowest} to {highest}")
    return int(text)
