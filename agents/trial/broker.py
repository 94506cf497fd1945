"""The embedded broker: speaks Kafka's protocol on this machine, for the first run and for fast tests.

It is a program in a Python wheel (noida-db), an optional extra: nothing but trial and tests knows of it.
It is no Kafka: acknowledged records of the last seconds are lost when it is killed, and dead members of
a group are never expired. A fetch is answered at once, also where there is nothing (`embedded_worker`).
What must hold is tested on Apache Kafka.
"""

import importlib.util
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from agents.trial.ports import free_port

HOST = "127.0.0.1"
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0
ATTEMPTS = 3
"""A port found free may be taken by another process before the broker listens on it."""


class BrokerNotStarted(Exception):
    """The embedded broker is not installed or does not come up; the text says what to do."""


class EmbeddedBroker:
    """One broker process, from `start` to `stop`.

    Args:
        port: where it should listen; when that is taken, or 0, a free port is chosen.
        folder: where its records, and its log `broker.log`, lie; None: a temporary folder, gone after `stop`.
    """

    def __init__(self, port: int = 0, folder: Path | None = None) -> None:
        self._wanted_port = port
        self._folder = folder
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.address = ""

    def start(self) -> str:
        """Start it, wait until it answers, and return its address, `host:port`.

        Raises: BrokerNotStarted.
        """
        program = _program()
        folder = self._folder
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="netgrowth-broker-")
            folder = Path(self._temporary.name)
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "broker.log"
        for attempt in range(ATTEMPTS):
            port = free_port(self._wanted_port if attempt == 0 else 0, HOST)
            if self._start_once(program, port, folder, log):
                self.address = f"{HOST}:{port}"
                return self.address
        raise BrokerNotStarted(f"the embedded broker did not come up:\n{_last_lines(log)}")

    def stop(self) -> None:
        """End it in order, so that its records are saved; safe to call twice."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def kill(self) -> None:
        """End it at once, whatever is not saved; nothing happens when it has ended. `stop` is still to be called."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    @property
    def is_running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start_once(self, program: Path, port: int, folder: Path, log: Path) -> bool:
        words = [str(program), "start", "--only", "kafka", "--host", HOST, "--kafka-port", str(port)]
        with log.open("wb") as output:
            # A session of its own: Ctrl-C in the terminal must reach the worker first and the broker last.
            self._process = subprocess.Popen(
                [*words, "--data-dir", str(folder / "data")],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        listening = re.compile(rf"kafka\s+{re.escape(HOST)}:{port}\b")
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if listening.search(log.read_text(encoding="utf-8", errors="replace")):
                return True
            time.sleep(0.02)
        self._process.kill()
        self._process.wait()
        self._process = None
        return False


def _program() -> Path:
    spec = importlib.util.find_spec("noida_db")
    places = spec.submodule_search_locations if spec is not None else None
    for place in places or []:
        program = Path(place) / "noida-db"
        if program.is_file():
            # A wheel may have been unpacked without its rights.
            program.chmod(program.stat().st_mode | 0o755)
            return program
    raise BrokerNotStarted(
        "the embedded broker is not installed: `pip install 'netgrowth[trial]'`; "
        "or start Kafka yourself (`make kafka`) and set KAFKA_BROKERS"
    )


def _last_lines(log: Path, count: int = 5) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return "\n".join(lines[-count:])
