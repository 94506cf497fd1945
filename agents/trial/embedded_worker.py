"""`netgrowth worker` beside the embedded broker, which answers every fetch at once, whether there is anything or not.

Kafka holds the answer until a record comes or `fetch.max.wait.ms` is over. Asked without a pause, the embedded broker
is asked a thousand times a second and more by each of a dozen consumers, which takes most of a core. Nothing
else differs: the worker is that of `netgrowth worker`.
"""

import asyncio
from time import monotonic
from typing import Any, Final

from aiokafka.consumer.fetcher import Fetcher

from agents.commands.main import main

PAUSE_S: Final = 0.15
"""Between a fetch that found nothing and the next one, in which a record may lie at the broker unread."""


def pause_after_nothing() -> None:
    """Let every consumer of this process wait before it asks again for what was not there."""
    fetch = Fetcher._proc_fetch_request

    async def with_pause(self: Any, *about: Any) -> Any:
        asked = monotonic()
        found = await fetch(self, *about)
        if not found and monotonic() - asked < PAUSE_S:
            try:
                await asyncio.sleep(PAUSE_S)
            except asyncio.CancelledError:
                # As the fetch itself does: its consumer ends, or reads something else now.
                return False
        return found

    Fetcher._proc_fetch_request = with_pause


if __name__ == "__main__":
    pause_after_nothing()
    main()
