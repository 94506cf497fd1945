"""A peer's progress, told while it runs, for measuring latency: up to which offset each partition is in its tables.

Each line on a TCP connection (port: PROGRESS_PORT of the environment) is answered with a JSON object of partitions
and next offsets; the line `stop` ends the process.
"""

import asyncio
import json
import os
import socket
from collections.abc import Callable, Mapping


class Progress:
    """Answers from the event loop that counts, so what is told is what is counted."""

    def __init__(self, places: Mapping[int, int]) -> None:
        self._places = places
        self.stopped = False

    async def start(self) -> "Progress":
        """Listen."""
        await asyncio.start_server(self._answer, "127.0.0.1", int(os.environ["PROGRESS_PORT"]))
        return self

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if line.strip() == b"stop":
                self.stopped = True
            writer.write(json.dumps(self._places).encode() + b"\n")
            await writer.drain()
        writer.close()


def serve_in_thread(places: Mapping[int, int], stop: Callable[[], None]) -> None:
    """The same for a peer without an event loop; to be run in a thread of its own."""
    with socket.create_server(("127.0.0.1", int(os.environ["PROGRESS_PORT"]))) as server:
        while True:
            connection, _ = server.accept()
            with connection, connection.makefile("rwb") as stream:
                for line in stream:
                    if line.strip() == b"stop":
                        stop()
                    stream.write(json.dumps(places).encode() + b"\n")
                    stream.flush()
