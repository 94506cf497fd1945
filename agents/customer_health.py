"""The topic `customer-health`: health of every scope and window, for other services.

A row is written by the worker that owns its scope, when it has changed. The key is `scope/window`.
"""

import asyncio
from collections.abc import Callable

import orjson
from faust.types import TP

from agents.health_company import HealthCompany, scope_name
from agents.transport import BatchTransport
from config.settings import Settings
from streams.health.columns import Kind
from streams.health.health_json import scope_rows
from streams.health.live.running import WINDOWS
from streams.health.parts import ScopeName
from streams.health.tables import ScopeHealth
from streams.tables.calendar import utc_text

ROWS_AT_ONCE = 100
"""Rows written before others get their turn."""


class CustomerHealthWriter:
    """Remembers which row was written last, by identity: unchanged rows are the same objects."""

    def __init__(self, transport: BatchTransport, settings: Settings, company: HealthCompany) -> None:
        self._transport = transport
        self._topic = settings.topic("customer-health")
        self._source = settings.topic("qos-signals")
        self._company = company
        self._written: dict[tuple[Kind, str], dict[ScopeName, tuple[ScopeHealth, bytes]]] = {}

    async def write(self, is_stopping: Callable[[], bool] = lambda: False) -> None:
        """Write the rows that changed, of the scopes that this worker owns now."""
        company, health = self._company, self._company.health
        if not company.complete or health.clock is None:
            self._written.clear()
            return
        looked = 0
        for kind in health.windows.kinds:
            for window in WINDOWS:
                rows, span = health.windows.rows_of(kind, window), health.span(window)
                written = self._written.setdefault((kind, window), {})
                # Of whom nobody was seen in the window any more there is nothing to say.
                for scope in (*rows, *(written.keys() - rows.keys())):
                    looked += 1
                    if looked % ROWS_AT_ONCE == 0:
                        await asyncio.sleep(0)
                    if is_stopping() or span is None:
                        return
                    place = company.place(scope)
                    if place in company.owned():
                        self._put(place, scope, window, span, rows.get(scope), written)
                    else:
                        written.pop(scope, None)

    def _put(
        self, place: int, scope: ScopeName, window: str, span: tuple[int, int], row: ScopeHealth | None,
        written: dict[ScopeName, tuple[ScopeHealth, bytes]],
    ) -> None:  # fmt: skip
        value = None
        if row is None:
            del written[scope]
        else:
            before = written.get(scope)
            if before is not None and before[0] is row:
                return
            whole = self._company.health.windows.with_latencies(scope, window, row)
            (told,) = scope_rows(self._company.definitions, {scope: whole}, with_facts=True)
            body = orjson.dumps(told)
            written[scope] = row, body
            if before is not None and before[1] == body:
                return
            value = self._value(window, span, told)
        key = f"{scope_name(scope)}/{window}".encode()
        self._transport.barrier.send(TP(self._source, place), self._topic, place, key, value)

    def _value(self, window: str, span: tuple[int, int], told: dict[str, object]) -> bytes:
        definitions, clock = self._company.definitions, self._company.health.clock or 0
        return orjson.dumps(
            {
                "window": window,
                "start": utc_text(span[0]),
                "end": utc_text(span[1]),
                "at": utc_text(clock),
                "definitions": {"name": definitions.name, "version": definitions.version},
                "currency": definitions.currency,
                "health": told,
            }
        )
