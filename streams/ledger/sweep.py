"""Who is put to rest, and when: settled customers as the clock ticks, quiet ones when too many are awake.

A customer is settled when its newest fact is older than the horizon and the grouping window: no fact that it still
remembers will ever be let go. It is written once more then, in the smallest form. One that is only quiet keeps the
form in which it woke, and wakes for little.
"""

from typing import TYPE_CHECKING

from streams.ledger.remembered import Customer, settle

if TYPE_CHECKING:
    from streams.ledger.partition import PartitionLedger

FEW_AWAKE, MOST_AWAKE = 4_000, 25_000
"""Customers of a partition awake, some 1,500 bytes each, beyond which those that no fact touches are put to rest.

How many between these: as few as let no more than `MANY_WOKEN` of the facts wake one who was but quiet.
"""

FEW_WOKEN, MANY_WOKEN = 0.02, 0.05
JUDGED_AFTER = 2_000
"""Facts over which that share is taken."""

MOST_QUIET = 10_000
"""Resting customers of a partition, some 500 bytes each, beyond which it is seen to who of them is settled by now."""

REST_COUNTS = 16
"""Putting one customer to rest costs as much as looking at so many."""


EVER = 1 << 62
"""An instant after all."""


class Sweep:
    """Goes round the customers of one partition, a few at a time."""

    def __init__(self) -> None:
        self.most_awake = MOST_AWAKE // 2
        self._awake: list[str] = []
        self._quiet: list[str] = []
        self._oldest_quiet = EVER
        self._facts = self._woken = 0
        self._is_idle = False

    def tick(self, ledger: "PartitionLedger", most: int) -> None:
        """Look at the next so many; one put to rest counts as several. While no facts come, all can rest.

        That also mends the memory: few who are awake keep the room of many who were.
        """
        self._go_round_awake(ledger, most, REST_COUNTS, 0 if self._is_idle else None, 0)
        self._go_round_quiet(ledger, most, most // REST_COUNTS)
        self._is_idle = True

    def press(self, ledger: "PartitionLedger", facts: int, woken: int) -> None:
        """Keep up with so many facts, that have woken so many quiet ones, if too many are awake or quiet."""
        self._is_idle = False
        self._facts += facts
        self._woken += woken
        if self._facts >= JUDGED_AFTER:
            self._judge()
        if len(ledger.customers) > self.most_awake:
            self._go_round_awake(ledger, 2 * facts, 0, self.most_awake, self.most_awake)
        if ledger.resting.quiet > MOST_QUIET:
            self._go_round_quiet(ledger, facts // 4 + 1, 2 * facts)

    def _judge(self) -> None:
        """What sleeps too lightly costs more than what it occupies: soon more are left awake, and slowly fewer."""
        share = self._woken / self._facts
        self._facts = self._woken = 0
        if share > MANY_WOKEN:
            self.most_awake = min(MOST_AWAKE, self.most_awake * 3 // 2)
        elif share < FEW_WOKEN:
            self.most_awake = max(FEW_AWAKE, self.most_awake * 19 // 20)

    def _go_round_awake(
        self, ledger: "PartitionLedger", looks: int, rest_counts: int, most_awake: int | None, stop_at: int
    ) -> None:
        """Look at so many, or until no more than `stop_at` are awake.

        With `most_awake` the quiet ones rest, too, as long as more than that are.
        """
        customers, dirty, resting, watermark = ledger.customers, ledger.dirty, ledger.resting, ledger.watermark
        settled_before = _settled_before(ledger)
        names = self._awake
        if not names:
            names.extend(reversed(customers))
        while names and looks > 0 and len(customers) > stop_at:
            looks -= 1
            customer_id = names.pop()
            customer = customers.get(customer_id)
            if customer is None:
                continue
            settle(ledger.rules, customer, watermark)
            is_settled = customer.newest[0] < settled_before
            if not is_settled:
                is_touched = customer.looked_at is not customer.newest
                customer.looked_at = customer.newest
                if is_touched or most_awake is None or len(customers) <= most_awake:
                    continue
            if customer_id in dirty:
                continue
            if customer.appended:  # whoever wakes it must know of no second value of it
                customer.save_whole = True
                dirty.add(customer_id)
                continue
            looks -= rest_counts
            if is_settled:
                _rest(ledger, customer_id, customer)
            else:
                resting.keep_quiet(customer_id, customer)
                del customers[customer_id]

    def _go_round_quiet(self, ledger: "PartitionLedger", looks: int, rests: int) -> None:
        """Look at the quiet ones in turn until so many were still quiet, or so many settled.

        No round begins before the oldest that the last one saw, or that came since, can be settled.
        """
        resting, settled_before = ledger.resting, _settled_before(ledger)
        names = self._quiet
        if not names:
            if settled_before <= resting.quiet_from:
                return
            names.extend(resting.quiet_ones())
            resting.quiet_from = self._oldest_quiet = EVER
        while names and looks > 0 and rests > 0:
            customer_id = names.pop()
            newest_at = resting.newest_of_quiet(customer_id)
            if newest_at is None or newest_at >= settled_before:
                looks -= 1
                self._oldest_quiet = min(self._oldest_quiet, EVER if newest_at is None else newest_at)
                continue
            rests -= 1
            customer = ledger.wake(customer_id)
            if customer is not None:
                settle(ledger.rules, customer, ledger.watermark)
                _rest(ledger, customer_id, customer)
        if not names:
            resting.quiet_from = min(resting.quiet_from, self._oldest_quiet)


def _rest(ledger: "PartitionLedger", customer_id: str, customer: Customer) -> None:
    if ledger.resting.keep_settled(customer_id, customer):
        del ledger.customers[customer_id]
        ledger.dirty.add(customer_id)


def _settled_before(ledger: "PartitionLedger") -> int:
    return ledger.watermark - ledger.rules.horizon_us - ledger.rules.grouping_us
