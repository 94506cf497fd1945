"""How a peer is told what to read and tells what it came to: the worker's protocol for being measured."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Asked:
    """The environment's words: broker, topic, name of the group, records to expect, partitions, an own folder."""

    broker: str
    topic: str
    group: str
    expected: int
    partitions: int
    folder: Path
    serves: bool
    """Stay and tell progress instead of ending: for measuring latency."""


def asked() -> Asked:
    """Read the environment."""
    environ = os.environ
    return Asked(
        environ["BROKER"], environ["TOPIC"], environ["GROUP"], int(environ["EXPECT_N"]), int(environ["PARTITIONS"]),
        Path(environ["WORK_DIR"]), environ.get("SERVE") == "1",
    )


def tell(records: int, t_first: float, t_last: float, t_durable: float) -> None:
    """Print the result line, before the answer is written."""
    line = {"n": records, "t_first": t_first, "t_last": t_last, "t_durable": t_durable, "durable": True}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def write_answer(asked: Asked, cells: Mapping[str, list[int]], counts: Mapping[str, int]) -> None:
    """What was counted, for the judge; cells that came to nothing are left out."""
    kept = {name: sums for name, sums in cells.items() if sums[0] or sums[1]}
    path = asked.folder / "answer.json"
    path.with_suffix(".part").write_text(json.dumps({"cells": kept, "counts": dict(counts)}))
    path.with_suffix(".part").rename(path)
