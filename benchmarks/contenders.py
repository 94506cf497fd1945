"""Who is measured: the worker and its peers, and how each is started."""

import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import kafka_streams

WORKER = "netgrowth"
OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Contender:
    """One program.

    Attributes:
        name: as `--only` calls it.
        about: what it is, for the table.
        command: gives the words that start it; may build it first.
        most: records that it is given at most, since it is slow; None: all.
        missing: why it cannot be run here, and how to mend that; empty: it can.
        environment: more than the protocol of being measured asks for.
    """

    name: str
    about: str
    command: Callable[[], Sequence[str]]
    most: int | None = None
    missing: Callable[[], str] = lambda: ""
    environment: Mapping[str, str] | None = None


def _needs(module: str, why: str) -> Callable[[], str]:
    return lambda: "" if importlib.util.find_spec(module) else why


def _always(*words: str) -> Callable[[], Sequence[str]]:
    return lambda: words


def contenders(quix_python: Path | None = None) -> dict[str, Contender]:
    """All of them by name, in the order of the table.

    Args:
        quix_python: interpreter that has quixstreams, where this one has not.
    """
    python = sys.executable
    quix = str(quix_python or python)
    no_quix = "quixstreams is not installed: pip install 'netgrowth[bench]', or --quix-python PATH"
    found = (
        Contender(
            WORKER, "netgrowth worker, all tables and outputs on",
            _always(python, "-m", "agents.commands.main", "worker", "--measure", "--definitions", "native"),
            environment={"NETGROWTH_LOG_LEVEL": "WARNING"},
        ),
        Contender(OFFLINE, "netgrowth ledger over a file, a whole process with its start", _always()),
        Contender(
            "loop", "plain loop on aiokafka, changelog each second",
            _always(python, "-m", "benchmarks.peers.plain_loop"),
        ),
        Contender(
            "quix", "Quix Streams, keyed state and changelogs", _always(quix, "-m", "benchmarks.peers.quix_app"),
            150_000, (lambda: "") if quix_python else _needs("quixstreams", no_quix),
        ),
        Contender(
            "faust", "stock Faust: Record, agent, two Tables",
            _always(python, "-m", "benchmarks.peers.faust_app", "worker", "--without-web"), 30_000,
        ),
        Contender(
            "streams", "Kafka Streams (Java), RocksDB and changelogs", kafka_streams.command,
            missing=kafka_streams.missing,
        ),
    )  # fmt: skip
    return {contender.name: contender for contender in found}


def environment(
    contender: Contender, *, broker: str, topic: str, group: str, events: int, partitions: int, folder: Path
) -> dict[str, str]:
    """The protocol for being measured, as the worker and all peers read it."""
    return {
        "BROKER": broker, "TOPIC": topic, "GROUP": group, "EXPECT_N": str(events), "PARTITIONS": str(partitions),
        "WORK_DIR": os.fspath(folder), **(contender.environment or {}),
    }  # fmt: skip
