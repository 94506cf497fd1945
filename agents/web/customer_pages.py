"""The customers behind a number, and the timeline of one customer, as JSON."""

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


class CustomerPages:
    """One method a page."""

    def __init__(self, worker: "LedgerWorker", lists: CustomerLists) -> None:
        self._worker = worker
        self._lists = lists

    async def customers(self, request: web.Request) -> web.Response:
        """Who is behind a number."""
        company, query = self._worker.company, request.query
        if query.get("measure") == IN_TROUBLE:
            return await self._in_trouble(request)
        if query.get("measure") == DISRUPTED:
            return await self._disrupted(request)
        try:
            of = asked(query, BOARD_WINDOW)
            limit, offset = _whole(query, "limit", AT_ONCE, 1, MOST_AT_ONCE), _whole(query, "offset", 0, 0, 1 << 40)
            view = company.view(of.scope, of.window, of.at) if company.complete else None
            clock = company.clock
            if view is None or clock is None:
                return error_answer("there are no numbers yet; /health/ready says what is waited for", 503)
            number = Number(
                query.get("measure", "lost"), of.scope, view.span, query.get("kind"), query.get("reason"),
                query.get("activity"),
            )  # fmt: skip
            number.check()
            self._check_level(number, of, clock)
            opened = await self._lists.open(number, of.window, of.at, request.remote or "somebody")
        except (WrongQuery, CannotOpen, CannotAnswer) as error:
            return error_answer(str(error))
        except NotYet as error:
            return error_answer(str(error), 503)
        made = _head(number, of) | {
            "known_until": utc_text(clock), "currency": self._worker.definitions.currency,
            "pseudonyms": not self._lists.shows_ids, "total": len(opened.lines), "offset": offset,
            "customers": opened.lines[offset : offset + limit],
        }  # fmt: skip
        if opened.counted is not None:
            made["counted"] = opened.counted
        if offset + limit < len(opened.lines):
            pinned = dict(query) | {"offset": str(offset + limit)}
            if number.measure not in LEVELS:
                pinned["at"] = utc_text(clock if of.at is None else of.at)
            made["next"] = f"{API}/customers?{urlencode(pinned)}"
        return json_answer(made)

    async def _in_trouble(self, request: web.Request) -> web.Response:
        """Who is disrupted now."""
        query, company = request.query, self._worker.health_company
        chosen = {name: query[name] for name in TROUBLE_FILTERS if name in query}
        try:
            foreign = sorted(query.keys() - {"measure", "window", "limit", "offset", *TROUBLE_FILTERS})
            if foreign:
                raise WrongQuery(
                    f"{', '.join(foreign)} does not go with {IN_TROUBLE}, which is told as of now; there are "
                    f"{', '.join(TROUBLE_FILTERS)}"
                )
            limit, offset = _whole(query, "limit", AT_ONCE, 1, MOST_AT_ONCE), _whole(query, "offset", 0, 0, 1 << 40)
            opened = await self._lists.in_trouble(chosen, request.remote or "somebody")
        except (WrongQuery, CannotOpen) as error:
            return error_answer(str(error))
        except NotYet as error:
            return error_answer(str(error), 503)
        clock = None if company is None else company.health.clock
        made: dict[str, Any] = {
            "measure": IN_TROUBLE, "window": query.get("window", BOARD_WINDOW), "start": None,
            "scope": {name: chosen[name] for name in ("segment", "region") if name in chosen},
            **{name: chosen[name] for name in ("service", "stage") if name in chosen},
            "end": utc_text(clock or 0), "known_until": utc_text(clock or 0),
            "currency": self._worker.definitions.currency, "pseudonyms": not self._lists.shows_ids,
            "total": len(opened.lines), "offset": offset, "customers": opened.lines[offset : offset + limit],
        }  # fmt: skip
        if opened.counted is not None:
            made["counted"] = opened.counted
        if offset + limit < len(opened.lines):
            made["next"] = f"{API}/customers?{urlencode(dict(query) | {'offset': str(offset + limit)})}"
        return json_answer(made)

    async def _disrupted(self, request: web.Request) -> web.Response:
        """Who was disrupted in a window."""
        query = request.query
        try:
            foreign = sorted(query.keys() - {"measure", "window", "limit", "offset", *TROUBLE_FILTERS})
            if foreign:
                raise WrongQuery(
                    f"{', '.join(foreign)} does not go with {DISRUPTED}, which is told of the windows that end now; "
                    f"there are {', '.join(TROUBLE_FILTERS)}"
                )
            limit, offset = _whole(query, "limit", AT_ONCE, 1, MOST_AT_ONCE), _whole(query, "offset", 0, 0, 1 << 40)
            number = HealthNumber(
                query.get("window", HEALTH_WINDOW),
                **{name: query[name] for name in TROUBLE_FILTERS if name in query},
            )
            opened = await self._lists.open_health(number, request.remote or "somebody")
        except (WrongQuery, CannotOpen) as error:
            return error_answer(str(error))
        except NotYet as error:
            return error_answer(str(error), 503)
        named = number.named
        made: dict[str, Any] = {
            "measure": DISRUPTED, "window": number.window,
            "scope": {name: named[name] for name in ("segment", "region") if name in named},
            **{name: named[name] for name in ("service", "stage") if name in named},
            "start": utc_text(opened.span[0]), "end": utc_text(opened.span[1]), "known_until": utc_text(opened.clock),
            "currency": self._worker.definitions.currency, "pseudonyms": not self._lists.shows_ids,
            "total": opened.customers, "offset": offset, "customers": opened.lines[offset : offset + limit],
        }  # fmt: skip
        if opened.counted is not None:
            made["counted"] = opened.counted
        if offset + limit < len(opened.lines):
            made["next"] = f"{API}/customers?{urlencode(dict(query) | {'offset': str(offset + limit)})}"
        return json_answer(made)

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


def _whole(query: Any, name: str, default: int, lowest: int, highest: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or not lowest <= int(text) <= highest:
        raise WrongQuery(f"{name} is {text!r}; give a whole number from {lowest} to {highest}")
    return int(text)
