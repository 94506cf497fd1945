"""A TCP proxy between one worker and its broker: it can hold back what is on its way, and it can cut.

What was on its way when it was held back arrives when the way is open again, also if the sender has died since: that
is how a record of a worker long dead comes after those of its successor.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

HOST = "127.0.0.1"
CHUNK = 1 << 20
LAST_WORDS_S = 2.0


class Proxy:
    """Listens on a port and hands every connection on to another; `hold`, `cut` and `open` from any thread."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._way: asyncio.Event | None = None
        self._is_cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{port}", daemon=True)

    def start(self) -> None:
        """Listen from now on."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def close(self) -> None:
        """Cut everything and end."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def hold(self) -> None:
        """Nothing passes either way; connections stay."""
        self._do(self._hold)

    def cut(self) -> None:
        """All connections end, and new ones are refused."""
        self._do(self._cut)

    def open(self) -> None:
        """Everything passes again; what was held back first."""
        self._do(self._open)

    def _do(self, what: Callable[[], None]) -> None:
        done = threading.Event()

        def run() -> None:
            what()
            done.set()

        self._loop.call_soon_threadsafe(run)
        done.wait(5)

    def _hold(self) -> None:
        assert self._way is not None
        self._way.clear()

    def _cut(self) -> None:
        self._is_cut = True
        for writer in self._writers:
            writer.transport.abort()

    def _open(self) -> None:
        assert self._way is not None
        self._is_cut = False
        self._way.set()

    async def _listen(self) -> None:
        self._way = asyncio.Event()
        self._way.set()
        await asyncio.start_server(self._accept, HOST, self.port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        try:
            upstream_reader, upstream = await asyncio.open_connection(HOST, self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, upstream}
        back = asyncio.ensure_future(self._pump(upstream_reader, writer))
        self._tasks.add(back)
        try:
            await self._pump(reader, upstream)
            # The sender is gone; what it said has only just gone on, and the broker is still to read it.
            await asyncio.sleep(LAST_WORDS_S)
        finally:
            back.cancel()
            self._tasks.discard(back)
            self._writers -= {writer, upstream}
            for side in (writer, upstream):
                side.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._way is not None
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._way.wait()
                writer.write(data)
                await writer.drain()
            await self._way.wait()
