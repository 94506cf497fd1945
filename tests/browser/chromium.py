"""Headless Chromium, spoken to in its own protocol (https://chromedevtools.github.io/devtools-protocol) over the web
socket that aiohttp brings along: no driver has to be installed, and none has to fit the browser's version."""

import asyncio
import base64
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0",
)  # fmt: skip
START_S = 30.0
ANSWER_S = 30.0
LOOK_S = 0.05


class Chromium:
    """One browser with one page.

    Attributes:
        requests: addresses asked for since the last `open`.
        faults: what the console told as an error or a warning, what was thrown and not caught, what a policy refused.
    """

    def __init__(self) -> None:
        program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
        assert program, "chromium is not installed: apt-get install chromium"
        self._folder = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        profile = Path(self._folder.name)
        with (profile / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        self.requests: list[str] = []
        self.faults: list[str] = []
        self._number = 0
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(self._connect(profile))
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def open(self, address: str) -> None:
        """Go to a page, and wait until it is loaded."""
        self.requests.clear()
        self.faults.clear()
        self.call("Page.navigate", url=address)
        self.wait("document.readyState === 'complete'")

    def size(self, width: int, height: int, *, dark: bool = False, still: bool = True, scale: float = 1) -> None:
        """Of the window, in pixels of the page; `still`: as for people who want no motion."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False
        )
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ]
        self.call("Emulation.setEmulatedMedia", features=features)

    def run(self, script: str) -> Any:
        """The value of an expression, awaited if it is a promise."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, script: str, timeout_s: float = 15.0) -> Any:
        """The value of an expression once it holds."""
        end = time.monotonic() + timeout_s
        while not (value := self.run(f"(found => found instanceof Node || found)({script})")):
            assert time.monotonic() < end, f"{script} did not come to hold; the page says:\n{self.text()}"
            time.sleep(LOOK_S)
        return value

    def text(self) -> str:
        """All that can be read on the page."""
        found: str = self.run("document.body.innerText")
        return found

    def press(self, key: str, code: int) -> None:
        """Press and let go a key; `code` is its virtual key code."""
        more = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def picture(self, *, whole: bool = False) -> bytes:
        """A PNG of what is seen, or of the whole page."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(found["data"])

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One call of the protocol."""
        return self._loop.run_until_complete(asyncio.wait_for(self._call(method, parameters), ANSWER_S))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run_until_complete(self._session.close())
        self._loop.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    async def _connect(self, profile: Path) -> None:
        place = profile / "DevToolsActivePort"
        await self._until(lambda: place.is_file() and len(place.read_text().splitlines()) == 2, profile)
        port = place.read_text().splitlines()[0]
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://127.0.0.1:{port}/json/list") as answer:
            page = next(one for one in await answer.json() if one["type"] == "page")
        self._socket = await self._session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=1 << 28)

    async def _until(self, holds: Callable[[], bool], profile: Path) -> None:
        end = time.monotonic() + START_S
        while not holds():
            log = (profile / "log").read_text(errors="replace")[-2000:]
            assert self._process.poll() is None, f"chromium ended:\n{log}"
            assert time.monotonic() < end, f"chromium does not come up:\n{log}"
            await asyncio.sleep(LOOK_S)

    async def _call(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        number = self._number
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json()
            if message.get("id") == number:
                assert "error" not in message, (method, message["error"])
                result: dict[str, Any] = message["result"]
                return result
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        told = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(told["request"]["url"])
            case "Runtime.exceptionThrown":
                self.faults.append(str(told["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if told["type"] in ("error", "warning", "assert"):
                self.faults.append(str(told["args"]))
            case "Log.entryAdded" if told["entry"]["level"] in ("error", "warning"):
                self.faults.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
