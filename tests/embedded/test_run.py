"""`netgrowth run` as a visitor starts it: numbers appear, a signal ends every process, and it starts again."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from agents.topics import TOPICS

pytestmark = pytest.mark.embedded

NUMBERS_WITHIN_S = 90.0
"""A machine with five other busy processes takes half a minute to start a worker that has numbers."""

ENDS_WITHIN_S = 25.0


class Run:
    """A running `netgrowth run --no-live`."""

    def __init__(self, process: "subprocess.Popen[str]", output: Path) -> None:
        self.process = process
        self.output = output

    def text(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def wait_for(self, pattern: str) -> str:
        deadline = time.monotonic() + NUMBERS_WITHIN_S
        while time.monotonic() < deadline:
            if found := re.search(pattern, self.text()):
                return found.group(1)
            assert self.process.poll() is None, self.text()
            time.sleep(0.1)
        raise AssertionError(f"{pattern!r} did not come:\n{self.text()}")

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(ENDS_WITHIN_S)


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[Run]:
    folder.mkdir(exist_ok=True)
    output = folder / "output.txt"
    words = [sys.executable, "-m", "agents.commands.main", "run", "--no-live", "--folder", str(folder / "trial")]
    if "--dataset" not in arguments:
        words += ["--dataset", "online-retail"]
    # What an operator set for a cluster must not reach the trial; nor does a proxy.
    environment = {
        **os.environ, "NETGROWTH_SECURITY_PROTOCOL": "SSL", "NETGROWTH_TOPIC_PREFIX": "elsewhere.",
        "http_proxy": "http://127.0.0.1:9",
    }  # fmt: skip
    with output.open("w") as file:
        process = subprocess.Popen(
            [*words, "--broker-port", "0", *arguments], stdout=file, stderr=subprocess.STDOUT, text=True,
            env=environment, start_new_session=True,
        )  # fmt: skip
    try:
        yield Run(process, output)
    finally:
        for pid in [process.pid, *processes_of(folder)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()


def processes_of(folder: Path) -> list[int]:
    """Processes that name the folder, in their words or as the file that takes their output."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace")
            if str(folder) in words or str(folder) in os.readlink(entry / "fd" / "1"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def page(address: str) -> dict[str, Any] | None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=5) as answer:
            read: dict[str, Any] = json.loads(answer.read())
            return read
    except OSError:
        return None


def net_growth(web: str) -> dict[str, int]:
    deadline = time.monotonic() + NUMBERS_WITHIN_S
    while time.monotonic() < deadline:
        if (card := page(f"{web}/api/v1/report?window=all")) is not None and card["net"]["customers"]:
            net: dict[str, int] = card["net"]
            return net
        time.sleep(0.2)
    raise AssertionError(f"no net growth came: {page(f'{web}/api/v1/status')}")


def records_in_topic(broker: str) -> int:
    consumer = KafkaConsumer(bootstrap_servers=broker)
    try:
        partitions = [TopicPartition("customer-events", number) for number in range(4)]
        return sum(consumer.end_offsets(partitions).values())
    finally:
        consumer.close()


WEB = r"metrics +(http://\S+)/metrics"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="finds processes by /proc")
def test_numbers_appear_ctrl_c_ends_every_process_and_a_second_run_begins_anew(tmp_path: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        with running(tmp_path, "--port", "0") as run:
            web = run.wait_for(WEB)
            net = net_growth(web)
            assert net["customers"] > 0
            assert net["value"] > 0
            line = run.wait_for(r"(net growth: this month .*)")
            assert "GBP" in line
            # The run itself, the broker and the worker: else the check below would see nothing end.
            assert len(processes_of(tmp_path)) == 3
            status = run.end(number)
            assert status == 0, run.text()
            assert processes_of(tmp_path) == []
            assert page(f"{web}/health/live") is None
            assert "All of it has ended." in run.text()
            assert f"{len(TOPICS)} created, 0 there already" in run.text()
            assert "Traceback" not in run.text()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="finds processes by /proc")
def test_a_run_that_keeps_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    for first in (True, False):
        with running(tmp_path, "--port", "0", "--keep", "--speed", "max") as run:
            web = run.wait_for(WEB)
            if not first:
                assert "33,337 records" in run.wait_for(r"kept +(.*)")
            run.wait_for(r"(played to its end)")
            # Sent twice they would be 66,674.
            assert records_in_topic(run.wait_for(r"broker +(\S+)")) == 33_337
            deadline = time.monotonic() + NUMBERS_WITHIN_S
            counted: dict[str, Any] = {}
            while time.monotonic() < deadline and counted.get("records") != 33_337:
                counted = (page(f"{web}/api/v1/status") or {}).get("accounting", {})
                time.sleep(0.2)
            assert counted["records"] == 33_337, run.text()
            assert counted["dead_lettered"] == {}
            assert run.end(signal.SIGTERM) == 0
    assert processes_of(tmp_path) == []


def test_taken_ports_are_told_and_others_found(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with running(tmp_path, "--port", str(port)) as run:
            web = run.wait_for(WEB)
            assert f"Port {port} is taken: the worker's pages got" in run.text()
            assert net_growth(web)["customers"] > 0
            with running(tmp_path / "other", "--port", "0", "--folder", str(tmp_path / "trial")) as other:
                assert other.process.wait(ENDS_WITHIN_S) == 1
                assert "another run uses" in other.text()
