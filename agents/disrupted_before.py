"""Of the customers whom an open surge lost: how many were disrupted in the hour before they left, and at which stage.

Who was disrupted is read from `customers-in-trouble`, who left from `movements`: both are told for the whole company,
so the worker that runs the detectors can join them.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

import msgspec

from agents.movements_log import MovementsLog, NotYet
from agents.topic_following import follow
from config.settings import Settings
from streams.drilldown.flows import FlowList
from streams.drilldown.numbers import CannotOpen, Number
from streams.facts.refusal import Refused
from streams.facts.times import instant_of
from streams.ledger.rules import HOUR, MINUTE
from streams.surges.surge import Surge
from streams.tables.scopes import THE_TOTAL, ScopeKey
from streams.tables.windows import Span

logger = logging.getLogger(__name__)

BEFORE_US: Final = HOUR
IN_SIGHT_US: Final = 5 * MINUTE
"""A trouble is told of for so long after the customer was last disrupted."""
KEPT_US: Final = 26 * HOUR
POLL_MS, RECORDS_AT_ONCE = 200, 2000
KEPT_FOUND: Final = 200
"""Surges whose figures are kept, also for the note of their end."""
AGAIN_S: Final = 5.0
"""Between two looks at a surge that was looked at."""

Stages = dict[str, int]  # stage to since when, microseconds


class _Place(msgspec.Struct):
    stage: str
    since: str


class _Trouble(msgspec.Struct):
    disrupted: list[_Place]


@dataclass(slots=True)
class _History:
    """Troubles of one customer: the running one, and those that are over, by stage with start and end."""

    running: Stages = field(default_factory=dict)
    over: list[tuple[str, int, int]] = field(default_factory=list)


class Troubles:
    """Who was disrupted when, as far as `customers-in-trouble` tells; pure, for `DisruptedBefore`."""

    def __init__(self) -> None:
        self._customers: dict[str, _History] = {}
        self._newest = 0

    def take(self, customer_id: str, value: bytes | None, now: int | None) -> None:
        """The next record of a customer.

        Args:
            value: None: its trouble is over.
            now: the clock of the signals; None: unknown, as the record is an old one.
        Raises: msgspec.MsgspecError, Refused for what no worker wrote.
        """
        history = self._customers.setdefault(customer_id, _History())
        if value is not None:
            told = msgspec.json.decode(value, type=_Trouble)
            stages = {place.stage: instant_of(place.since, None, "since") for place in told.disrupted}
            self._newest = max(self._newest, *stages.values())
        else:
            stages = {}
        for stage, since in history.running.items():
            if stage not in stages:
                end = since if now is None else max(since, now - IN_SIGHT_US)
                history.over.append((stage, since, end + MINUTE))
        history.running = stages
        if not stages and not history.over:
            del self._customers[customer_id]

    def stages_before(self, customer_id: str, at: int) -> set[str]:
        """Stages at which a customer was disrupted in the hour before an instant."""
        history = self._customers.get(customer_id)
        if history is None:
            return set()
        found = {stage for stage, since in history.running.items() if since <= at}
        return found | {stage for stage, since, end in history.over if since <= at and end >= at - BEFORE_US}

    def forget(self, before: int) -> None:
        """Let go of troubles that were over before an instant."""
        for customer_id, history in list(self._customers.items()):
            history.over = [one for one in history.over if one[2] >= before]
            if not history.over and not history.running:
                del self._customers[customer_id]


@dataclass(frozen=True, slots=True)
class LostAfterTrouble:
    """Of the customers lost in a surge: how many there are, how many were disrupted before, and at which stages."""

    lost: int
    disrupted: int
    stages: Counter[str]


def lost_after_trouble(losses: Iterable[tuple[str, int]], troubles: Troubles) -> LostAfterTrouble:
    """Join losses (customer, instant) with troubles."""
    lost, disrupted, stages = 0, 0, Counter[str]()
    for customer_id, at in losses:
        found = troubles.stages_before(customer_id, at)
        lost += 1
        disrupted += bool(found)
        stages.update(found)
    return LostAfterTrouble(lost, disrupted, stages)


class DisruptedBefore:
    """Follows the troubles and looks at the losses of open surges."""

    def __init__(
        self, settings: Settings, surges: Callable[[], Sequence[Surge]], clock: Callable[[], int | None],
        health_clock: Callable[[], int | None],
    ) -> None:  # fmt: skip
        """`surges`: open ones of losses, if this worker runs the detectors; clocks of the tables and the signals."""
        self.found: dict[str, LostAfterTrouble] = {}
        self._settings = settings
        self._surges, self._clock, self._health_clock = surges, clock, health_clock
        self._troubles = Troubles()
        self._complete = False
        self._log = MovementsLog(settings)
        self._looked: dict[str, float] = {}

    async def read(self) -> None:
        """Follow the troubles until cancelled. Raises: aiokafka's errors; the process is to end then."""
        def complete() -> None:
            self._complete = True

        topics = {self._settings.topic("customers-in-trouble"): self._settings.partitions}
        try:
            await follow(
                self._settings, topics, self._take, complete, poll_ms=POLL_MS, records_at_once=RECORDS_AT_ONCE
            )
        finally:
            await self._log.close()

    async def look(self) -> None:
        """Look at the surges that are open, each every few seconds."""
        if not self._complete:
            return
        clock, now = self._clock(), monotonic()
        surges = {surge.surge_id: surge for surge in self._surges()}
        self._looked = {one: at for one, at in self._looked.items() if one in surges}
        while len(self.found) > KEPT_FOUND:
            del self.found[next(iter(self.found))]
        if clock is None:
            return
        self._troubles.forget(clock - KEPT_US)
        due = [one for one in surges.values() if now - self._looked.get(one.surge_id, -AGAIN_S) >= AGAIN_S]
        if not due:
            return
        try:
            await self._log.catch_up()
            for surge in due:
                self.found[surge.surge_id] = await self._look_at(surge, clock)
                self._looked[surge.surge_id] = monotonic()
        except (NotYet, CannotOpen) as error:
            # The page says no more than is known; it is asked again in a moment.
            logger.debug("Who was disrupted before leaving cannot be told now: %s", error)

    async def _look_at(self, surge: Surge, clock: int) -> LostAfterTrouble:
        losses = FlowList(Number("lost", scope_of(surge), Span(surge.onset, clock + MINUTE)))
        async for movements in self._log.within(losses.number.span):
            losses.take(movements)
            await asyncio.sleep(0)
        return lost_after_trouble(((one.customer_id, one.at_us) for one in losses.found()), self._troubles)

    async def _take(self, records: Sequence[Any]) -> None:
        now = self._health_clock() if self._complete else None
        for record in records:
            try:
                self._troubles.take((record.key or b"").decode(), record.value, now)
            except (msgspec.MsgspecError, Refused, UnicodeDecodeError):
                logger.warning("A record of customers-in-trouble is not to be read and was passed over")


def scope_of(surge: Surge) -> ScopeKey:
    """The scope of the tables whose losses a surge counts."""
    labels = dict(surge.series.labels)
    for label in ("segment", "region", "product"):
        if label in labels:
            return (label, labels[label], "")
    return THE_TOTAL
