"""The topic `net-growth`: the running table, one record per scope and window, for other services.

A row is written by the worker that owns its scope, when it has changed. The key is `scope/window`.
"""

from typing import Any

import orjson
from faust.types import TP

from agents.company import Company, scope_name
from agents.transport import BatchTransport
from config.settings import Settings
from streams.tables.calendar import utc_text
from streams.tables.rows import Row
from streams.tables.scopes import ScopeKey
from streams.tables.windows import WINDOW_NAMES, is_final

SENT_AT_ONCE = 500
"""Rows written in one go; the rest follow with the next, so that a large change does not hold up the loop."""


class NetGrowthWriter:
    """Remembers which row was written last, by identity: unchanged rows are the same objects."""

    def __init__(self, transport: BatchTransport, settings: Settings, company: Company) -> None:
        self._transport = transport
        self._topic = settings.topic("net-growth")
        self._source = settings.topic("customer-events")
        self._company = company
        self._written: dict[tuple[ScopeKey, str], Row] = {}

    async def write(self) -> None:
        """Write the rows that changed, of the scopes that this worker owns now."""
        company, clock = self._company, self._company.clock
        owned = set(company.owned())
        if not company.complete or clock is None or not owned:
            self._written.clear()
            return
        sent = 0
        for window in WINDOW_NAMES:
            for scope, row in company.rows(window).items():
                place = company.place(scope)
                if place not in owned:
                    self._written.pop((scope, window), None)
                elif self._written.get((scope, window)) is not row:
                    self._send(place, scope, window, row, clock)
                    self._written[scope, window] = row
                    sent += 1
                    if sent >= SENT_AT_ONCE:
                        return

    def _send(self, place: int, scope: ScopeKey, window: str, row: Row, clock: int) -> None:
        span = self._company.span(window)
        if span is None:
            return
        definitions = self._company.definitions
        value: dict[str, Any] = {
            "scope": scope_labels(scope),
            "window": window,
            "end": utc_text(span.end),
            "at": utc_text(clock),
            "final": is_final(span.end, clock, definitions.horizon_us, definitions.grouping_us),
            "definitions": {"name": definitions.name, "version": definitions.version},
            "currency": definitions.currency,
            "row": row,
        }
        if window != "all":
            value["start"] = utc_text(span.start)
        key = f"{scope_name(scope)}/{window}".encode()
        self._transport.barrier.send(TP(self._source, place), self._topic, place, key, orjson.dumps(value))


def scope_labels(scope: ScopeKey) -> dict[str, str]:
    """A scope as labels; none for the total."""
    dimension, first, second = scope
    if dimension == "total":
        return {}
    if dimension == "segment_region":
        return {"segment": first, "region": second}
    return {dimension: first}
