"""Apache Kafka on this machine, without Docker: one node or several, from the jars in Maven Central.

Needs Java 17 or newer and Maven. The jars lie in `.kafka/` in the tree; a cluster's records lie where it is told, or
in a temporary folder. `python -m tests.kafka.broker [--nodes 3] [--port 9092] [--folder DIR]` runs one until Ctrl-C
and prints its address.
"""

import argparse
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0

OLDEST_JAVA = 17
JAVA_PACKAGE = "default-jre-headless"

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ROOT / ".kafka" / "libs"
POM = Path(__file__).with_name("pom.xml")

_LOGGING = """<Configuration status="error">
  <Appenders><Console name="out"><PatternLayout pattern="%d %p %c{1} %m%n"/></Console></Appenders>
  <Loggers><Root level="warn"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
"""


class KafkaNotStarted(Exception):
    """Java or Maven is missing, or a broker does not come up; the text says what to do."""


@cache
def java_version() -> int:
    """Major version of the `java` on the path; 0: it does not say one."""
    told = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', told.stderr + told.stdout)
    return int(found[1]) if found else 0


def libraries() -> Path:
    """Folder of Kafka's jars, fetched by Maven on first use.

    Raises: KafkaNotStarted.
    """
    for program, package in (("java", JAVA_PACKAGE), ("mvn", "maven")):
        if shutil.which(program) is None:
            raise KafkaNotStarted(f"{program} is not on the path; on Debian: apt-get install {package}")
    if java_version() < OLDEST_JAVA:
        raise KafkaNotStarted(
            f"Kafka needs Java {OLDEST_JAVA} or newer and `java` is {java_version()}; on Debian: apt-get install "
            f"{JAVA_PACKAGE}, and choose it with `update-alternatives --config java`"
        )
    LIBRARIES.parent.mkdir(exist_ok=True)
    # Two test runs may come here at once, and a broken download must not look like a whole one.
    with (LIBRARIES.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = LIBRARIES / ".complete"
        if not stamp.exists() or stamp.read_bytes() != POM.read_bytes():
            shutil.rmtree(LIBRARIES, ignore_errors=True)
            words = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"]
            words.append(f"-DoutputDirectory={LIBRARIES}")
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode:
                why = f"{done.stdout}{done.stderr}"[-2000:]
                raise KafkaNotStarted(f"Maven could not fetch Kafka's jars:\n{why}")
            stamp.write_bytes(POM.read_bytes())
    return LIBRARIES


class Node:
    """One broker, which is a controller too."""

    def __init__(
        self, number: int, folder: Path, port: int, controller_port: int, inner_port: int, heap_mb: int
    ) -> None:
        self.number = number
        self.folder = folder
        self.port = port
        self.controller_port = controller_port
        self.inner_port = inner_port
        self.directory_id = _kafka_uuid()
        self.log = folder / "broker.log"
        self._heap_mb = heap_mb
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where clients reach it, `host:port`."""
        return f"{HOST}:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def format(self, cluster_id: str, settings: dict[str, str], controllers: str, *more: str) -> None:
        """Write its settings and make its storage; `more` goes to Kafka's storage tool."""
        self.folder.mkdir(parents=True)
        (self.folder / "log4j2.xml").write_text(_LOGGING)
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        (self.folder / "server.properties").write_text(lines)
        words = ["kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self.folder / "server.properties")]
        words += ["--initial-controllers", controllers] if "," in controllers else ["--standalone"]
        words += more
        done = subprocess.run(self._java(words), capture_output=True, text=True, check=False)
        if done.returncode:
            raise KafkaNotStarted(f"storage of node {self.number} was not made:\n{done.stdout}{done.stderr}")

    def launch(self) -> None:
        """Start the process; `wait_until_up` tells when it answers."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._java(["kafka.Kafka", str(self.folder / "server.properties")]),
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )

    def wait_until_up(self) -> None:
        """Wait until it takes connections. Raises: KafkaNotStarted."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self.is_running:
            with socket.socket() as probe:
                probe.settimeout(0.5)
                if probe.connect_ex((HOST, self.port)) == 0:
                    return
            time.sleep(0.1)
        tail = self.log.read_text(errors="replace")[-2000:]
        raise KafkaNotStarted(f"node {self.number} did not come up:\n{tail}")

    def signal(self, number: signal.Signals) -> None:
        """Send its process a signal: SIGSTOP and SIGCONT pause it, SIGKILL is a crash."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            if number == signal.SIGKILL:
                self._process.wait()

    def stop(self) -> None:
        """End it in order, or by force if that takes too long; safe to call twice."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _java(self, words: Sequence[str]) -> list[str]:
        # C1 only and the serial collector: a broker for tests must start fast beside what it serves.
        machine = [f"-Xmx{self._heap_mb}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        logging = f"-Dlog4j2.configurationFile={self.folder / 'log4j2.xml'}"
        return ["java", *machine, logging, "-cp", f"{libraries()}/*", *words]


class KafkaCluster:
    """One node or several, from `start` to `stop`.

    Args:
        nodes: how many; internal topics get as many replicas, up to three.
        port: where the first node listens; 0: any free port.
        folder: where records and logs lie; None: a temporary folder, gone after `stop`.
        client_protocol: of the listener that clients use, named CLIENTS; brokers among themselves are PLAINTEXT.
        settings: more broker settings, or others.
        scram_users: names and passwords of users who may log in by SCRAM.
    """

    def __init__(
        self, nodes: int = 1, *, port: int = 0, folder: Path | None = None, heap_mb: int = 400,
        client_protocol: str = "PLAINTEXT", settings: dict[str, str] | None = None,
        scram_users: Mapping[str, str] | None = None,
    ) -> None:
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="kafka-")
            folder = Path(self._temporary.name)
        ports = _free_ports(3 * nodes)
        if port:
            ports[0] = port
        self.nodes = [
            Node(n + 1, folder / f"node-{n + 1}", *ports[3 * n : 3 * n + 3], heap_mb=heap_mb) for n in range(nodes)
        ]
        self._client_protocol = client_protocol
        self._settings = settings or {}
        self._scram_users = scram_users or {}

    @property
    def address(self) -> str:
        """Bootstrap addresses, separated by commas."""
        return ",".join(node.address for node in self.nodes)

    def start(self) -> str:
        """Make storage, start all nodes, wait until they answer, and return the bootstrap addresses.

        Raises: KafkaNotStarted.
        """
        cluster_id = _kafka_uuid()
        scram = [
            word
            for user, password in self._scram_users.items()
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for word in ("--add-scram", f"{mechanism}=[name={user},password={password}]")
        ]
        voters = ",".join(f"{n.number}@{HOST}:{n.controller_port}:{n.directory_id}" for n in self.nodes)
        try:
            for node in self.nodes:
                if not node.folder.exists():
                    node.format(cluster_id, self._node_settings(node), voters, *scram)
                node.launch()
            for node in self.nodes:
                node.wait_until_up()
        except BaseException:
            self.stop()
            raise
        return self.address

    def stop(self) -> None:
        """End all nodes; safe to call twice."""
        for node in self.nodes:
            node.stop()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _node_settings(self, node: Node) -> dict[str, str]:
        replicas = str(min(len(self.nodes), 3))
        return {
            "process.roles": "broker,controller",
            "node.id": str(node.number),
            "controller.quorum.bootstrap.servers": ",".join(f"{HOST}:{n.controller_port}" for n in self.nodes),
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "INNER",
            "listeners": (
                f"CLIENTS://{HOST}:{node.port},INNER://{HOST}:{node.inner_port},"
                f"CONTROLLER://{HOST}:{node.controller_port}"
            ),
            "listener.security.protocol.map": f"CLIENTS:{self._client_protocol},INNER:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(node.folder / "data"),
            "auto.create.topics.enable": "false",
            "offsets.topic.num.partitions": "4",
            "offsets.topic.replication.factor": replicas,
            "transaction.state.log.num.partitions": "4",
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": str(min(len(self.nodes), 2)),
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
            # A killed leader is replaced in about this time.
            "broker.session.timeout.ms": "6000",
            **self._settings,
        }


def _kafka_uuid() -> str:
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")


def _free_ports(count: int) -> list[int]:
    servers = [socket.socket() for _ in range(count)]
    try:
        for server in servers:
            server.bind((HOST, 0))
        return [server.getsockname()[1] for server in servers]
    finally:
        for server in servers:
            server.close()


def main(words: Sequence[str] | None = None) -> int:
    """Run a cluster in the foreground until SIGINT or SIGTERM; the address goes to stdout."""
    parser = argparse.ArgumentParser(prog="python -m tests.kafka.broker", description="Apache Kafka until Ctrl-C")
    parser.add_argument("--nodes", type=int, default=1, help="brokers (default 1)")
    parser.add_argument("--port", type=int, default=9092, help="port of the first broker; 0: any (default 9092)")
    parser.add_argument("--folder", type=Path, help="keep records here; default: a temporary folder")
    options = parser.parse_args(words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    cluster = KafkaCluster(options.nodes, port=options.port, folder=options.folder)
    try:
        print(cluster.start(), flush=True)
        while all(node.is_running for node in cluster.nodes):
            time.sleep(0.5)
        print("a broker has ended; its log says why", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    except KafkaNotStarted as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        cluster.stop()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
