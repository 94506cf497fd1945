"""What must hold at every moment of a schedule, seen from outside: balanced tables, and one exporter of a scope."""

import threading
import time
from collections.abc import Sequence
from typing import Any

from tests.kafka.torture.crew import Slot
from tests.live_ledger import LEVELS, exported_scopes, rows_of

BETWEEN_S = 0.4
MOST_FAULTS = 5


class Watch(threading.Thread):
    """Looks at all workers again and again, from `start` to `close`.

    Attributes:
        faults: what did not hold.
        looks: how many ledgers were seen, and how many pairs of workers with metrics at once.
    """

    def __init__(self, slots: Sequence[Slot]) -> None:
        super().__init__(name="watch", daemon=True)
        self.faults: list[str] = []
        self.looks = [0, 0]
        self._slots = slots
        self._closed = threading.Event()

    def close(self) -> None:
        """Look no more."""
        self._closed.set()
        if self.is_alive():
            self.join(20)

    def run(self) -> None:
        while not self._closed.wait(BETWEEN_S):
            running = [slot for slot in self._slots if slot.is_running and not slot.is_paused]
            for slot in running:
                ledger = slot.json("/api/v1/ledger")
                if ledger is not None:
                    self.looks[0] += 1
                    now, until = time.strftime("%H:%M:%S"), ledger["until"]
                    self._note(f"{now} {slot.log.name}, clock {until}: {fault}" for fault in unbalanced(ledger))
            for first, second in zip(running, running[1:] + running[:1], strict=True):
                if first is not second:
                    self._compare(first, second)

    def _compare(self, first: Slot, second: Slot) -> None:
        """What one exports before and after the other did, both export at once."""
        started = first.starts
        before, between, after = (_exported(slot) for slot in (first, second, first))
        if before is None or between is None or after is None or first.starts != started:
            return
        self.looks[1] += 1
        if both := before & between & after:
            self._note([f"{first.name} and {second.name} export {len(both)} scopes at once: {sorted(both)[:2]}"])

    def _note(self, faults: Any) -> None:
        for fault in faults:
            if len(self.faults) < MOST_FAULTS:
                self.faults.append(fault)


def _exported(slot: Slot) -> set[str] | None:
    page = slot.get("/metrics")
    return None if page is None else exported_scopes(page)


def unbalanced(ledger: dict[str, Any]) -> list[str]:
    """Rows whose closing is not what came less what went, or is negative."""
    found = []
    for where, row in rows_of(ledger):
        for unit in ("customers", "value"):
            closing = sum(sign * row[name][unit] for name, sign in LEVELS)
            if unit == "value":
                closing += row["expansion"] - row["contraction"]
            if closing != row["closing"][unit] or closing < 0:
                found.append(f"{where} does not balance in {unit}: {row['closing'][unit]}, by its parts {closing}")
    return found
