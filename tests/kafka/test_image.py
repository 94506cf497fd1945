"""The image, built with buildah and run for real: topics, worker, records and health check against Apache Kafka.

Needs root, `buildah` and, unless NETGROWTH_BASE_IMAGE names an image that buildah can find
(`oci-archive:/folder/base.tar`), `debootstrap`, which makes one of Debian's packages (some 100 MB from the network).
Takes minutes: NETGROWTH_CONTAINERS=1 runs it.
docker-compose.yml's other images cannot be run without an engine; tests/unit/test_compose.py resolves what it says.
"""

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.commands.ledger import load_definitions
from tests.embedded.test_run import page
from tests.kafka.broker import KafkaCluster
from tests.unit.test_compose import health_checks, image_environment, instructions

ROOT = Path(__file__).parents[2]
RECORDS = 33_337  # of online-retail, as packed
BUILT_WITHIN_S, READY_WITHIN_S, COUNTED_WITHIN_S, ENDS_WITHIN_S = 600.0, 60.0, 120.0, 30.0
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.timeout(1200),
    pytest.mark.skipif("NETGROWTH_CONTAINERS" not in os.environ, reason="takes minutes: set NETGROWTH_CONTAINERS=1"),
]


class Buildah:
    """Images and containers of a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._words = [
            "buildah", "--root", str(folder / "storage"), "--runroot", str(folder / "run"), "--storage-driver", "vfs",
        ]  # fmt: skip

    def words(self, *words: str) -> list[str]:
        """A command line."""
        return [*self._words, *words]

    def __call__(self, *words: str, within_s: float = BUILT_WITHIN_S) -> str:
        """What a command says. Fails with all of its output."""
        told = subprocess.run(self.words(*words), capture_output=True, text=True, timeout=within_s, check=False)
        assert told.returncode == 0, f"{shlex.join(words)}:\n{told.stdout}{told.stderr}"
        return told.stdout.strip()


class Container:
    """A container of the image: commands run as the image says, by its user, with its environment.

    Its network is this host's.
    """

    def __init__(self, buildah: Buildah, image: str) -> None:
        self._buildah = buildah
        self.name = buildah("from", image)

    def words(self, words: list[str], environment: Mapping[str, str]) -> list[str]:
        """A command line that runs these words in it."""
        given = [word for name, text in environment.items() for word in ("--env", f"{name}={text}")]
        return self._buildah.words("run", "--isolation=chroot", *given, self.name, "--", *words)

    def run(self, words: list[str], environment: Mapping[str, str], status: int = 0) -> str:
        """What a command in it says on stdout."""
        told = subprocess.run(
            self.words(words, environment), capture_output=True, text=True, timeout=COUNTED_WITHIN_S, check=False
        )
        assert told.returncode == status, f"{words}: {told.returncode}\n{told.stdout}{told.stderr}"
        return told.stdout


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    folder = tmp_path_factory.mktemp("containers")
    base = os.environ.get("NETGROWTH_BASE_IMAGE")
    buildah = Buildah(folder)
    try:
        built_on = debian_with_python(buildah, folder / "debian") if base is None else base
        of = f"BASE_IMAGE={built_on}"
        buildah("bud", "--isolation=chroot", "--build-arg", of, "-t", "netgrowth:test", str(ROOT))
        yield Container(buildah, "netgrowth:test")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def debian_with_python(buildah: Buildah, folder: Path) -> str:
    """An image of Debian 12 with Python 3.11."""
    packages = "python3,python3-venv,ca-certificates"
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", str(folder)],
        check=True, stdout=subprocess.DEVNULL, timeout=BUILT_WITHIN_S,
    )  # fmt: skip
    if CERTIFICATES.exists():
        # Of a network that looks into what passes; pip inside is to trust it as this host does.
        shutil.copy(CERTIFICATES, folder / "etc/ssl/certs")
        (folder / "etc/pip.conf").write_text(f"[global]\ncert = {CERTIFICATES}\n", encoding="utf-8")
    made = buildah("from", "scratch")
    buildah("copy", "--quiet", made, str(folder), "/")
    buildah("commit", "--quiet", made, "debian-python:test")
    buildah("rm", made)
    return "localhost/debian-python:test"


@contextmanager
def worker_of(container: Container, environment: Mapping[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The image's own command, as an engine would start it."""
    with log.open("wb") as output:
        running = subprocess.Popen(
            container.words(command_of_the_image(), environment), stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield running
    finally:
        for pid in [*descendants(running.pid), running.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        running.wait()


def command_of_the_image() -> list[str]:
    last = dict(instructions())
    found: list[str] = orjson.loads(last["ENTRYPOINT"]) + orjson.loads(last["CMD"])
    return found


def descendants(pid: int) -> list[int]:
    """Processes that a process started, and theirs; the youngest first."""
    found: list[int] = []
    children = Path(f"/proc/{pid}/task/{pid}/children")
    for child in map(int, children.read_text(encoding="ascii").split()) if children.exists() else ():
        found = [*descendants(child), child, *found]
    return found


def until(condition: Any, within_s: float, log: Path) -> Any:
    """The first answer of a question that is true."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8", errors="replace")[-4000:])


def test_the_worker_of_the_image_counts_what_is_sent_and_ends_in_order(
    container: Container, kafka: KafkaCluster, prefix: str, tmp_path: Path
) -> None:
    port = image_environment()["NETGROWTH_WEB_PORT"]
    web, log = f"http://127.0.0.1:{port}", tmp_path / "worker.log"
    assert page(f"{web}/health/live") is None, f"port {port} is taken: end what listens there"
    settings = {
        "KAFKA_BROKERS": kafka.address, "NETGROWTH_TOPIC_PREFIX": prefix, "NETGROWTH_WEB_BIND": "127.0.0.1",
        "NETGROWTH_DEFINITIONS": "online-retail",
    }  # fmt: skip
    assert container.run(["id", "-u"], {}).strip() == "1000"
    assert f"created  {prefix}customer-events" in container.run(["netgrowth", "topics", "create"], settings)
    container.run(health_checks()["image"], {}, status=1)
    with worker_of(container, settings, log) as running:
        until(lambda: page(f"{web}/health/ready"), READY_WITHIN_S, log)
        container.run(health_checks()["image"], {})
        container.run(health_checks()["worker"], {})
        container.run(["netgrowth", "replay", "online-retail", "--speed", "max"], settings)

        def counted() -> dict[str, Any] | None:
            status = page(f"{web}/api/v1/status") or {"accounting": {}}
            return status if status["accounting"].get("records") == RECORDS else None

        assert until(counted, COUNTED_WITHIN_S, log)["accounting"]["dead_lettered"] == {}
        card = until(lambda: page(f"{web}/api/v1/report?window=all"), COUNTED_WITHIN_S, log)
        assert card["net"]["customers"] > 0
        assert card["definitions"]["name"] == load_definitions("online-retail").name
        # What the image holds beside code: the page, and what its alerts lead to.
        for path in ("/", "/board/main.js", "/runbooks/Watchdog.md"):
            assert container.run(["python3", "-c", READS, f"{web}{path}"], {}).strip() == "200", path
        started = running.pid
        os.kill(descendants(started)[0], signal.SIGTERM)
        assert running.wait(ENDS_WITHIN_S) == 0, log.read_text(encoding="utf-8")
    assert "Traceback" not in log.read_text(encoding="utf-8")
    assert "_quick" in container.run(["python3", "-c", COMPILED], {})


READS = "import sys, urllib.request as u; print(u.build_opener(u.ProxyHandler({})).open(sys.argv[1]).status)"
COMPILED = "import streams.facts._quick as quick; print(quick.__name__)"
