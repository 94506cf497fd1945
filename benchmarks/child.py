"""A contender as a process of its own: what it printed, and what it cost between two instants.

Processor time and memory are read from /proc every 20 ms, so that what a process needs to start, or to write its
answer down, is not counted among what it needs for its work.
"""

import os
import signal
import subprocess
import threading
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.answer import ROOT

SAMPLE_S = 0.02
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
END_TIMEOUT_S = 15.0


class ChildFailed(Exception):
    """A contender ended without a result, or took too long; the text has the end of its log."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: seconds since 1970, processor seconds (user and system) so far, resident bytes now."""

    at: float
    cpu_s: float
    resident: int


class Child:
    """A process from `start` to `end`, watched all the time.

    Args:
        words: the command.
        environment: on top of this process's own, without its settings of netgrowth.
        log: file that takes stderr, and what follows the result on stdout.
    """

    def __init__(
        self, words: Sequence[str], environment: Mapping[str, str], log: Path, *, cpu: int | None = None
    ) -> None:
        inherited = {
            name: text for name, text in os.environ.items() if not name.startswith(("NETGROWTH_", "KAFKA_"))
        }
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self.samples: list[Sample] = []
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT,
                env={**inherited, "PYTHONPATH": str(ROOT), **environment}, start_new_session=True,
            )  # fmt: skip
        if cpu is not None:
            os.sched_setaffinity(self.process.pid, {cpu})
        self._stop = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)
        self._watching.start()

    def result(self, timeout_s: float) -> dict[str, Any]:
        """The JSON object that it prints, as soon as it does.

        Raises: ChildFailed.
        """
        lines: list[bytes] = []

        def read() -> None:
            assert self.process.stdout is not None
            for line in self.process.stdout:
                if line.startswith(b"{"):
                    lines.append(line)
                    return

        reading = threading.Thread(target=read, daemon=True)
        reading.start()
        reading.join(timeout_s)
        if not lines:
            status = self._ended(0.0 if reading.is_alive() else END_TIMEOUT_S)
            self.kill()
            ended = f"took longer than {timeout_s:.0f} s" if status is None else f"ended with {status}"
            raise ChildFailed(f"it {ended}; the end of {self.log}:\n{self.last_lines()}")
        found: dict[str, Any] = orjson.loads(lines[0])
        return found

    def end(self, timeout_s: float = END_TIMEOUT_S) -> None:
        """Wait until it ends by itself, else make it; safe to call twice."""
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close()

    def stop(self, timeout_s: float = END_TIMEOUT_S) -> None:
        """Ask it to end, and wait."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.end(timeout_s)

    def kill(self) -> None:
        """End it at once; safe to call twice."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._close()

    def cpu_between(self, start: float, end: float) -> float:
        """Processor seconds, user and system, between two instants (seconds since 1970)."""
        return self._cpu_at(end) - self._cpu_at(start)

    def peak_until(self, end: float) -> int:
        """Largest resident size until then, bytes."""
        return max((sample.resident for sample in self.samples if sample.at <= end), default=0)

    @property
    def resident(self) -> int:
        """Resident size now, bytes."""
        return self._look().resident

    def last_lines(self, count: int = 15) -> str:
        """The end of its log, after the lines that are critical."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join([*(line for line in lines[:-count] if " CRITICAL " in line), *lines[-count:]])

    def _ended(self, timeout_s: float) -> int | None:
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def _cpu_at(self, at: float) -> float:
        place = bisect_left(self.samples, at, key=lambda sample: sample.at)
        if not self.samples:
            return 0.0
        if place == 0 or place == len(self.samples):
            return self.samples[min(place, len(self.samples) - 1)].cpu_s
        before, after = self.samples[place - 1], self.samples[place]
        share = (at - before.at) / (after.at - before.at)
        return before.cpu_s + share * (after.cpu_s - before.cpu_s)

    def _look(self) -> Sample:
        folder = f"/proc/{self.process.pid}"
        with open(f"{folder}/stat", "rb") as file:
            # The second field is the name, in brackets, and may hold blanks.
            fields = file.read().rpartition(b")")[2].split()
        return Sample(time.time(), (int(fields[11]) + int(fields[12])) * TICK_S, int(fields[21]) * PAGE_BYTES)

    def _watch(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            try:
                self.samples.append(self._look())
            except (OSError, IndexError):
                return

    def _close(self) -> None:
        self._stop.set()
        self._watching.join()
        if self.process.stdout is not None:
            self.process.stdout.close()
