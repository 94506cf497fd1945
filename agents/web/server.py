"""The worker's pages: metrics, health and the API; on the event loop, so that a hung worker's numbers go stale."""

from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from aiohttp import web

from agents.customer_lists import CustomerLists
from agents.editions import edition_name
from agents.feeds import HEALTH, LEDGER, VOICE
from agents.web.answers import json_answer
from agents.web.board_feed import BoardFeed
from agents.web.board_pages import BoardPages
from agents.web.customer_pages import CustomerPages
from agents.web.routes import API, HEALTH_WINDOW, ROUTES, Route, openapi
from agents.web.runbook_pages import RunbookPages
from streams.facts.refusal import Refused
from streams.facts.times import instant_of
from streams.health.live.running import WINDOWS
from streams.report.card import card
from streams.report.health import DEFAULT_WINDOW, health_section
from streams.report.instants import CannotAnswer
from streams.tables.calendar import utc_text
from streams.tables.windows import WINDOW_NAMES

if TYPE_CHECKING:
    from agents.app import LedgerWorker

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_pages(worker: "LedgerWorker", feed: BoardFeed, lists: CustomerLists) -> None:
    """Put the pages into the worker's web server; `feed` keeps the open ones up to date, `lists` opens numbers."""
    pages = [Pages(worker), BoardPages(worker, feed), CustomerPages(worker, lists), RunbookPages()]
    web_app = worker.app.web.web_app
    router = web_app.router
    for route in ROUTES:
        handler: Handler = next(getattr(page, route.handler) for page in pages if hasattr(page, route.handler))
        router.add_get(route.path, _checked(worker, route, handler) if route.path.startswith(API) else handler)
    web_app.on_shutdown.append(feed.let_go)
    router.add_route("*", "/api{rest:(/.*)?}", _no_such_page)


def _checked(worker: "LedgerWorker", route: Route, handler: Handler) -> Handler:
    """The handler, for queries of parameters that the route takes, each once; of what is counted while in force."""
    known = [parameter.name for parameter in route.parameters if parameter.place == "query"]
    takes = f"it takes {', '.join(known)}" if known else "it takes none"

    async def checked(request: web.Request) -> web.StreamResponse:
        for name in request.query:
            if name not in known:
                why = f"{route.path} has no parameter {name!r}; {takes}"
                return json_answer({"error": why, "parameters": known}, 400)
            if len(request.query.getall(name)) > 1:
                why = f"{name} is given more than once; give it once"
                return json_answer({"error": why, "parameters": known}, 400)
        if route.of_company and not worker.shows():
            return json_answer({"error": f"this worker does not speak for the company: {edition_state(worker)}"}, 503)
        return await handler(request)

    return checked


def edition_state(worker: "LedgerWorker") -> str:
    """Which edition is in force instead of this worker's, and how far behind it this one is."""
    in_force, own = worker.editions.in_force, worker.settings.edition
    if in_force is None:
        return "which edition is in force is not known just now; does the broker answer?"
    if in_force == own:
        return "its edition has just taken over, and begins to show once nobody can show the one before"
    behind = worker.candidate.behind
    how_far = "" if behind is None else f", behind it by {behind:,} records"
    return f"the edition {edition_name(in_force)} is in force, {edition_name(own)} counts beside it{how_far}"


async def _no_such_page(request: web.Request) -> web.Response:
    """Whatever else is asked for below /api."""
    paths = [route.path for route in ROUTES if route.path.startswith(API)]
    if request.path in paths:
        why = f"{request.path} answers GET, not {request.method}"
        return json_answer({"error": why}, 405, {"Allow": "GET, HEAD"})
    return json_answer({"error": f"there is no {request.path}; there are {', '.join(paths)}", "paths": paths}, 404)


def _own_version() -> str:
    try:
        return version("netgrowth")
    except PackageNotFoundError:  # run from the sources alone
        return "0"


