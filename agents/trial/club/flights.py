"""The real part: flights from New York as those on board and the airlines' operations saw them."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from agents.replay.records import instant_us
from agents.replay.rows import Progress, read_rows
from streams.ledger.rules import HOUR

DATASET, FILE = "nyc-flights", "flights"
COLUMNS = ("scheduled_departure_at", "carrier", "origin", "arrival_delay_min", "cancelled", "diverted")

AIRLINES = {
    "AA": ("American Airlines", "American"), "MQ": ("American Eagle", "American"),
    "UA": ("United Airlines", "United"), "EV": ("ExpressJet", "United"),
    "DL": ("Delta Air Lines", "Delta"), "9E": ("Endeavor Air", "Delta"),
    "B6": ("JetBlue", "JetBlue"), "US": ("US Airways", "US Airways"),
    "WN": ("Southwest", "Southwest"), "FL": ("AirTran", "Southwest"),
}  # fmt: skip
"""Carrier code to the airline's name and the group it sold its tickets with in 2013."""

OTHERS = "other airlines"

LATE_MIN = 60
"""Minutes late from which on a flight failed those on board."""

BACK_US = 4 * HOUR
"""How far back is looked to see how an airline does, and how the others do."""

FEW = 5
"""Flights of a group within that time, below which nothing is said of it."""


@dataclass(frozen=True, slots=True)
class Flight:
    """One departure; `late_min` is below 0 when it came early, and 0 when it never arrived."""

    at_us: int
    airline: str
    group: str
    airport: str
    late_min: float
    arrived: bool

    @property
    def failed(self) -> bool:
        """Whether it was cancelled, went elsewhere, or came an hour late or more."""
        return not self.arrived or self.late_min >= LATE_MIN


def read_flights(path: Path, since_us: int) -> Iterator[Flight]:
    """The flights that were to leave at an instant or later, in the order of their schedule.

    Raises: UnreadableData.
    """
    zone = ZoneInfo("UTC")
    for row in read_rows(path, COLUMNS, Progress()):
        at = instant_us(row["scheduled_departure_at"], zone)
        if at is not None and at >= since_us:
            yield _flight(row, at)


def _flight(row: Mapping[str, str], at: int) -> Flight:
    airline, group = AIRLINES.get(row["carrier"], (row["carrier"], OTHERS))
    arrived = row["cancelled"] == "0" and row["diverted"] == "0"
    late = float(row["arrival_delay_min"] or 0) if arrived else 0.0
    return Flight(at, airline, group, row["origin"], late, arrived)


class Sky:
    """How the airlines did in the last hours."""

    def __init__(self) -> None:
        self._recent: deque[Flight] = deque()
        self._flown = Counter[str]()
        self._failed = Counter[str]()

    def add(self, flight: Flight) -> None:
        """One more flight; what is older than `BACK_US` is left behind."""
        self._recent.append(flight)
        self._flown[flight.group] += 1
        self._failed[flight.group] += flight.failed
        while self._recent[0].at_us < flight.at_us - BACK_US:
            old = self._recent.popleft()
            self._flown[old.group] -= 1
            self._failed[old.group] -= old.failed

    def failed_share(self) -> float:
        """Of all flights: what whoever looks at the sky as a whole sees."""
        return self._failed.total() / max(1, self._flown.total())

    def worse_than_others(self, group: str) -> float:
        """By how much larger the share of a group's flights that failed is than that of all others; 0 of a few."""
        flown, failed = self._flown[group], self._failed[group]
        others = self._flown.total() - flown
        if min(flown, others) < FEW:
            return 0.0
        return max(0.0, failed / flown - (self._failed.total() - failed) / others)
