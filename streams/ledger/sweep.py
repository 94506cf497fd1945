"""Who is put to rest, and when: settled customers as the clock ticks, quiet ones when too many are awake.

A customer is settled when its newest fact is older than the horizon and the grouping window: no fact that it still
remembers will ever be let go. It is written once more then, in the smallest form. One that is only quiet keeps the
form in which it woke, and wakes for little.
"""

from typing import TYPE_CHECKING

from streams.ledger.remembered import settle

if TYPE_CHECKING:
    from streams.ledger.partition import PartitionLedger

MOST_AWAKE = 25_000
"""Customers of a partition awake, some 1,400 bytes each, beyond which those that no fact touches are put to rest."""

MOST_QUIET = 25_000
"""Resting customers of a partition, some 500 bytes each, beyond which it is seen to who of them is settled by now."""

LOOKS_A_FACT = 2
REST_COUNTS = 16
"""Putting one customer to rest costs as much as looking at so many."""


class Sweep:
    """Goes round the customers of one partition, a few at a time."""

    def __init__(self) -> None:
        self._awake: list[str] = []
        self._quiet: list[str] = []

    def tick(self, ledger: "PartitionLedger", most: int) -> None:
        """Look at the next so many; one put to rest counts as several."""
        self._go_round_awake(ledger, most, REST_COUNTS, pressed=False)
        self._go_round_quiet(ledger, most, REST_COUNTS)

    def press(self, ledger: "PartitionLedger", facts: int) -> None:
        """Keep up with so many facts, each of which may have woken someone, if too many are awake."""
        if len(ledger.customers) > MOST_AWAKE:
            self._go_round_awake(ledger, LOOKS_A_FACT * facts, 0, pressed=True)
        if ledger.resting.quiet > MOST_QUIET:
            self._go_round_quiet(ledger, LOOKS_A_FACT * facts, 0)

    def _go_round_awake(self, ledger: "PartitionLedger", most: int, rest_counts: int, *, pressed: bool) -> None:
        customers, dirty, resting, watermark = ledger.customers, ledger.dirty, ledger.resting, ledger.watermark
        settled_before = _settled_before(ledger)
        names = self._awake
        if not names:
            names.extend(reversed(customers))
        while names and most > 0:
            most -= 1
            customer_id = names.pop()
            customer = customers.get(customer_id)
            if customer is None:
                continue
            is_settled = customer.newest[0] < settled_before
            if not is_settled:
                settle(ledger.rules, customer, watermark)
                if not pressed or customer.looked_at is not customer.newest:
                    customer.looked_at = customer.newest
                    continue
            if customer_id in dirty:
                continue
            if customer.appended:  # whoever wakes it must know of no second value of it
                customer.save_whole = True
                dirty.add(customer_id)
                continue
            most -= rest_counts
            if is_settled:
                settle(ledger.rules, customer, watermark)
                if resting.keep_settled(customer_id, customer):
                    del customers[customer_id]
                    dirty.add(customer_id)
            else:
                resting.keep_quiet(customer_id, customer)
                del customers[customer_id]

    def _go_round_quiet(self, ledger: "PartitionLedger", most: int, rest_counts: int) -> None:
        resting = ledger.resting
        settled_before = _settled_before(ledger)
        names = self._quiet
        if not names:
            names.extend(resting.quiet_ones())
        while names and most > 0:
            most -= 1
            customer_id = names.pop()
            newest_at = resting.newest_of_quiet(customer_id)
            if newest_at is None or newest_at >= settled_before:
                continue
            most -= rest_counts
            customer = ledger.wake(customer_id)
            if customer is not None:
                settle(ledger.rules, customer, ledger.watermark)
                if resting.keep_settled(customer_id, customer):
                    del ledger.customers[customer_id]
                    ledger.dirty.add(customer_id)


def _settled_before(ledger: "PartitionLedger") -> int:
    return ledger.watermark - ledger.rules.horizon_us - ledger.rules.grouping_us
