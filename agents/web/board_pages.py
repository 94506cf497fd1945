"""The board: its page, the files that the page consists of, and what it shows."""

import asyncio
import logging
from contextlib import aclosing
from importlib.resources import files
from typing import TYPE_CHECKING

from aiohttp import web

from agents.web.answers import error_answer, json_bytes
from agents.web.asked import Asked, WrongQuery, asked
from agents.web.board_feed import BoardFeed, TooManyClients
from agents.web.routes import BOARD_WINDOW
from streams.report.bowls import bowls_picture
from streams.report.instants import CannotAnswer
from streams.report.sentence import net_sentence

if TYPE_CHECKING:
    from agents.app import LedgerWorker

logger = logging.getLogger(__name__)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors *"
)
"""Content-Security-Policy of the page: it needs nothing from anywhere else; others may show it in a frame."""

MEDIA = {".css": "text/css", ".js": "text/javascript", ".html": "text/html", ".svg": "image/svg+xml"}
SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-cache"}

WRITE_S = 20.0
"""A client that takes nothing for so long is let go."""


class BoardPages:
    """One method a page."""

    def __init__(self, worker: "LedgerWorker", feed: BoardFeed) -> None:
        self._worker = worker
        self._feed = feed
        folder = files("agents.web") / "board"
        self._files = {
            file.name: file.read_bytes() for file in folder.iterdir() if file.name[file.name.rfind(".") :] in MEDIA
        }

    async def board_page(self, request: web.Request) -> web.Response:
        """The page itself; what it shows it asks for."""
        return self._file("index.html", {"Content-Security-Policy": POLICY})

    async def board_file(self, request: web.Request) -> web.Response:
        """A style sheet or module of the page."""
        name = request.match_info["name"]
        if name not in self._files:
            return web.Response(status=404, text=f"there is no {request.path}\n")
        return self._file(name)

    async def board(self, request: web.Request) -> web.Response:
        """What the page shows, once."""
        try:
            return json_bytes(self._feed.view(_asked(request)))
        except (WrongQuery, CannotAnswer) as error:
            return error_answer(str(error))

    async def board_events(self, request: web.Request) -> web.StreamResponse:
        """What the page shows, whenever it changes, as server-sent events."""
        try:
            views = self._feed.views(_asked(request))
        except WrongQuery as error:
            return error_answer(str(error))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **SAFE})
        async with aclosing(views):  # type: ignore[type-var]
            try:
                first = await anext(views)
            except CannotAnswer as error:
                return error_answer(str(error))
            except TooManyClients as error:
                return error_answer(str(error), 503)
            await response.prepare(request)
            try:
                await response.write(b"retry: 1000\n\n")
                await self._send(response, first)
                async for view in views:
                    await self._send(response, view)
            except (ConnectionError, TimeoutError):
                logger.debug("A page went away")
        return response

    async def bowls(self, request: web.Request) -> web.Response:
        """The two bowls as a picture."""
        try:
            of = asked({name: text for name, text in request.query.items() if name != "theme"}, BOARD_WINDOW)
            dark = {"light": False, "dark": True}.get(theme := request.query.get("theme", "light"))
            if dark is None:
                raise WrongQuery(f"no theme {theme!r}; there are light, dark")
            company, definitions = self._worker.company, self._worker.definitions
            view = company.view(of.scope, of.window, of.at) if company.complete else None
        except (WrongQuery, CannotAnswer) as error:
            return error_answer(str(error))
        clock = company.clock
        if view is None or clock is None:
            return error_answer("there are no numbers yet; /health/ready says what is waited for", 503)
        scope = " x ".join(of.named.values()) or "The whole company"
        at = company.local_text((clock if of.at is None else of.at) // 1_000_000 * 1_000_000)
        picture = bowls_picture(
            view.row, f"{scope}, {of.window.replace('_', ' ')}", net_sentence(view.row, definitions.currency),
            f"{definitions.name} {definitions.version}, {at}", dark=dark,
        )  # fmt: skip
        return web.Response(text=picture, content_type="image/svg+xml", headers=SAFE)

    def _file(self, name: str, more: dict[str, str] | None = None) -> web.Response:
        media = MEDIA[name[name.rfind(".") :]]
        return web.Response(
            body=self._files[name], content_type=media, charset="utf-8", headers={**SAFE, **(more or {})}
        )

    async def _send(self, response: web.StreamResponse, view: bytes) -> None:
        async with asyncio.timeout(WRITE_S):
            await response.write(b"event: board\ndata: " + view + b"\n\n" if view else b"event: here\ndata:\n\n")


def _asked(request: web.Request) -> Asked:
    return asked(request.query, BOARD_WINDOW)
