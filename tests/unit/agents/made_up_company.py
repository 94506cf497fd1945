"""A small company for tests of what is exported: tables, clock and ownership as a worker would have them."""

from collections.abc import Callable
from random import Random

from config.definitions_file import load
from config.settings import NATIVE_DEFINITIONS
from streams.ledger.movements import Movement, Scope
from streams.ledger.rules import DAY, HOUR, MINUTE
from streams.recount import table_rules
from streams.tables.cohorts import cohorts
from streams.tables.levels import NO_MEASURES
from streams.tables.running import RunningWindows
from streams.tables.scopes import THE_TOTAL
from streams.tables.tables import Tables
from tests.unit.streams.tables.test_rows import lost

START = 15_000 * DAY
NORTH, SOUTH = Scope("A", "north", "p"), Scope("B", "south", "p")


class MadeUpCompany:
    """A CompanyView over real tables."""

    def __init__(self, owns: Callable[[tuple], bool] = lambda scope: True) -> None:
        self.definitions = load(NATIVE_DEFINITIONS)
        self.tables = Tables(table_rules(self.definitions))
        self.complete = True
        self.in_force = True
        self.owns = owns
        self.asked = 0
        self._running: RunningWindows | None = None

    def shows(self) -> bool:
        return self.in_force

    @property
    def clock(self) -> int | None:
        return None if self._running is None else self._running.clock

    def advance(self, clock: int) -> None:
        if self._running is None:
            self._running = RunningWindows(self.tables, clock)
        self._running.advance(clock)

    def rows(self, window, *, before=False):
        self.asked += 1
        return {} if self._running is None else self._running.rows(window, before=before)

    def cohorts(self):
        return cohorts(self._running.total_sums().by_scope.get(THE_TOTAL, NO_MEASURES))

    def gain(self, value: int, at: int, scope: Scope = NORTH, activity: str = "shop") -> None:
        self.tables.add_movement(Movement("new", at, scope, 1, value, None, activity=activity, cohort_at=at))

    def lose(self, value: int, at: int, scope: Scope = NORTH, reason: str = "price", since: int = START) -> None:
        self.tables.add_movement(lost(value, at, scope, reason, since=since, cohort_at=since, first_loss=True))


def small_company() -> MadeUpCompany:
    """Ten gained in A worth 10.50 each, four in B worth 20; then, in the last hour, three of A lost."""
    company = MadeUpCompany()
    for _ in range(10):
        company.gain(1050, START)
    for _ in range(4):
        company.gain(2000, START, SOUTH, "fair")
    for reason in ("price", "price", "unknown"):
        company.lose(1050, START + 2 * DAY, reason=reason)
    company.advance(START + 2 * DAY + 30 * MINUTE)
    return company


def wide_company(segments: int, regions: int, products: int, customers: int) -> MadeUpCompany:
    """Customers spread at random over many scopes and the last 40 days."""
    random = Random(7)
    company = MadeUpCompany()
    for _ in range(customers):
        scope = Scope(
            f"s{random.randrange(segments)}", f"r{random.randrange(regions)}", f"p{random.randrange(products)}"
        )
        at = START + random.randrange(40 * DAY // HOUR) * HOUR
        company.gain(random.randrange(10_000), at, scope, f"a{random.randrange(20)}")
    company.advance(START + 40 * DAY)
    return company
