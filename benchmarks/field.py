"""Filled topics on one broker, and the answers to them."""

import shutil
from collections.abc import Callable
from pathlib import Path

from benchmarks.answer import Answer, reference_answer
from benchmarks.topics import fill
from benchmarks.workload import Shape, Workload


class Field:
    """Filled topics on one broker, and the answers to them.

    Args:
        prefix: of all topics and groups.
        folder: takes logs, state and the reference's answers.
        told: is told what is being done, in a few words.
    """

    def __init__(self, broker: str, prefix: str, folder: Path, told: Callable[[str], None]) -> None:
        self.broker, self.prefix, self.folder, self.told = broker, prefix, folder, told
        self._topics: dict[Shape, str] = {}
        self._runs = 0

    def topic(self, shape: Shape) -> str:
        """A topic that holds the workload."""
        name = self._topics.get(shape)
        if name is None:
            name = f"{self.prefix}events-{len(self._topics)}"
            words = f"filling {shape.events:,} records"
            fill(self.broker, name, shape.partitions, Workload(shape), lambda n: self.told(f"{words}: {n:,}"))
            self._topics[shape] = name
        return name

    def answer(self, shape: Shape) -> Answer:
        """What the reference counts in it."""
        self.told(f"the reference counts {shape.events:,} records (kept for the next time)")
        return reference_answer(shape, self.folder / "answers")

    def next_group(self, name: str) -> tuple[str, Path]:
        """A fresh name for topics and groups, and a fresh folder."""
        self._runs += 1
        group = f"{self.prefix}{name}-{self._runs}"
        folder = self.folder / "runs" / group
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return group, folder
