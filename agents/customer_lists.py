"""The customers behind a number of the tables, and the timeline of one of them.

What happened in a window is read from the topic `movements`, for the whole company. Who is here now is told by the
customers' state: of the partitions of this worker from its books, of the others from their changelog.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import orjson

from agents.books_reading import BooksOfOthers
from agents.customer_lines import CustomerLines, Line
from agents.health_lists import HealthLists, OpenedHealth
from agents.mentions_log import MentionsLog
from agents.movements_log import MovementsLog, NotYet
from agents.troubled_customers import Trouble, with_trouble
from config.settings import Settings
from streams.books import PartitionBooks
from streams.drilldown.flows import MOST, FlowList
from streams.drilldown.levels import Standing, is_behind, standings
from streams.drilldown.numbers import LEVELS, CannotOpen, Number, customers_in
from streams.facts.placement import partition_for
from streams.health.live.hurt_list import HealthNumber
from streams.ledger.movement_lines import MovementLine

if TYPE_CHECKING:
    from agents.app import LedgerWorker

logger = logging.getLogger(__name__)

KEPT_LISTS = 4
"""Lists kept for the next page of whoever reads them; made anew once anything has come."""

AT_ONCE = 300
"""Customers looked at before others get their turn: some milliseconds."""

TRIES, AGAIN_S = 6, 0.4
"""Of a list that is not as long as the number says: what the tables have may still be on its way to the topic."""

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Opened:
    """A number opened.

    Attributes:
        lines: one a customer that it counts, by time.
        counted: what the tables say, None where they have no such number; it is what `lines` must be as many as.
    """

    lines: Sequence[Line]
    counted: int | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """What became of a customer, each list oldest first.

    Attributes:
        movements: of all that is kept.
        disruptions: of the last day, and those that last; None where no signals are read.
        mentions: those that carry its id, among the newest; None where none are read.
        missing: why something of it cannot be told now, in words.
    """

    movements: list[Line]
    disruptions: list[Line] | None
    mentions: list[Line] | None
    missing: list[str]


class CustomerLists:
    """Opens numbers and customers, and logs each opening."""

    def __init__(self, worker: "LedgerWorker") -> None:
        self._worker = worker
        settings: Settings = worker.settings
        self._names = worker.names
        self._line = CustomerLines(worker.names)
        self._log = MovementsLog(settings)
        self._others = BooksOfOthers(
            settings, worker.ledger, worker.ledger.new_state,
            "ask for what happened in a window (gained, lost ...), which any worker tells",
        )
        self._health = HealthLists(worker, self._names, self._others)
        self._mentions = None if worker.voice is None else MentionsLog(settings, worker.definitions)
        self._lists: OrderedDict[Number, tuple[tuple[int, ...], list[Line]]] = OrderedDict()

    @property
    def shows_ids(self) -> bool:
        """The company's own ids are shown in place of pseudonyms."""
        return self._names.are_ids

    async def open(self, number: Number, window: str, at: int | None, who: str) -> Opened:
        """Who is behind a number.

        Args:
            number: its span is that of the window at that instant.
            at: None: the window ends now.
            who: asks, for the log.
        Raises:
            CannotOpen: saying what can be opened.
            NotYet: the topic is not read yet.
            CannotAnswer: the tables cannot tell of this instant.
        """
        number.check()
        made: list[Line] = []
        counted: int | None = None
        for left in reversed(range(TRIES)):
            made = await self._lines(number)
            view = self._worker.company.view(number.scope, window, at)
            if view is not None and view.span != number.span:
                break  # the window has moved on meanwhile: what it counts now is another number
            counted = None if view is None else customers_in(view.row, number)
            if counted is None or counted == len(made) or not left:
                break
            await asyncio.sleep(AGAIN_S)
        logger.info("Customers opened by %s: %s, %d of them", who, number, len(made))
        return Opened(made, counted)

    async def in_trouble(self, chosen: Mapping[str, str], who: str) -> Opened:
        """Who is disrupted now, chosen by `agents.troubled_customers.FILTERS`.

        Raises: CannotOpen, where no signals are read; NotYet.
        """
        troubled, health = self._worker.troubled, self._worker.health_company
        if troubled is None or health is None:
            raise CannotOpen("this worker reads no signals, so that nobody is known to be disrupted")
        if not troubled.complete:
            raise NotYet("the topic customers-in-trouble is being read; ask again in a moment")
        made: list[Line] = []
        counted: int | None = None
        for left in reversed(range(TRIES)):
            made = [self._line.trouble(trouble) for trouble in troubled.of(chosen)]
            counted = None if chosen else health.health.in_trouble
            if counted is None or counted == len(made) or not left:
                break
            await asyncio.sleep(AGAIN_S)
        logger.info("Customers in trouble opened by %s: %s, %d of them", who, dict(chosen) or "all", len(made))
        return Opened(made, counted)

    async def open_health(self, number: HealthNumber, who: str) -> OpenedHealth:
        """Who is behind a number of perceived health now. Raises: CannotOpen, NotYet, as `open` does."""
        opened = await self._health.open(number)
        logger.info("Customers opened by %s: %s, %d of them", who, number, opened.customers)
        return opened

    async def timeline(self, name: str, who: str) -> Timeline:
        """What became of a customer; `name` is its id where ids are shown, else its pseudonym.

        Raises: CannotOpen, if nothing is kept of such a customer; NotYet.
        """
        await self._log.catch_up()
        customer_id = self._names.id_of(name)
        net: dict[tuple[object, ...], int] = {}
        found: dict[tuple[object, ...], MovementLine] = {}
        for partition, needle in self._places(customer_id):
            async for movements in self._log.of_customer(partition, needle):
                for movement in movements:
                    if self._names.is_of(name, movement.customer_id):
                        same = movement.same()
                        net[same] = net.get(same, 0) + movement.sign
                        found[same] = movement
        logger.info("Timeline of customer %s opened by %s", name, who)
        standing = sorted((found[same] for same, times in net.items() if times > 0), key=lambda one: one.at_us)
        trouble = self._trouble_of(customer_id, name)
        if customer_id is None and trouble is not None:
            customer_id = trouble.customer_id
        elif customer_id is None and standing:
            customer_id = standing[0].customer_id
        missing: list[str] = []
        disruptions = mentions = None
        if customer_id is not None:
            disruptions = await _or_why(self._health.disruptions_of(customer_id), missing)
            if self._mentions is not None:
                said = await _or_why(self._mentions.of_customer(customer_id), missing)
                mentions = None if said is None else [self._line.mention(one) for one in said]
        if not standing and not disruptions and not mentions and trouble is None:
            raise CannotOpen(
                f"nothing is kept of a customer {name!r}"
                + ("" if self.shows_ids else "; a pseudonym holds on this worker until it ends, and on all for good "
                   "where NETGROWTH_PSEUDONYM_KEY is set")
            )  # fmt: skip
        if trouble is not None:
            disruptions = with_trouble(disruptions or [], trouble)
        return Timeline([self._line.movement(one) for one in standing], disruptions, mentions, missing)

    async def run(self) -> None:
        """Wait until cancelled; then the client is let go."""
        try:
            await asyncio.Event().wait()
        finally:
            await self._log.close()

    async def _lines(self, number: Number) -> list[Line]:
        if number.measure in LEVELS:
            return await self._levels(number)
        await self._log.catch_up()
        ends = self._log.ends
        known = self._lists.get(number)
        if known is not None and known[0] == ends:
            self._lists.move_to_end(number)
            return known[1]
        found = FlowList(number)
        async for movements in self._log.within(number.span):
            found.take(movements)
        made = [self._line.movement(movement) for movement in found.found()]  # type: ignore[arg-type]
        self._lists[number] = (ends, made)
        while len(self._lists) > KEPT_LISTS:
            self._lists.popitem(last=False)
        return made

    async def _levels(self, number: Number) -> list[Line]:
        found: list[Standing] = []
        books = await self._others.all_books()
        for of_partition in books.values():
            found += await self._of_partition(number, of_partition)
            if len(found) > MOST:
                raise CannotOpen(f"more than {MOST:,} customers are behind it: choose a scope")
        found.sort(key=lambda one: (one.since, one.customer_id))
        return [self._line.standing(number, one) for one in found]

    async def _of_partition(self, number: Number, books: PartitionBooks) -> list[Standing]:
        found: list[Standing] = []
        ids = books.ledger.ids()
        for start in range(0, len(ids), AT_ONCE):
            of_some = standings(books.ledger, ids[start : start + AT_ONCE], number.span.end)
            found += [one for one in of_some if is_behind(number, one)]
            await asyncio.sleep(0)
        return found

    def _places(self, customer_id: str | None) -> list[tuple[int, bytes]]:
        """In which partitions a customer's movements can be, and bytes that their records have."""
        partitions = self._worker.settings.partitions
        if customer_id is None:
            return [(number, b"") for number in range(partitions)]
        needle = b'"customer_id":' + orjson.dumps(customer_id)
        return [(partition_for(customer_id.encode(), partitions), needle)]

    def _trouble_of(self, customer_id: str | None, name: str) -> Trouble | None:
        troubled = self._worker.troubled
        if troubled is None:
            return None
        if customer_id is not None:
            return troubled.of_customer(customer_id)
        return next((one for one in troubled if self._names.is_of(name, one.customer_id)), None)


async def _or_why(answer: Awaitable[A], missing: list[str]) -> A | None:
    """An answer, or None with the reason why there is none now: the rest is told all the same."""
    try:
        return await answer
    except (CannotOpen, NotYet) as error:
        missing.append(str(error))
        return None
