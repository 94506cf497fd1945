"""What the worker serves, as data: the router and the OpenAPI document are both made from it."""

from dataclasses import dataclass
from typing import Any

from agents.web.schema_words import reference
from agents.web.schemas import SCHEMAS
from streams.drilldown.numbers import IN_TROUBLE, MEASURES
from streams.health.live.hurt_list import DISRUPTED
from streams.health.live.running import WINDOWS as HEALTH_WINDOWS
from streams.tables.windows import WINDOW_NAMES

API = "/api/v1"
MOST_AT_ONCE = 1000
"""Customers in one answer."""

BOARD_WINDOW = "30d"
"""Which window the board shows when none is asked for."""

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: of the query, where every one may be left out, or a part of the path."""

    name: str
    about: str
    schema: dict[str, Any]
    place: str = "query"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: what it says, and the schema of its JSON; other media types have none."""

    about: str
    schema: str = ""
    media: tuple[str, ...] = (JSON,)


@dataclass(frozen=True, slots=True)
class Route:
    """A path; `handler` names the method that answers, of one of the classes of pages. All are GET.

    `of_company`: it tells what is counted, and answers only while the worker's edition is in force.
    """

    path: str
    handler: str
    about: str
    answers: dict[int, Answer]
    parameters: tuple[Parameter, ...] = ()
    of_company: bool = True


HEALTH_WINDOW = "1h"

_NOTHING_YET = Answer(
    "nothing has been counted yet, the tables are being read back, or another edition is in force", "Error"
)
_WRONG = Answer("an unknown parameter or a wrong one; the text names what there is", "Error")

_TEXT = {"type": "string"}
_INSTANT = Parameter(
    "at", "An instant not after the clock of the tables (RFC 3339 with a zone); without it, that clock.",
    {"type": "string", "format": "date-time"},
)


def _window(default: str) -> Parameter:
    return Parameter(
        "window", "Which window, ending with the clock of the tables or with `at`.",
        {"type": "string", "enum": list(WINDOW_NAMES), "default": default},
    )


_SCOPE = (
    Parameter("segment", "Of this segment alone; with `region`, of both.", _TEXT),
    Parameter("region", "Of this region alone.", _TEXT),
    Parameter("product", "Of this product alone.", _TEXT),
)
_BOARD = (_window(BOARD_WINDOW), _INSTANT, *_SCOPE)

_CUSTOMERS = (
    Parameter("measure", "The number that is opened.",
              {"type": "string", "enum": [*MEASURES, IN_TROUBLE, DISRUPTED], "default": "lost"}),
    *_BOARD,
    Parameter("kind", "Of lost: of this kind alone.", _TEXT),
    Parameter("reason", "Of lost: for this reason alone; `unknown` is none that is usable.", _TEXT),
    Parameter("activity", "Of brought: by this activity alone.", _TEXT),
    Parameter("service", "Of in_trouble and disrupted: at this service.", _TEXT),
    Parameter("stage", "Of in_trouble and disrupted: at this stage of the journey.", _TEXT),
    Parameter("limit", "Customers told at once.",
              {"type": "integer", "minimum": 1, "maximum": MOST_AT_ONCE, "default": 100}),
    Parameter("offset", "Customers passed over.", {"type": "integer", "minimum": 0, "default": 0}),
)

