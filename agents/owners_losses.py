"""Of the customers whom an open trouble has cost: who answers for them, and which they are, for a ticket to each.

Who left is read from `movements`, which is told for the whole company, by the worker that runs the detectors.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from agents.disrupted_before import scope_of
from agents.movements_log import MovementsLog, NotYet
from config.settings import Settings
from streams.drilldown.flows import FlowList, ToldMovement
from streams.drilldown.numbers import CannotOpen, Number
from streams.facts.definitions.alerts import AlertRules
from streams.ledger.rules import MINUTE
from streams.surges.series import LOST_CUSTOMERS
from streams.surges.surge import Surge
from streams.tables.windows import Span

logger = logging.getLogger(__name__)

LISTED: Final = 10
"""Customers that a ticket names, those of most value; it tells how many more there are."""
AGAIN_S: Final = 5.0
"""Between two looks at the losses."""


@dataclass(slots=True)
class OwnersLoss:
    """What a trouble has cost an owner: customers, their value in minor units, and the ids of those of most value."""

    customers: int = 0
    value: int = 0
    largest: list[tuple[str, int]] = field(default_factory=list)


def by_owner(losses: Iterable[ToldMovement], rules: AlertRules) -> dict[str, OwnersLoss]:
    """Losses by who answers for the customer, with the profile it had when it left; those of nobody are left out."""
    found: dict[str, OwnersLoss] = {}
    for one in losses:
        owner = rules.owner_of(one.segment, one.region, one.product)
        if owner is not None:
            loss = found.setdefault(owner, OwnersLoss())
            loss.customers += 1
            loss.value += one.value
            loss.largest.append((one.customer_id, one.value))
    for loss in found.values():
        loss.largest = sorted(loss.largest, key=lambda one: (-one[1], one[0]))[:LISTED]
    return found


def widest(surges: Iterable[Surge]) -> dict[str, Surge]:
    """Of each story the surge of losses that holds the others: the whole before its parts, customers before value."""
    found: dict[str, Surge] = {}
    for surge in sorted(surges, key=_width):
        if surge.direction == "up":
            found.setdefault(surge.story, surge)
    return found


def _width(surge: Surge) -> tuple[int, bool, int]:
    return len(surge.series.labels), surge.series.measure != LOST_CUSTOMERS, surge.onset


class OwnersLosses:
    """Looks at the losses of the troubles that are open.

    Attributes:
        found: by story, then by owner.
    """

    def __init__(
        self, settings: Settings, rules: AlertRules, surges: Callable[[], Sequence[Surge]],
        clock: Callable[[], int | None],
    ) -> None:  # fmt: skip
        """`surges`: open ones of losses, if this worker runs the detectors; `clock`: of the tables."""
        self.found: dict[str, dict[str, OwnersLoss]] = {}
        self._rules, self._surges, self._clock = rules, surges, clock
        self._log = MovementsLog(settings)
        self._looked = -AGAIN_S

    async def look(self) -> None:
        """Look at the troubles that are open, every few seconds."""
        clock, stories = self._clock(), widest(self._surges())
        self.found = {story: found for story, found in self.found.items() if story in stories}
        if clock is None or not stories or monotonic() - self._looked < AGAIN_S:
            return
        try:
            await self._log.catch_up()
            for story, surge in stories.items():
                losses = FlowList(Number("lost", scope_of(surge), Span(surge.onset, clock + MINUTE)))
                async for movements in self._log.within(losses.number.span):
                    losses.take(movements)
                    await asyncio.sleep(0)
                self.found[story] = by_owner(losses.found(), self._rules)
        except (NotYet, CannotOpen) as error:
            # The tickets say no more than is known; it is asked again in a moment.
            logger.debug("Whose customers left cannot be told now: %s", error)
        self._looked = monotonic()

    async def close(self) -> None:
        """Let go of the topic."""
        await self._log.close()
