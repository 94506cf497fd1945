"""Imports point one way: streams <- config <- agents; what runs is never imported by what it means."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = {"streams", "config", "agents", "grafana", "tests", "benchmarks"}
EDGES = {"aiohttp", "aiokafka", "asyncio", "click", "faust", "kafka", "logging", "os", "socket", "threading", "time"}
ALLOWED = {"streams": set(), "config": {"streams"}, "agents": {"streams", "config"}}


def imported(module: Path) -> set[str]:
    """First names of everything a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: import by the full name"
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_no_room_above_it(room: str) -> None:
    modules = sorted((ROOT / room).rglob("*.py"))
    assert modules
    wrong = {str(m.relative_to(ROOT)): imported(m) & (ROOMS - ALLOWED[room] - {room}) for m in modules}
    assert {name: rooms for name, rooms in wrong.items() if rooms} == {}


def test_streams_touch_neither_clock_nor_network_nor_log() -> None:
    wrong = {str(m.relative_to(ROOT)): imported(m) & EDGES for m in sorted((ROOT / "streams").rglob("*.py"))}
    # It loads code and knows nothing of facts; the environment may say that it is to load none.
    assert wrong.pop("streams/compiled.py") == {"os"}
    assert {name: edges for name, edges in wrong.items() if edges} == {}
