"""A worker as a process of its own, as an operator would start it, with its log in a file."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

STOP_TIMEOUT_S = 20.0


class WorkerProcess:
    """`netgrowth worker` from `start` to `stop`.

    Args:
        settings: environment names and texts on top of this process's own, KAFKA_BROKERS among them.
        log: file that takes stdout and stderr; written anew at each start.
        arguments: more words on the command line.
        program: the module that is run; it takes the words of `netgrowth`.
        inherit_settings: False: netgrowth's settings in this process's environment are not handed on, so that
            what an operator set for a cluster does not reach a trial.
    """

    def __init__(
        self, settings: Mapping[str, str], log: Path, arguments: tuple[str, ...] = (), *,
        program: str = "agents.commands.main", inherit_settings: bool = True,
    ) -> None:
        inherited = {
            name: text for name, text in os.environ.items() if inherit_settings or not name.startswith("NETGROWTH_")
        }
        self._environment = {**inherited, **settings}
        self._arguments = arguments
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self.log = log

    def start(self) -> None:
        """Start it; it is ready when its `/health/ready` says so."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as output:
            # A session of its own: the story ends it in order after Ctrl-C, before the broker.
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._program, "worker", *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )

    @property
    def exit_status(self) -> int | None:
        """None while it runs, or before it was started."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int | None:
        """Process id while there is a process."""
        return None if self._process is None else self._process.pid

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> int | None:
        """Ask it to end, kill it when it does not in time; its exit status. Safe to call twice."""
        process = self._process
        if process is None:
            return None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return process.returncode

    def kill(self) -> None:
        """End it at once; nothing happens when it has ended or was never started."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def last_lines(self, count: int = 15) -> str:
        """The end of its log, for an error message."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])
