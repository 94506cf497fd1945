"""The cyclic garbage collector, out of the way of records.

Records become objects that live long and form no cycles. Python's collector looks at all of them again and again: 12
to 28 % of a worker's time. Here it looks at the objects of a quiet moment once, soon after they were made; what
outlives that, and what is made while records pour in, is looked at no more, but for a rare pass over everything that
finds the few cycles which became garbage.
"""

import asyncio
import gc
from time import monotonic

COLLECT_EVERY_S = 0.25
"""Often, so that each pass is short: up to a microsecond an object made since, as what it refers to is far off."""

MOST_AT_ONCE = 5_000
"""Objects made since the last pass above which they are not looked at. They are those of records then, which form no
cycles: at 20,000 records a second looking at them took a tenth of the time, held everything up for 40 ms, and found
nothing. What few cycles there are among them wait for the full pass."""

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
