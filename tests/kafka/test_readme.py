"""The README's section "Connect your own topics", word for word: its files, its commands, what they print.

On a cluster with TLS, SCRAM and rights: the own topics exist, and the user may create none.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from agents.kafka_clients import kafka_python_options
from agents.trial.ports import free_port
from config.settings import load
from tests.kafka.secured import ADMIN, SecuredKafka
from tests.live_ledger import ROOT

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

BEGIN, END = "\n## Connect your own topics\n", "\nInstall it into"
FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WORKER = "netgrowth worker\n"
SCRIPT = "for-the-administrators.sh"


class Block(NamedTuple):
    language: str
    name: str
    text: str


def blocks() -> list[Block]:
    readme = (ROOT / "README.md").read_text()
    section = readme[readme.index(BEGIN) : readme.index(END)]
    return [Block(*found.groups(default="")) for found in FENCE.finditer(section)]


class Shell:
    """Runs the section's commands one after the other, as in one terminal."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        command = folder / "bin" / "netgrowth"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m agents.commands.main "$@"\n')
        command.chmod(0o755)
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("NETGROWTH_", "KAFKA_"))}
        self._environment = kept | environment | {"PATH": f"{command.parent}:{os.environ['PATH']}"}
        self._exports = ""

    def run(self, script: str) -> str:
        done = subprocess.run(
            ["bash", "-ec", self._exports + script], cwd=self._folder, env=self._environment, capture_output=True,
            text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        self._exports += "".join(f"{line}\n" for line in script.splitlines() if line.startswith("export "))
        return done.stdout

    def start(self, script: str, log: Path) -> "subprocess.Popen[bytes]":
        with log.open("wb") as output:
            return subprocess.Popen(
                ["bash", "-ec", f"{self._exports}exec {script}"], cwd=self._folder, env=self._environment,
                stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip


def test_the_section_holds_word_for_word(secured_kafka: SecuredKafka, tmp_path: Path) -> None:
    found = blocks()
    named = dict(line.split("=", 1) for line in found[0].text.splitlines())
    login = secured_kafka.environment()
    assert found[0].language == "ini"
    assert login.keys() <= named.keys(), "every setting of the login is named in the section"
    # Where the cluster is differs; everything else is as the section says.
    environment = named | login | {"NETGROWTH_WEB_PORT": str(free_port(0))}
    own_topics = [block for block in found if block.language == "json"]
    make_own_topics(secured_kafka, own_topics)
    folder = tmp_path / "home"
    folder.mkdir()
    shell = Shell(folder, environment)
    worker: subprocess.Popen[bytes] | None = None
    printed = ""
    ran = 0
    try:
        for block in found:
            if block.language == "yaml":
                (folder / block.name).write_text(block.text)
            elif block.language == "text":
                assert_printed(block.text, printed)
            elif block.language == "sh" and block.text == WORKER:
                worker = shell.start(block.text, tmp_path / "worker.log")
                wait_until_counted(shell, worker, tmp_path / "worker.log")
            elif block.language == "sh":
                if (folder / SCRIPT).exists() and "topics create\n" in block.text:
                    as_administrators(secured_kafka, folder / SCRIPT)
                printed = shell.run(block.text)
                ran += 1
        assert ran >= 5
        assert worker is not None
    finally:
        if worker is not None:
            worker.terminate()
            assert worker.wait(60) == 0, (tmp_path / "worker.log").read_text()


def make_own_topics(kafka: SecuredKafka, topics: list[Block]) -> None:
    """The topics are there with their records, and the user of the section may read them."""
    options = kafka_python_options(load(kafka.environment(ADMIN)))
    admin = KafkaAdminClient(**options)
    admin.create_topics({block.name: {"num_partitions": 2, "replication_factor": 1} for block in topics})
    admin.close()
    producer = KafkaProducer(**options)
    for block in topics:
        for line in block.text.splitlines():
            key = re.search(r'"(?:invoice|id)": "([^"]+)"', line)
            assert key is not None
            producer.send(block.name, key=key[1].encode(), value=line.encode())
    producer.close()
    servers = f"--bootstrap-server {kafka.cluster.address}"
    kafka.as_admin(
        f"kafka-acls.sh {servers} --add --allow-principal User:netgrowth --operation Read --operation Describe "
        f"--topic {block.name}"
        for block in topics
    )


def as_administrators(kafka: SecuredKafka, script: Path) -> None:
    lines = [line for line in script.read_text().splitlines() if not line.startswith("#")]
    # A node of one: the commands of a cluster of three ask for more copies than there are places.
    kafka.as_admin(lines)


def assert_printed(expected: str, printed: str) -> None:
    for line in expected.splitlines():
        assert line in printed, f"not printed: {line!r}, but:\n{printed}"


def wait_until_counted(shell: Shell, worker: "subprocess.Popen[bytes]", log: Path) -> None:
    """A reader of the section takes longer to open another terminal than the worker to count so few records."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert worker.poll() is None, log.read_text()
        try:
            if '"customers":3' in shell.run("netgrowth report --json"):
                time.sleep(3)
                return
        except AssertionError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"nothing was counted:\n{log.read_text()}")
