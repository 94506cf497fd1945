"""A process that stood still ends; one whose loop stands still is not live."""

import asyncio
import time

from agents.transport.watchdog import Watchdog


def test_a_jump_of_the_clock_ends_the_process_and_a_slow_turn_does_not() -> None:
    now = 100.0
    ended = []
    watchdog = Watchdog(max_pause=5.0, loop_stall=10.0, now=lambda: now, end=lambda: ended.append(now))
    for step in (0.5, 0.5, 5.0, 5.4):
        now += step
        watchdog.check()
    assert not ended
    now += 5.6
    watchdog.check()
    assert ended == [now]


def test_live_means_that_the_loop_turns() -> None:
    async def play() -> None:
        watchdog = Watchdog(max_pause=60.0, loop_stall=0.7, end=lambda: None)
        watchdog.start(asyncio.get_running_loop())
        try:
            await asyncio.sleep(1.5)
            assert watchdog.is_live()
            time.sleep(0.9)  # As a loop stands still: without an await.
            assert not watchdog.is_live()
            await asyncio.sleep(0.1)
            assert watchdog.is_live()
        finally:
            watchdog.stop()

    asyncio.run(play())
