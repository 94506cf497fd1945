"""Offsets that are not the owner's own: of one before, who was late, or of the next."""

import asyncio
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from agents import late_owners
from agents.late_owners import LateOwners, Succeeded
from config.settings import load
from streams.ledger.changelog import claim
from streams.tables.part_records import Progress, progress_record

SETTINGS = load({})


class Books:
    """What is told to be written again."""

    epoch = 7

    def __init__(self) -> None:
        self.told: dict[str, list[bytes]] = {}

    def rewrite(self, keys: Iterable[bytes]) -> list[bytes]:
        self.told["ledger-changelog"] = list(keys)
        return [key for key in keys if key.endswith(b"gone")]

    def rewrite_parts(self, keys: Iterable[bytes]) -> None:
        self.told["scope-parts"] = list(keys)


def told(monkeypatch: pytest.MonkeyPatch, topic: str, records: list[tuple[bytes, bytes | None]]) -> dict[str, Any]:
    """What the books of partition 2 are told of records that lie between their own."""
    asked: list[tuple[Any, ...]] = []

    async def between(client: Any, *where: Any, stall: float) -> list[Any]:
        asked.append(where)
        return [SimpleNamespace(key=key, value=value) for key, value in records]

    monkeypatch.setattr(late_owners, "read_between", between)
    barrier: Any = SimpleNamespace(on_others={}, forget_place=lambda topic, partition: None)
    late, books = LateOwners(SETTINGS, 1.0, "ledger-changelog", "scope-parts"), Books()
    late.watch(barrier, 2)
    assert set(barrier.on_others) == {"ledger-changelog", "scope-parts"}
    barrier.on_others[topic](topic, 2, 10, 13)
    barrier.on_others[topic](topic, 3, 5, 6)
    buried: list[tuple[int, Sequence[bytes]]] = []
    for _ in range(2):
        asyncio.run(late.tell({2: books}, lambda partition, keys: buried.append((partition, keys))))
    assert asked == [(topic, 2, 10, 13)]
    gone = [key for key, _ in records if key.endswith(b"gone")]
    assert buried == ([(2, gone)] if topic == "ledger-changelog" else [])
    return books.told


def progress(epoch: int) -> tuple[bytes, bytes | None]:
    return progress_record(2, Progress(1, None, False, False, "1", {}, epoch))


def test_the_keys_of_a_late_owner_are_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [(b"cann", b"x"), (b"cgone", b"x"), (b"progress", b"y"), claim(6)]
    assert told(monkeypatch, "ledger-changelog", lines) == {"ledger-changelog": [key for key, _ in lines]}
    assert told(monkeypatch, "scope-parts", [progress(6)]) == {"scope-parts": [progress(6)[0]]}


def test_who_finds_its_successor_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Succeeded, match="owner of epoch 8, here is 7"):
        told(monkeypatch, "ledger-changelog", [(b"cann", b"x"), claim(8)])
    with pytest.raises(Succeeded, match="owner of epoch 8, here is 7"):
        told(monkeypatch, "scope-parts", [progress(8)])
