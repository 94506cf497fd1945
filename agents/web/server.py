"""The worker's pages: metrics, health and the API; on the event loop, so that a hung worker's numbers go stale."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from streams.facts.refusal import Refused
from streams.facts.times import instant_of
from streams.report.card import card
from streams.report.instants import CannotAnswer
from streams.tables.calendar import utc_text
from streams.tables.windows import WINDOW_NAMES

if TYPE_CHECKING:
    from agents.app import LedgerWorker

Handler = Callable[[web.Request], Awaitable[web.Response]]


def add_pages(worker: "LedgerWorker") -> None:
    """Put the pages into the worker's web server."""
    pages = Pages(worker)
    router = worker.app.web.web_app.router
    for path, handler in (
        ("/metrics", pages.metrics),
        ("/health/live", pages.live),
        ("/health/ready", pages.ready),
        ("/api/v1/ledger", pages.ledger),
        ("/api/v1/report", pages.report),
        ("/api/v1/status", pages.status),
    ):
        router.add_get(path, handler)


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json", status=status)


class Pages:
    """One method a page."""

    def __init__(self, worker: "LedgerWorker") -> None:
        self._worker = worker

    async def metrics(self, request: web.Request) -> web.Response:
        """Metrics for Prometheus, as text or OpenMetrics."""
        body, content_type = self._worker.telemetry.page(request.headers.get("Accept", ""))
        response = web.Response(body=body)
        response.headers["Content-Type"] = content_type
        return response

    async def live(self, request: web.Request) -> web.Response:
        """Whether the event loop turns: this answer is given by it."""
        live = self._worker.app.transport.is_live
        return _json({"live": live}, 200 if live else 503)

    async def ready(self, request: web.Request) -> web.Response:
        """Whether the worker has its state and answers for the company."""
        transport, company = self._worker.app.transport, self._worker.company
        waits = []
        if not transport.is_ready:
            waits.append("its partitions are being assigned or recovered")
        if not company.complete:
            waits.append("the company's tables are being read back")
        return _json({"ready": not waits, "waits_for": waits}, 503 if waits else 200)

    async def ledger(self, request: web.Request) -> web.Response:
        """The ledger of the whole company at the clock of the tables."""
        ledger = self._worker.company.ledger()
        return self._nothing_yet() if ledger is None else _json(ledger)

    async def report(self, request: web.Request) -> web.Response:
        """The report card; `window` chooses the window, `all` by default, `at` an instant before the clock."""
        company = self._worker.company
        if company.clock is None or not company.complete:
            return self._nothing_yet()
        window, at = request.query.get("window", "all"), request.query.get("at")
        if window not in WINDOW_NAMES:
            return _json({"error": f"no window {window!r}; there are {', '.join(WINDOW_NAMES)}"}, 400)
        if at is None:
            ledger = company.ledger()
            return self._nothing_yet() if ledger is None else _json(card(ledger, window=window))
        try:
            return _json(company.past_card(instant_of(at, None, "at"), window))
        except (CannotAnswer, Refused) as error:
            return _json({"error": str(error)}, 400)

    async def status(self, request: web.Request) -> web.Response:
        """How far every partition has come, and which of them this worker owns."""
        company, owned = self._worker.company, self._worker.ledger.owned()
        offsets = company.offsets()
        return _json(
            {
                "clock": None if company.clock is None else utc_text(company.clock),
                "complete": company.complete,
                "owned": sorted(owned),
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
        return _json({"error": why}, 503)
