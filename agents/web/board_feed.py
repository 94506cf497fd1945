"""Keeps open board pages up to date: each view is made once for all who look at it, and only while somebody does."""

import asyncio
import logging
from collections.abc import AsyncIterator
from time import monotonic
from typing import TYPE_CHECKING, Any

import orjson

from agents.partition_stage import every
from agents.wall_clock import wall_clock_us
from agents.web.asked import Asked
from agents.web.backlog import BacklogWatch
from agents.web.beside import Beside
from agents.web.board_view import board_view
from streams.report.growth_line import GrowthLine
from streams.report.instants import CannotAnswer
from streams.tables.scopes import ScopeKey

if TYPE_CHECKING:
    from agents.app import LedgerWorker

logger = logging.getLogger(__name__)

LOOK_S = 0.4
"""Between two looks at the tables."""

SHARE = 0.2
"""Of a worker's time that the views may take, at most."""

BACKLOG_S = 1.0
"""Between two questions to the broker where the input ends."""

FORGET_S = 20.0
"""After so long, lines are summed anew from their beginning."""

MOST_CLIENTS = 200
MOST_VIEWS = 40

HEARTBEAT_S = 10.0
"""Without news for so long, a client is told that the worker lives."""


class TooManyClients(Exception):
    """As many pages are open as the worker serves; the text says how many."""


class _Watched:
    """A view that somebody looks at: the newest JSON, and how often it has changed."""

    def __init__(self) -> None:
        self.clients = 0
        self.changes = 0
        self.latest = b""


class BoardFeed:
    """The open pages of one worker. A slow one misses views and never keeps the others waiting."""

    def __init__(self, worker: "LedgerWorker") -> None:
        self._worker = worker
        self._watched: dict[Asked, _Watched] = {}
        self._lines: dict[ScopeKey, GrowthLine] = {}
        self._changed = asyncio.Condition()
        self._backlog = BacklogWatch(worker.settings, worker.ledger.topic, worker.company)
        self._beside = Beside(worker)
        self._looked_at = self._forgot_at = -FORGET_S
        self._ended = False

    async def run(self) -> None:
        """Make the views that are looked at, until cancelled; then every page is let go."""
        try:
            app = self._worker.app
            await every(LOOK_S, self._look_guarded, until=lambda: bool(app.should_stop), share=SHARE)
        finally:
            await self.let_go()
            await self._backlog.close()

    async def let_go(self, _: object = None) -> None:
        """End every open page's events: the web server waits for them when it stops."""
        self._ended = True
        async with self._changed:
            self._changed.notify_all()

    def view(self, asked: Asked) -> bytes:
        """The JSON of a view now. Raises: CannotAnswer, saying which instants can be answered."""
        line = self._lines.get(asked.scope) or self._worker.company.growth_line(asked.scope)
        if any(one.scope == asked.scope for one in self._watched):
            self._lines[asked.scope] = line
        return orjson.dumps(self._made(asked, line))

    def _made(self, asked: Asked, line: GrowthLine) -> dict[str, Any]:
        return board_view(self._worker, asked, line, self._beside, self._backlog.last, wall_clock_us())

    async def views(self, asked: Asked) -> AsyncIterator[bytes]:
        """The JSON of a view whenever it has changed, b"" after a while without a change, until the worker ends.

        Raises:
            TooManyClients: nothing is given then.
            CannotAnswer: as `view`.
        """
        watched = self._watch(asked)
        try:
            if not watched.latest:
                watched.latest = self.view(asked)
            seen = watched.changes
            yield watched.latest
            while not self._ended:
                async with self._changed:
                    try:
                        async with asyncio.timeout(HEARTBEAT_S):
                            await self._changed.wait_for(lambda: self._ended or watched.changes != seen)  # noqa: B023
                    except TimeoutError:
                        pass
                if self._ended:
                    return
                news = watched.changes != seen
                seen = watched.changes
                yield watched.latest if news else b""
        finally:
            watched.clients -= 1
            if not watched.clients:
                self._watched.pop(asked, None)
                if not any(one.scope == asked.scope for one in self._watched):
                    self._lines.pop(asked.scope, None)

    def _watch(self, asked: Asked) -> _Watched:
        clients = sum(watched.clients for watched in self._watched.values())
        if clients >= MOST_CLIENTS or (asked not in self._watched and len(self._watched) >= MOST_VIEWS):
            raise TooManyClients(
                f"{clients} pages of {len(self._watched)} views are open on this worker, which serves {MOST_CLIENTS} "
                f"of {MOST_VIEWS}; close some, or look at another worker"
            )
        watched = self._watched.setdefault(asked, _Watched())
        watched.clients += 1
        return watched

    async def _look_guarded(self) -> None:
        try:
            await self._look()
        except Exception:  # counting goes on, whatever is wrong with the showing of it
            logger.exception("The board could not be made")

    async def _look(self) -> None:
        now = monotonic()
        if now - self._looked_at >= BACKLOG_S:
            # Also while nobody looks: what stands still is only seen over time.
            self._looked_at = now
            await self._backlog.look(now)
            self._worker.silent_feeds.look(wall_clock_us())
        if now - self._forgot_at >= FORGET_S:
            self._forgot_at = now
            for line in self._lines.values():
                line.forget()
        anything = False
        for asked, watched in list(self._watched.items()):
            await asyncio.sleep(0)
            try:
                latest = self.view(asked)
            except CannotAnswer:
                continue  # an instant that could be told when it was asked for: it stays as it was
            if latest != watched.latest:
                watched.latest = latest
                watched.changes += 1
                anything = True
        if anything:
            async with self._changed:
                self._changed.notify_all()