class Pages:
    """One method a page."""

    def __init__(self, worker: "LedgerWorker") -> None:
        self._worker = worker
        self._openapi = openapi(_own_version())

    async def openapi(self, request: web.Request) -> web.Response:
        """The OpenAPI document of these pages."""
        return json_answer(self._openapi)

    async def metrics(self, request: web.Request) -> web.Response:
        """Metrics for Prometheus, as text or OpenMetrics."""
        body, content_type = self._worker.telemetry.page(request.headers.get("Accept", ""))
        response = web.Response(body=body)
        response.headers["Content-Type"] = content_type
        return response

    async def live(self, request: web.Request) -> web.Response:
        """Whether the event loop turns: this answer is given by it."""
        live = self._worker.app.transport.is_live
        return json_answer({"live": live}, 200 if live else 503)

    async def ready(self, request: web.Request) -> web.Response:
        """Whether the worker has its state and answers for the company."""
        transport, company = self._worker.app.transport, self._worker.company
        waits = []
        if not transport.is_ready:
            waits.append("its partitions are being assigned or recovered")
        if not company.complete:
            waits.append("the company's tables are being read back")
        merged = self._worker.voice_company
        if merged is not None and not merged.complete:
            waits.append("the company's mentions are being read back")
        if not self._worker.shows():
            waits.append(edition_state(self._worker))
        health = self._worker.health_company
        if health is not None and not health.complete:
            waits.append("the company's health is being read back")
        return json_answer({"ready": not waits, "waits_for": waits}, 503 if waits else 200)

    async def ledger(self, request: web.Request) -> web.Response:
        """The ledger of the whole company at the clock of the tables."""
        ledger = self._worker.company.ledger()
        return self._nothing_yet() if ledger is None else json_answer(ledger)

    async def voice(self, request: web.Request) -> web.Response:
        """What customers say now."""
        merged = self._worker.voice_company
        if merged is None:
            return json_answer({"error": "this worker reads no mentions: its log says which topics are missing"}, 503)
        now = merged.now()
        if now is None:
            why = "no mention has been read yet" if merged.complete else "the mentions are being read back"
            return json_answer({"error": f"{why}; is anything sent to social-mentions?"}, 503)
        return json_answer(now)

    async def health(self, request: web.Request) -> web.Response:
        """Health as customers perceive it; `window` chooses the window."""
        company = self._worker.health_company
        if company is None:
            return json_answer({"error": "this worker reads no signals: its log says which topics are missing"}, 503)
        window = request.query.get("window", HEALTH_WINDOW)
        if window not in WINDOWS:
            return json_answer({"error": f"no window {window!r}; there are {', '.join(WINDOWS)}"}, 400)
        now = company.now(window)
        if now is None:
            why = "no signal has been read yet" if company.complete else "health is being read back"
            return json_answer({"error": f"{why}; is anything sent to qos-signals?"}, 503)
        return json_answer(now)

    async def surges(self, request: web.Request) -> web.Response:
        """Open and recent surges."""
        if self._worker.survey_leads is None:
            return json_answer({"error": "surges are not looked for: the log says which topics are missing"}, 503)
        now = self._surges_now()
        return self._nothing_yet() if now is None else json_answer(now)

    def _surges_now(self) -> dict[str, Any] | None:
        leads = self._worker.survey_leads
        return None if leads is None else leads.now()

    async def report(self, request: web.Request) -> web.Response:
        """The report card; `window` chooses the window, `all` by default, `at` an instant before the clock."""
        company, silent = self._worker.company, self._worker.silent_feeds
        if company.clock is None or not company.complete:
            return self._nothing_yet()
        window, at = request.query.get("window", "all"), request.query.get("at")
        if window not in WINDOW_NAMES:
            return json_answer({"error": f"no window {window!r}; there are {', '.join(WINDOW_NAMES)}"}, 400)
        if at is None:
            ledger = company.ledger()
            if ledger is None:
                return self._nothing_yet()
            made = card(ledger, window=window, voice=self._voice_now(), surges=self._surges_now(),
                        health=self._health_section(ledger, window))  # fmt: skip
            made["problems"] += silent.problems()
            return json_answer(made)
        try:
            until = instant_of(at, None, "at")
            made = company.past_card(until, window)
            made["problems"] += silent.problems(until)
            return json_answer(made)
        except (CannotAnswer, Refused) as error:
            return json_answer({"error": str(error)}, 400)

    def _voice_now(self) -> dict[str, Any] | None:
        merged = self._worker.voice_company
        return None if merged is None or self._worker.silent_feeds.silence(VOICE.topic) else merged.now()

    def _health_section(self, ledger: Mapping[str, Any], window: str) -> dict[str, Any] | None:
        company, silence = self._worker.health_company, self._worker.silent_feeds.silence
        now = None if company is None else company.now(window if window in WINDOWS else DEFAULT_WINDOW)
        if now is None or silence(HEALTH.topic) is not None:
            return None
        stages = {name: reason.stage for name, reason in self._worker.definitions.reasons.items()}
        reasons = None if silence(LEDGER.topic) is not None else ledger["windows"][window]["reasons"]
        return health_section(now, reasons, stages)

    async def status(self, request: web.Request) -> web.Response:
        """How far every partition has come, and which of them this worker owns."""
        company, books = self._worker.company, self._worker.ledger.books
        offsets = company.offsets()
        return json_answer(
            {
                "clock": None if company.clock is None else utc_text(company.clock),
                "complete": company.complete,
                "edition": {
                    "name": self._worker.settings.edition,
                    "in_force": self._worker.editions.in_force,
                    "behind": self._worker.candidate.behind,
                },
                "owned": sorted(books),
                "applied": {str(number): held.next_offset for number, held in sorted(books.items())},
                "partitions": {
                    str(number): {
                        "next_offset": offsets.get(number),
                        "watermark": None if state.largest is None else utc_text(state.largest),
                        "idle": state.idle,
                        "fresh": state.fresh,
                    }
                    for number, state in sorted(company.states().items())
                },
                "accounting": company.accounting(),
            }
        )

    def _nothing_yet(self) -> web.Response:
        company = self._worker.company
        why = (
            "no record with an event time has been read yet; is anything sent to customer-events?"
            if company.complete
            else "the tables are being read back; try again in a few seconds"
        )
        return json_answer({"error": why}, 503)
