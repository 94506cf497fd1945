"""The peer `streams`: Kafka Streams in Java; its jars from Maven, its classes made by javac, both in `.kafka/`."""

import fcntl
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[2] / ".kafka" / "streams"
SOURCES = ("Peer.java", "Serving.java")


class CannotBuild(Exception):
    """Maven or javac failed; the text says how."""


def missing() -> str:
    """Why it cannot be run here; empty: it can."""
    absent = [program for program in ("java", "javac", "mvn") if shutil.which(program) is None]
    how = "on Debian: apt-get install openjdk-17-jdk-headless maven"
    return f"{', '.join(absent)} not on the path; {how}" if absent else ""


def command() -> list[str]:
    """What starts it, built on first use. Raises: CannotBuild."""
    libraries, classes = FOLDER / "libs", FOLDER / "classes"
    FOLDER.mkdir(parents=True, exist_ok=True)
    stamp, now = FOLDER / ".complete", b"".join((HERE / name).read_bytes() for name in ("pom.xml", *SOURCES))
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_bytes() != now:
            _run(["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies",
                  f"-DoutputDirectory={libraries}"])  # fmt: skip
            sources = [str(HERE / name) for name in SOURCES]
            _run(["javac", "-cp", f"{libraries}/*", "-d", str(classes), *sources])
            stamp.write_bytes(now)
    return ["java", "-Xmx1g", "-cp", f"{classes}:{libraries}/*", "Peer"]


def _run(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotBuild(f"{words[0]} failed:\n{(done.stdout + done.stderr)[-2000:]}")
