import asyncio
import gc
import subprocess
import sys
import weakref

import pytest

from agents.transport import garbage


class Node:
    def __init__(self) -> None:
        self.myself = self


@pytest.fixture(autouse=True)
def _collector_as_it_was():
    yield
    gc.unfreeze()
    gc.enable()
    gc.collect()


def run_for(seconds: float, make, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a cycle that is made while it collects is freed."""
    monkeypatch.setattr(garbage, "COLLECT_EVERY_S", 0.02)
    garbage.leave_to_us()
    assert not gc.isenabled()

    async def main() -> bool:
        task = asyncio.create_task(garbage.keep_collecting())
        await asyncio.sleep(0.03)
        gone = weakref.ref(make())
        kept = await asyncio.sleep(seconds, gone)
        task.cancel()
        return kept() is None

    return asyncio.run(main())


def test_new_cycles_are_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_for(0.2, Node, monkeypatch)


def test_who_catches_up_leaves_them_to_the_full_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[list[int]] = []

    def many() -> Node:
        node = Node()
        held.extend([] for _ in range(2 * garbage.MOST_AT_ONCE))
        return node

    assert not run_for(0.2, many, monkeypatch)
    held.clear()
    monkeypatch.setattr(garbage, "FULL_EVERY_S", 0.05)
    assert run_for(0.4, many, monkeypatch)


def test_the_worker_turns_the_automatic_collector_off() -> None:
    code = "import gc; from agents.transport import garbage; garbage.leave_to_us(); print(gc.isenabled())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
