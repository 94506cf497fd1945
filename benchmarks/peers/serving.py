"""A peer's progress, told while it runs: a page with the number of records handled so far, for measuring latency."""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping


class Progress:
    """Answers each line `n` on a TCP connection with the number of records handled, from the event loop.

    The port is PROGRESS_PORT of the environment. The event loop that counts is the one that answers, so what is told
    is what is counted. `stop` as the line ends the process.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts
        self.stopped = False

    async def start(self) -> "Progress":
        """Listen."""
        await asyncio.start_server(self._answer, "127.0.0.1", int(os.environ["PROGRESS_PORT"]))
        return self

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if line.strip() == b"stop":
                self.stopped = True
            writer.write(b"%d\n" % self._counts["records"])
            await writer.drain()
        writer.close()


def serve_in_thread(counts: Mapping[str, int], stop: Callable[[], None]) -> None:
    """The same for a peer without an event loop; to be run in a thread of its own."""
    with socket.create_server(("127.0.0.1", int(os.environ["PROGRESS_PORT"]))) as server:
        while True:
            connection, _ = server.accept()
            with connection, connection.makefile("rwb") as stream:
                for line in stream:
                    if line.strip() == b"stop":
                        stop()
                    stream.write(b"%d\n" % counts["records"])
                    stream.flush()
