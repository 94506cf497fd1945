"""The customers behind a number of perceived health, and the disruptions of one of them, for the whole company.

They are told by the books of the partitions of this worker, and of the others by their changelog.
"""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents.books_reading import BooksOfOthers
from agents.health import LedgerOfPartition
from agents.health_company import HealthCompany
from agents.movements_log import NotYet
from agents.shown_names import ShownNames
from streams.books import PartitionBooks
from streams.drilldown.flows import MOST
from streams.drilldown.numbers import CannotOpen
from streams.facts.models import UNKNOWN
from streams.facts.placement import partition_for
from streams.health.live.books import HealthBooks
from streams.health.live.hurt_list import Disruption, HealthNumber, Hurt, HurtList
from streams.health.live.known import NoView
from streams.ledger.rules import MINUTE
from streams.tables.calendar import utc_text

if TYPE_CHECKING:
    from agents.app import LedgerWorker

MINUTES_AT_ONCE = 4
"""Minutes looked at before others get their turn: some milliseconds."""

TRIES, AGAIN_S = 6, 0.4
"""Of a list that is not as long as the number says: what the partitions counted may still be on its way."""

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OpenedHealth:
    """A number of health opened.

    Attributes:
        lines: one a customer, by when it was first disrupted.
        customers: how many the lines stand for.
        counted: what the company's health says; None where it has no such number.
        span: of the window, microseconds.
        clock: of the signals, microseconds.
    """

    lines: list[Line]
    customers: int
    counted: int | None
    span: tuple[int, int]
    clock: int


class HealthLists:
    """Opens numbers of health; `ledgers` reads the ledger's books of all partitions."""

    def __init__(self, worker: "LedgerWorker", names: ShownNames, ledgers: BooksOfOthers[PartitionBooks]) -> None:
        self._worker = worker
        self._names = names
        self._ledgers = ledgers

    async def open(self, number: HealthNumber) -> OpenedHealth:
        """Who is behind a number now.

        Raises:
            CannotOpen: saying what can be opened.
            NotYet: what other workers keep cannot be read now.
        """
        company = self._worker.health_company
        if self._worker.health is None or company is None:
            raise CannotOpen("this worker reads no signals, so nobody knows who was disrupted")
        number.check(company.health.windows.kinds)
        for _ in range(TRIES):
            opened = await self._open(number, company)
            if opened.counted is None or opened.counted == opened.customers:
                break
            await asyncio.sleep(AGAIN_S)
        return opened

    async def _open(self, number: HealthNumber, company: HealthCompany) -> OpenedHealth:
        span, clock = company.health.span(number.window), company.health.clock
        if not company.complete or span is None or clock is None:
            raise NotYet("no signal has told a time yet, so nobody is known to be disrupted")
        lists = [await self._look(number, books) for books in (await self._books(clock)).values()]
        if sum(len(one.found) for one in lists) > MOST:
            raise CannotOpen(f"more than {MOST:,} customers are behind it: choose a stage, segment or region")
        lines = [self._line(one, name, hurt) for one in lists for name, hurt in one.found.items()]
        lines.sort(key=lambda line: (line["at"], line["customer"]))
        customers = sum(hurt.stands_for for one in lists for hurt in one.found.values())
        return OpenedHealth(lines, customers, number.counted(company.health), span, clock)

    async def disruptions_of(self, customer_id: str) -> list[Line] | None:
        """The disruptions of a customer in the longest window, oldest first; None where no signals are read.

        Raises: CannotOpen, NotYet, as `open` does.
        """
        health, company = self._worker.health, self._worker.health_company
        if health is None or company is None or not company.complete or company.health.clock is None:
            return None
        place = partition_for(customer_id.encode(), self._worker.settings.partitions)
        others = BooksOfOthers(
            self._worker.settings, health, lambda number: health.beside(number, NoView()), "ask that worker"
        )
        books = (await others.all_books([place]))[place]
        await self._advance(books, company.health.clock)
        found: list[Disruption] = []
        for one in books.disruptions(customer_id):
            if one is None:
                await asyncio.sleep(0)
            else:
                found.append(one)
        return [
            {
                "service": one.kind[0], "stage": one.kind[1], "at": utc_text(one.first * MINUTE),
                "until": utc_text((one.last + 1) * MINUTE), "minutes": one.minutes,
            }
            for one in sorted(found, key=lambda one: (one.first, one.kind))
        ]  # fmt: skip

    async def _books(self, clock: int) -> dict[int, HealthBooks]:
        """The books of every partition, counted up to the clock."""
        health, settings = self._worker.health, self._worker.settings
        assert health is not None
        missing = set(range(settings.partitions)) - health.owned()
        # Segment and value are the ledger's, so that it is read beside.
        ledgers = await self._ledgers.all_books(sorted(missing)) if missing else {}
        others = BooksOfOthers(
            settings, health, lambda number: health.beside(number, LedgerOfPartition(lambda: ledgers.get(number))),
            "ask a worker that keeps more partitions",
        )
        books = await others.all_books()
        for number in missing:
            await self._advance(books[number], clock)
        return books

    async def _advance(self, books: HealthBooks, clock: int) -> None:
        while books.advance(clock, MINUTES_AT_ONCE):
            await asyncio.sleep(0)

    async def _look(self, number: HealthNumber, books: HealthBooks) -> HurtList:
        made = books.hurt_list(number)
        for place, minute in enumerate(made.minutes):
            made.look(minute)
            if place % MINUTES_AT_ONCE == 0:
                await asyncio.sleep(0)
        return made

    def _line(self, of: HurtList, customer_id: str, hurt: Hurt) -> Line:
        line: Line = {
            "customer": self._names.of(customer_id), "what": "was disrupted", "at": utc_text(hurt.first * MINUTE),
            "until": utc_text((hurt.last + 1) * MINUTE), "minutes": hurt.minutes,
            "segment": hurt.scope.segment or UNKNOWN, "region": hurt.scope.region or UNKNOWN, "product": UNKNOWN,
            "places": [
                {"service": service, "stage": stage, "since": utc_text(first * MINUTE)}
                for (service, stage), first in sorted(hurt.kinds.items())
            ],
        }  # fmt: skip
        if hurt.stands_for > 1:
            line["stands_for"] = hurt.stands_for
        held = of.find(customer_id)
        return line if held is None else line | {"value": held.value}
