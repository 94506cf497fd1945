"""The whole ledger of a list of records: arrival, fold, tables; the shape of `netgrowth ledger --json`.

Rules are a plain dict; spans are microseconds:

    horizon, grouping, same_departure, early_within     int
    lapse         None or {"after": int, "restarted_by": [kind, ...]}
    trailing      None or {"span": int, "facts": [kind, ...]}
    precedence    [silo, ...], the highest first
    time_zone     name of the company's zone
    until         microseconds, RFC 3339 text or None: the largest event time read
    by            optional: "hour", "day", "week" or "month", for `periods`
    reasons       optional: {agreed reason: kind or None}; without it every reason is agreed
    activities    optional: [agreed activity, ...]; without it every activity is agreed
    earned_activities, customers_per_marble, definitions, currency     optional
"""

from collections import Counter
from collections.abc import Iterable

from .arrival import Arrival
from .facts import DAY, HOUR, Fact, fact_of, instant, rfc3339
from .movements import History
from .tables import InScope, cohorts, row
from .windows import Calendar, Window, windows

DEFAULTS = {
    "horizon": 36 * HOUR,
    "grouping": HOUR,
    "same_departure": 7 * DAY,
    "early_within": 90 * DAY,
    "lapse": None,
    "trailing": None,
    "precedence": [],
    "time_zone": "UTC",
    "until": None,
}
MOVEMENT_KINDS = ("new", "returned", "lost", "expansion", "contraction", "transfer", "recommended")

Records = Iterable[tuple[int, dict]]


class Reference:
    """Everything about a list of (partition, native record) in arrival order."""

    def __init__(self, records: Records, rules: dict) -> None:
        self.rules = DEFAULTS | rules
        until = self.rules["until"]
        self.clock = until if isinstance(until, int) else instant(until)
        self.arrival = Arrival(self.rules)
        for partition, record in records:
            fact = fact_of(record, self.rules)
            if until is None or fact.at <= self.clock:
                self.arrival.admit(partition, fact)
        if self.clock is None:
            self.clock = max(self.arrival.largest.values(), default=0)
        self.calendar = Calendar(self.rules["time_zone"])
        self.histories = {
            name: customer.history(self.clock) for name, customer in sorted(self.arrival.customers.items())
        }

    def history(self, customer_id: str) -> tuple[History, list[tuple[Fact, str]]]:
        """Movements of one customer, and every fact of it with its outcome."""
        history = self.histories[customer_id]
        return history, self.arrival.customers[customer_id].outcomes(history)

    def row(self, window: Window, inside: InScope) -> dict:
        """One Row."""
        histories = list(self.histories.values())
        return row(histories, window.start, window.end, inside, self.rules.get("customers_per_marble"))

    def ledger(self, dead_lettered: dict[str, int] | None = None) -> dict:
        """The shape of `ledger --json`; records that could not be admitted are given by reason."""
        all_windows = windows(self.clock, self.calendar)
        everything = all_windows["all"]
        result = {
            "definitions": self.rules.get("definitions", {"name": "reference", "version": "1"}),
            "currency": self.rules.get("currency", "EUR"),
            "until": rfc3339(self.clock),
            "accounting": self.accounting(dead_lettered or {}),
            "total": self.row(everything, everywhere),
            "segments": self.rows_by(everything, 0),
            "regions": self.rows_by(everything, 1),
            "products": self.rows_by(everything, 2),
            "windows": {name: self.window_row(window) for name, window in all_windows.items()},
            "segment_regions": self.segment_regions(everything),
            "cohorts": cohorts(list(self.histories.values()), self.calendar, self.clock),
        }
        if self.rules.get("by"):
            result["periods"] = self.periods(self.rules["by"])
        return result

    def scopes(self) -> set[tuple[str, str, str]]:
        """Every scope under which anything was counted."""
        moves = [m for h in self.histories.values() for m in h.movements]
        return {m.scope for m in moves} | {m.to for m in moves if m.to is not None}

    def rows_by(self, window: Window, part: int) -> dict[str, dict]:
        """A Row for each segment (0), region (1) or product (2)."""
        names = sorted({scope[part] for scope in self.scopes()})
        return {name: self.row(window, lambda scope, name=name: scope[part] == name) for name in names}

    def segment_regions(self, window: Window) -> dict[str, dict[str, dict]]:
        """A Row for each segment x region."""
        result: dict[str, dict[str, dict]] = {}
        for pair in sorted({scope[:2] for scope in self.scopes()}):
            result.setdefault(pair[0], {})[pair[1]] = self.row(
                window, lambda scope, pair=pair: scope[:2] == pair
            )
        return result

    def window_row(self, window: Window) -> dict:
        """A window's Row with `final`, and the window before it."""
        settled = window.end + self.rules["horizon"] + self.rules["grouping"]
        result = self.row(window, everywhere) | {"final": self.clock >= settled}
        if window.before:
            result["before"] = self.row(window.before, everywhere)
        return result

    def periods(self, by: str) -> list[dict]:
        """A Row for each bucket from the first fact to the clock."""
        if self.arrival.first_at is None:
            return []
        buckets = self.calendar.buckets(self.arrival.first_at, self.clock, by)
        text = self.calendar.text
        return [
            {"start": text(start), "end": text(end), "total": self.row(Window(start, end), everywhere)}
            for start, end in buckets
        ]

    def accounting(self, dead_lettered: dict[str, int]) -> dict:
        """What became of every record and fact; names that do not occur are absent."""
        outcomes: Counter[str] = Counter()
        for name in self.histories:
            outcomes.update(outcome for _, outcome in self.history(name)[1])
        movements = [m for h in self.histories.values() for m in h.movements if m.kind in MOVEMENT_KINDS]
        counts, heartbeats = self.arrival.counts, self.arrival.counts["heartbeats"]
        applied, pending = outcomes.pop("applied", 0), outcomes.pop("pending", 0)
        return {
            "records": counts["records"] + sum(dead_lettered.values()),
            "no_fact": {"heartbeat": heartbeats} if heartbeats else {},
            "unmapped": 0,
            "dead_lettered": dict(sorted(dead_lettered.items())),
            "facts": counts["facts"],
            "applied": applied,
            "ignored": dict(sorted(outcomes.items())),
            "pending": pending,
            "beyond_horizon": sum(c.beyond_horizon for c in self.arrival.customers.values()),
            "movements": dict(sorted(Counter(m.kind for m in movements).items())),
            "by_clock": sum(m.kind == "lost" and m.by_clock for m in movements),
        }


def everywhere(scope: tuple[str, str, str]) -> bool:
    """The total."""
    return True


def reference_ledger(records: Records, rules: dict, dead_lettered: dict[str, int] | None = None) -> dict:
    """The ledger of (partition, native record) pairs in arrival order, as `ledger --json` prints it."""
    return Reference(records, rules).ledger(dead_lettered)


def fold_customer(
    records: Iterable[dict], rules: dict, customer_id: str | None = None
) -> tuple[History, list[tuple[Fact, str]]]:
    """History of one customer (the only one, if not named) of records that arrived in one partition.

    Returns its movements in order (in `History.movements`) and every fact with its outcome.
    """
    reference = Reference([(0, record) for record in records], rules)
    return reference.history(customer_id if customer_id is not None else next(iter(reference.histories)))
