"""The workers of a schedule, each in a slot: whoever ends is started again, as an orchestrator would."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from agents.trial.ports import free_port

ROOT = Path(__file__).resolve().parents[3]
RESTART_S = 0.3
RESTART_AFTER_FAULT_S = 1.0
ENDS = re.compile(r"(?:The process ends: (?:the process )?|Crashed reason=)([A-Za-z]+).*")
"""How a log tells why its worker ended of its own accord."""

MUST_NOT_HAPPEN = ("HoleInInput", "ChangelogGap", "UnreadableState", "OtherDefinitions", "LogRewound",
                   "OtherPartitions", "UnicodeDecodeError", "AssertionError", "KeyError", "AttributeError")
"""Reasons of an end that no crash, pause or broken network may bring about."""


class Slot:
    """One place for a worker, and the incarnations that were in it."""

    def __init__(self, name: str, environment: Mapping[str, str], folder: Path, fates: Sequence[str]) -> None:
        self.name = name
        self.port = 0
        self.is_wanted = False
        self.is_paused = False
        self.starts = 0
        self.started_at = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self._environment = environment
        self._folder = folder
        self._fates = list(fates)
        self._fate = ""
        self._not_before = 0.0
        self._asked_to_end = False

    @property
    def is_running(self) -> bool:
        """Whether there is a process, paused or not."""
        return self.process is not None and self.process.poll() is None

    @property
    def awaits_fate(self) -> bool:
        """Whether it would still die or stand still by itself."""
        return bool(self._fate)

    @property
    def has_fates(self) -> bool:
        """Whether an incarnation after this one has a fate."""
        return bool(self._fates)

    @property
    def log(self) -> Path:
        """The log of the newest incarnation."""
        return self._folder / f"{self.name}-{self.starts}.log"

    def start(self) -> None:
        """Start the next incarnation with the next fate; without one if there is none left."""
        self.starts += 1
        self.started_at = time.monotonic()
        self.port = free_port(0)
        self.is_paused = self._asked_to_end = False
        fate = self._fate = self._fates.pop(0) if self._fates else ""
        asked = {"TORTURE_FATE": fate, "NETGROWTH_WEB_PORT": str(self.port)}
        with self.log.open("wb") as output:
            output.write(f"torture: fate {fate or 'none'}\n".encode())
            output.flush()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.kafka.torture.worker"], cwd=ROOT, env={**self._environment, **asked},
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )

    def signal(self, number: signal.Signals) -> bool:
        """Whether there was a process to send it to."""
        if not self.is_running or self.process is None:
            return False
        self.process.send_signal(number)
        if number == signal.SIGTERM:
            self._asked_to_end = True
        if number in (signal.SIGSTOP, signal.SIGCONT):
            self.is_paused = number == signal.SIGSTOP
        return True

    def forget_fates(self) -> None:
        """From now on incarnations live on."""
        self._fates.clear()

    def has_stopped_itself(self) -> bool:
        """Whether the process stands still without having been told to from here."""
        if not self.is_running or self.process is None:
            return False
        with suppress(OSError):
            state = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            return state == "T" and not self.is_paused
        return False

    def get(self, path: str, timeout: float = 2.0) -> bytes | None:
        """The page; None while there is no good answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=timeout) as answer:
                page: bytes = answer.read()
                return page
        except (urllib.error.URLError, OSError, ValueError):
            return None

    def json(self, path: str) -> dict[str, Any] | None:
        """The page as JSON; None while there is no good answer."""
        page = self.get(path)
        return None if page is None else orjson.loads(page)

    def last_lines(self, count: int = 12) -> str:
        """The end of its newest log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:]) if self.log.exists() else ""


class Crew:
    """All slots, watched by a thread that starts again whoever has ended.

    Attributes:
        kills: SIGKILLs from outside, and fates that were met.
        ended_by_themselves: why workers ended of their own accord, by the name of the reason.
        faults: ends that must not happen, with the log that tells of them.
    """

    def __init__(self, slots: Sequence[Slot]) -> None:
        self.slots = slots
        self.kills = 0
        self.fates_met: Counter[str] = Counter()
        self.ended_by_themselves: Counter[str] = Counter()
        self.faults: list[str] = []
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="crew", daemon=True)

    def start(self) -> None:
        """Watch from now on; slots that are wanted get their worker."""
        self._thread.start()

    def close(self) -> None:
        """End all workers by force; their logs stay."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()
        for slot in self.slots:
            slot.is_wanted = False
            if slot.is_running and slot.process is not None:
                slot.process.kill()
                slot.process.wait()

    def want(self, slot: Slot, wanted: bool) -> None:
        """Have a worker in the slot, or none any more; the one that is there stays until it ends."""
        with self._lock:
            slot.is_wanted = wanted

    def kill(self, slot: Slot) -> None:
        """SIGKILL, if there is anybody."""
        with self._lock:
            if slot.signal(signal.SIGKILL):
                self.kills += 1
                if slot.process is not None:
                    slot.process.wait()
                self._clear(slot, killed=True)

    def _watch(self) -> None:
        while not self._closed.wait(0.05):
            with self._lock:
                for slot in self.slots:
                    if slot.process is not None and slot.process.poll() is not None:
                        self._clear(slot)
                    if slot.process is None and slot.is_wanted and time.monotonic() >= slot._not_before:
                        slot.start()

    def _clear(self, slot: Slot, killed: bool = False) -> None:
        if slot.process is None:
            return
        status, slot.process = slot.process.returncode, None
        pause = RESTART_S
        if status == -signal.SIGKILL and not killed:
            self.kills += 1
            self.fates_met[_met(slot)] += 1
        elif status not in (0, -signal.SIGKILL) and not (status == -signal.SIGTERM and slot._asked_to_end):
            self._note_end(slot, status)
            pause = RESTART_AFTER_FAULT_S
        slot._not_before = time.monotonic() + pause

    def _note_end(self, slot: Slot, status: int) -> None:
        why = ENDS.search(slot.log.read_text(errors="replace"))
        reason = f"status {status}" if why is None else why[1]
        self.ended_by_themselves[reason] += 1
        if why is not None and reason in MUST_NOT_HAPPEN:
            self.faults.append(f"{slot.log.name}: {why[0][:300]}")


def _met(slot: Slot) -> str:
    text = slot.log.read_text(errors="replace")
    return _first_line(text, "torture: die").removeprefix("torture: ") or "?"


def _first_line(text: str, part: str) -> str:
    return next((line for line in text.splitlines() if part in line), "")


def worker_environment(settings: Mapping[str, str], mutant: str = "") -> dict[str, str]:
    """The environment of a worker: this process's own without what an operator set, and these settings."""
    own = {name: text for name, text in os.environ.items() if not name.startswith(("NETGROWTH_", "KAFKA_"))}
    more = {"TORTURE_MUTANT": mutant} if mutant else {}
    return {**own, **settings, **more, "PYTHONUNBUFFERED": "1"}