ROUTES = (
    Route(
        f"{API}/report", "report", "The report card of a window.",
        {200: Answer("the report card", "ReportCard"), 400: _WRONG, 503: _NOTHING_YET},
        (_window("all"), _INSTANT),
    ),
    Route(
        f"{API}/ledger", "ledger", "The running tables of every scope and window.",
        {200: Answer("the ledger", "Ledger"), 400: _WRONG, 503: _NOTHING_YET},
    ),
    Route(
        f"{API}/voice", "voice", "What customers say: mentions, people and sentiment per brand, topics, freshness.",
        {200: Answer("the voice", "Voice"), 400: _WRONG, 503: _NOTHING_YET},
    ),
    Route(
        f"{API}/health", "health",
        "Health as customers perceive it: customers disrupted, value at risk, false green, and which customers.",
        {200: Answer("the health", "Health"), 400: _WRONG, 503: _NOTHING_YET},
        (
            Parameter(
                "window", "Which window, ending with the clock of the signals.",
                {"type": "string", "enum": list(HEALTH_WINDOWS), "default": HEALTH_WINDOW},
            ),
        ),
    ),
    Route(
        f"{API}/surges", "surges", "Surges that are open or closed of late, actions, and false alarms.",
        {200: Answer("the surges", "Surges"), 400: _WRONG, 503: _NOTHING_YET},
    ),
    Route(
        f"{API}/status", "status", "The clock, how far each partition is, what became of all records.",
        {200: Answer("the status", "Status"), 400: _WRONG}, of_company=False,
    ),
    Route(
        f"{API}/board", "board", "What the board page shows.",
        {200: Answer("the board", "Board"), 400: _WRONG}, _BOARD,
    ),
    Route(
        f"{API}/board/events", "board_events", "The same whenever it changes, as server-sent events named `board`.",
        {200: Answer("events until the worker ends", media=("text/event-stream",)), 400: _WRONG,
         503: Answer("too many pages are open", "Error")},
        _BOARD,
    ),
    Route(
        f"{API}/bowls.svg", "bowls", "The two bowls of marbles as a picture.",
        {200: Answer("the picture", media=("image/svg+xml",)), 400: _WRONG, 503: _NOTHING_YET},
        (*_BOARD, Parameter("theme", "Of the picture.", {"type": "string", "enum": ["light", "dark"]})),
    ),
    Route(
        f"{API}/customers", "customers", "The customers behind a number: exactly as many as it says.",
        {200: Answer("the customers", "Customers"), 400: _WRONG, 503: _NOTHING_YET}, _CUSTOMERS,
    ),
    Route(
        f"{API}/customers/{{customer}}", "customer", "The timeline of one customer.",
        {200: Answer("what became of it", "CustomerTimeline"),
         404: Answer("nothing is kept of such a customer", "Error"), 400: _WRONG, 503: _NOTHING_YET},
        (Parameter("customer", "As the list of customers names it.", _TEXT, "path"),),
    ),
    Route(
        f"{API}/openapi.json", "openapi", "This document.",
        {200: Answer("an OpenAPI 3.1 document"), 400: _WRONG}, of_company=False,
    ),
    Route(
        "/health/live", "live", "Whether the event loop turns.",
        {200: Answer("it does", "Live"), 503: Answer("it does not", "Live")},
    ),
    Route(
        "/health/ready", "ready", "Whether the worker has its state and the company's tables, and what it waits for.",
        {200: Answer("it has", "Ready"), 503: Answer("it waits for something", "Ready")},
    ),
    Route(
        "/metrics", "metrics", "Metrics for Prometheus.",
        {200: Answer("all metrics", media=("text/plain", "application/openmetrics-text"))},
    ),
    Route(
        "/", "board_page", "The board: two bowls of marbles, and what they rest on.",
        {200: Answer("a page for people", media=("text/html",))},
    ),
    Route(
        "/board/{name}", "board_file", "The files that the board consists of.",
        {200: Answer("a style sheet or module", media=("text/css", "text/javascript")),
         404: Answer("there is no such file", media=("text/plain",))},
        (Parameter("name", "Of the file.", _TEXT, "path"),),
    ),
    Route(
        "/runbooks/", "runbook_index", "The list of runbooks: what each alert means, and what to do.",
        {200: Answer("a page for people", media=("text/html",))}, of_company=False,
    ),
    Route(
        "/runbooks/{name}", "runbook", "The runbook of an alert.",
        {200: Answer("a page for people", media=("text/html",)),
         404: Answer("there is no such runbook", media=("text/plain",))},
        (Parameter("name", "Of the alert, with or without `.md`.", _TEXT, "path"),), of_company=False,
    ),
)  # fmt: skip


def openapi(version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1.html); `version` is the program's."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "netgrowth",
            "version": version,
            "summary": "The live ledger of customers won and lost.",
            "description": "Every worker answers for the whole company. Values are minor units of the currency.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": {route.path: {"get": _operation(route)} for route in ROUTES},
        "components": {"schemas": SCHEMAS},
    }


def _operation(route: Route) -> dict[str, Any]:
    parameters = [
        {
            "name": one.name, "in": one.place, "required": one.place == "path", "description": one.about,
            "schema": one.schema,
        }
        for one in route.parameters
    ]
    answers = {str(status): _answer(answer) for status, answer in route.answers.items()}
    described = {"operationId": route.handler, "summary": route.about, "responses": answers}
    return described | ({"parameters": parameters} if parameters else {})


def _answer(answer: Answer) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if answer.media == (JSON,):
        schema = reference(answer.schema) if answer.schema else {"type": "object"}
    return {"description": answer.about, "content": {media: {"schema": schema} for media in answer.media}}
