"""State is complete before input flows, kept where nobody else can have written, and dropped where it is gone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from faust.types import TP

from agents.transport import Changelog
from agents.transport import changelog as changelog_module
from agents.transport.log_reading import ReadingProgress
from tests.unit.agents.transport.fakes import TOPIC, make_app, record


class Rig:
    """An app with one changelog, whose reading waits until the test lets it go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
        self.app = make_app()
        self.app._consumer = self
        self.calls: list[tuple[str, int]] = []
        self.begun: list[int] = []
        self.woken = 0
        self.may_read = asyncio.Event()
        self.readings: list[Sequence[int]] = []
        monkeypatch.setattr(changelog_module, "read_to_end", self._read)
        self.changelog = Changelog(
            self.app, "changelog", 4, self._restore, self._reset, begin=self._begin,
            ready=self._ready, **options,
        )
        self.recovery = self.app.transport.recovery

    def wake(self) -> None:
        self.woken += 1

    def _restore(self, partition: int, records: Sequence[tuple[bytes, bytes | None]]) -> None:
        assert records == [(None, b"v")]
        self.calls.append(("restore", partition))

    def _reset(self, partition: int) -> None:
        self.calls.append(("reset", partition))

    async def _begin(self, partition: int) -> None:
        # What it delivers must be part of what is read.
        assert ("restore", partition) not in self.calls[self.calls.index(("reset", partition)) :]
        self.begun.append(partition)

    async def _ready(self, partition: int) -> None:
        assert not self.recovery.is_recovered(TP(TOPIC, partition))
        self.calls.append(("ready", partition))

    async def _read(
        self, client: Any, topic: str, partitions: Sequence[int], **_: Any
    ) -> AsyncIterator[tuple[ReadingProgress, Sequence[Any]]]:
        self.readings.append(partitions)
        for partition in partitions:
            await self.may_read.wait()
            yield ReadingProgress(partition, 0, 1, 1), [record(0)]
            yield ReadingProgress(partition, 0, 1, 1), ()

    def is_recovered(self, *partitions: int) -> list[bool]:
        return [self.recovery.is_recovered(TP(TOPIC, partition)) for partition in partitions]


def _tps(*partitions: int) -> set[TP]:
    return {TP(TOPIC, partition) for partition in partitions}


def test_input_waits_for_its_own_partition_of_the_changelog(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        rig = Rig(monkeypatch)
        rig.recovery.assigned(_tps(0, 1), 1)
        await asyncio.sleep(0)
        assert rig.is_recovered(0, 1) == [False, False]
        rig.may_read.set()
        await asyncio.sleep(0.01)
        assert rig.is_recovered(0, 1, 2) == [True, True, False]
        assert rig.calls == [
            ("reset", 0), ("reset", 1), ("restore", 0), ("ready", 0), ("restore", 1), ("ready", 1),
        ]
        assert rig.begun == [0, 1]
        assert rig.woken == 2

    asyncio.run(play())


def test_state_stays_over_the_next_generation_and_over_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        rig = Rig(monkeypatch)
        rig.may_read.set()
        rig.recovery.assigned(_tps(0, 1), 4)
        await asyncio.sleep(0.01)
        rig.recovery.revoked()
        assert rig.is_recovered(0, 1) == [False, False]
        rig.calls.clear()
        rig.recovery.assigned(_tps(1, 2), 5)
        assert rig.is_recovered(1, 2) == [True, False]
        await asyncio.sleep(0.01)
        assert rig.calls == [("reset", 0), ("reset", 2), ("restore", 2), ("ready", 2)]
        rig.recovery.revoked()
        rig.calls.clear()
        rig.recovery.assigned(_tps(1, 2), 7)
        assert rig.is_recovered(1, 2) == [False, False]
        await asyncio.sleep(0.01)
        assert ("restore", 1) in rig.calls
        assert ("restore", 2) in rig.calls
        assert rig.is_recovered(1, 2) == [True, True]

    asyncio.run(play())


def test_a_reading_cut_off_by_a_rebalance_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        rig = Rig(monkeypatch)
        rig.recovery.assigned(_tps(0), 1)
        await asyncio.sleep(0)
        rig.recovery.revoked()
        rig.recovery.assigned(_tps(0), 2)
        rig.may_read.set()
        await asyncio.sleep(0.01)
        assert rig.is_recovered(0) == [True]
        assert rig.calls.count(("restore", 0)) == 1
        assert len(rig.readings) == 2

    asyncio.run(play())


def test_only_the_named_sources_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        rig = Rig(monkeypatch, sources=["other"])
        rig.recovery.assigned(_tps(0) | {TP("other", 0)}, 1)
        assert rig.is_recovered(0) == [True]
        assert not rig.recovery.is_recovered(TP("other", 0))

    asyncio.run(play())


def test_a_restore_that_fails_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        rig = Rig(monkeypatch)

        def refuse(partition: int, records: Any) -> None:
            raise ValueError("not ours")

        rig.changelog.restore = refuse
        rig.may_read.set()
        rig.recovery.assigned(_tps(0), 1)
        await asyncio.sleep(0.01)
        assert isinstance(rig.app.transport.fail.reason, ValueError)
        assert rig.is_recovered(0) == [False]

    asyncio.run(play())
