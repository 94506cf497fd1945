"""The topic `net-growth`: the running table, one record per scope and window, for other services.

A row is written by the worker that owns its scope, when it has changed. The key is `scope/window`; that of a closed
hour or day in which something was counted is `scope/hour/START` or `scope/day/START`, in the company's time zone.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
from faust.types import TP

from agents.company import Company, scope_name
from agents.kafka_clients import aiokafka_options
from agents.transport import BatchTransport
from agents.transport.log_reading import read_to_end
from config.settings import Settings
from streams.tables.calendar import utc_text
from streams.tables.rows import Row
from streams.tables.scopes import ScopeKey
from streams.tables.windows import WINDOW_NAMES, Span, is_final

HOURS_AT_ONCE = 12
"""Closed hours written in one go: after a replay there may be thousands."""

SENT_AT_ONCE = 500
"""Rows written in one go; the rest follow with the next, so that a large change does not hold up the loop."""


class NetGrowthWriter:
    """Remembers which row was written last, by identity: unchanged rows are the same objects."""

    def __init__(self, transport: BatchTransport, settings: Settings, company: Company) -> None:
        self._transport = transport
        self._settings = settings
        self._topic = settings.topic("net-growth")
        self._source = settings.topic("customer-events")
        self._company = company
        self._written: dict[tuple[ScopeKey, str], Row] = {}
        self._days: set[Span] = set()
        self._cleared: set[int] = set()

    async def clear_replaced(self) -> None:
        """Delete running rows that an edition before wrote, of scopes that are none any more; once a partition.

        A row of a closed hour or day stays: it says by which definitions it was counted, and its time is over.
        Raises: aiokafka's errors, RecoveryFailed.
        """
        company = self._company
        partitions = sorted(set(company.owned()) - self._cleared)
        if not partitions or not company.complete:
            return
        stale = await self._written_by_others(partitions)
        owned = set(company.owned())
        current = {
            _key(scope, window) for window in WINDOW_NAMES for scope in company.rows(window)
        }
        for place, key in stale:
            if place in owned and key not in current:
                self._transport.barrier.send(TP(self._source, place), self._topic, place, key, None)
        self._cleared.update(owned.intersection(partitions))

    async def _written_by_others(self, partitions: list[int]) -> list[tuple[int, bytes]]:
        """Partition and key of each running row in the topic that other definitions than these counted."""
        mine = (self._company.definitions.name, self._company.definitions.version)
        found: dict[tuple[int, bytes], bool] = {}
        chunks = read_to_end(
            aiokafka_options(self._settings), self._topic, partitions, expected_partitions=self._settings.partitions,
            max_records=2000, fetch_bytes=4 << 20, stall=30.0, on_progress=lambda _: None,
        )  # fmt: skip
        async for progress, records in chunks:
            for record in records:
                found[progress.partition, record.key] = record.value is not None and _is_running_of_others(
                    record.value, mine
                )
        return [place for place, is_stale in found.items() if is_stale]

    async def write(self, is_stopping: Callable[[], bool] = lambda: False) -> None:
        """Write the rows that changed, of the scopes that this worker owns now.

        Others get their turn meanwhile; what was asked to stop by then finds no producer, so it is asked again.
        """
        await self._company.follow()
        if is_stopping():
            return
        company, clock = self._company, self._company.clock
        owned = set(company.owned())
        if not company.complete or clock is None or not owned:
            self._written.clear()
            return
        self._write_closed(owned, clock)
        sent = 0
        for window in WINDOW_NAMES:
            await asyncio.sleep(0)
            if is_stopping():
                return
            clock, owned = company.clock or clock, set(company.owned())
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

    def _write_closed(self, owned: set[int], clock: int) -> None:
        company = self._company
        hours = company.closed_hours(HOURS_AT_ONCE)
        self._days.update(company.day_of(hour.start) for hour in hours)
        days = sorted(day for day in self._days if day.end <= clock)
        self._days.difference_update(days)
        for name, spans in (("hour", hours), ("day", days)):
            for span in spans:
                start = company.local_text(span.start)
                for scope, row in company.rows_in(span).items():
                    if (place := company.place(scope)) in owned:
                        self._put(place, scope, f"{name}/{start}", name, span, row, clock)

    def _send(self, place: int, scope: ScopeKey, window: str, row: Row, clock: int) -> None:
        span = self._company.span(window)
        if span is not None:
            self._put(place, scope, window, window, span, row, clock)

    def _put(
        self, place: int, scope: ScopeKey, name: str, window: str, span: Span, row: Row, clock: int
    ) -> None:
        company = self._company
        definitions = company.definitions
        value: dict[str, Any] = {
            "scope": scope_labels(scope),
            "window": window,
            "end": utc_text(span.end),
            "at": utc_text(clock),
            "final": is_final(span.end, clock, definitions.horizon_us, definitions.grouping_us),
            "definitions": {"name": definitions.name, "version": definitions.version},
            "currency": definitions.currency,
            "row": company.told(row, span.start),
        }
        if window != "all":
            value["start"] = utc_text(span.start)
        key = _key(scope, name)
        self._transport.barrier.send(TP(self._source, place), self._topic, place, key, orjson.dumps(value))


def _key(scope: ScopeKey, name: str) -> bytes:
    return f"{scope_name(scope)}/{name}".encode()


def _is_running_of_others(value: bytes, mine: tuple[str, str]) -> bool:
    written = orjson.loads(value)
    definitions = written["definitions"]
    return written["window"] in WINDOW_NAMES and (definitions["name"], definitions["version"]) != mine


def scope_labels(scope: ScopeKey) -> dict[str, str]:
    """A scope as labels; none for the total."""
    dimension, first, second = scope
    if dimension == "total":
        return {}
    if dimension == "segment_region":
        return {"segment": first, "region": second}
    return {dimension: first}
