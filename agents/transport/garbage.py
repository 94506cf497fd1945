"""The cyclic garbage collector, out of the way of records.

Records become objects that live long and form no cycles. Python's collector looks at all of them again and again: 12
to 28 % of a worker's time. Here it looks at each object once, soon after it was made; what outlives that is looked at
no more, but for a rare pass over everything that finds the few cycles which became garbage late.
"""

import asyncio
import gc
from time import monotonic

COLLECT_EVERY_S = 0.25
"""Often, so that each pass is short: some 20 ns an object made since."""

MOST_AT_ONCE = 100_000
"""Objects made since the last pass above which they are not looked at: a worker that catches up has no time for it,
and the few cycles among them wait for the full pass."""

FULL_EVERY_S = 3600.0


def leave_to_us() -> None:
    """Turn the automatic collector off, with what is there now out of its sight."""
    gc.disable()
    gc.collect()
    gc.freeze()


async def keep_collecting() -> None:
    """Collect until cancelled; in the event loop, between two batches."""
    full_at = monotonic() + FULL_EVERY_S
    while True:
        await asyncio.sleep(COLLECT_EVERY_S)
        if monotonic() >= full_at:
            gc.unfreeze()
            gc.collect()
            full_at = monotonic() + FULL_EVERY_S
        elif gc.get_count()[0] <= MOST_AT_ONCE:
            gc.collect(0)
        gc.freeze()
