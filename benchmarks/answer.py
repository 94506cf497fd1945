"""The answer that every contender must come to: movements by minute, kind, segment, region and reason.

The judge is the slow reference of the tests, which shares no code with the product or with the peers. Its answer is
kept in a folder, under a name made of the workload's shape and its own sources.
"""

import hashlib
import pickle
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.workload import Shape, Workload

Cells = dict[str, tuple[int, int]]
"""`minute|kind|segment|region|reason` to customers and value; minutes since 1970."""

ROOT = Path(__file__).resolve().parents[1]
RULES = {"reasons": None, "activities": None}
MINUTE_US = 60_000_000
CUT = 5
"""Differences shown, at most."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the reference counts.

    Attributes:
        cells: movements by minute, kind, segment, region and reason.
        totals: the total Row of `netgrowth ledger`, over everything.
        accounting: what became of records and facts.
    """

    cells: Cells
    totals: dict[str, Any]
    accounting: dict[str, Any]


def reference_answer(shape: Shape, folder: Path) -> Answer:
    """The reference's answer for a workload, from the folder if it is there; else made by two processes, slowly."""
    kept = folder / f"answer-{_fingerprint(shape)}.pickle"
    if kept.exists():
        loaded: Answer = pickle.loads(kept.read_bytes())
        return loaded
    answer = _judge(shape)
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(pickle.dumps(answer))
    return answer


def differences(found: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """What is not equal, a few of it in words; empty: the answers are the same."""
    names = sorted({*found, *expected})
    wrong = [name for name in names if _plain(found.get(name)) != _plain(expected.get(name))]
    told = [f"{name}: {found.get(name)!r}, the reference says {expected.get(name)!r}" for name in wrong[:CUT]]
    return [*told, f"and {len(wrong) - CUT} more"] if len(wrong) > CUT else told


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _fingerprint(shape: Shape) -> str:
    digest = hashlib.sha256(repr(sorted(asdict(shape).items())).encode())
    for source in [*sorted((ROOT / "tests" / "reference").glob("*.py")), Path(__file__), *_workload_sources()]:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _workload_sources() -> Iterable[Path]:
    yield Path(__file__).with_name("workload.py")


def _judge(shape: Shape) -> Answer:
    from tests.reference.tables import row

    records: list[list[dict[str, Any]]] = [[] for _ in range(shape.partitions)]
    rejects: dict[str, int] = {}
    for arrival in Workload(shape):
        if arrival.fact is None:
            rejects[arrival.reject or ""] = rejects.get(arrival.reject or "", 0) + 1
        else:
            records[arrival.partition].append(arrival.fact)
    clock = max(fact["at"] for part in records for fact in part)
    work = [(number, part, clock) for number, part in enumerate(records)]
    with ProcessPoolExecutor(max_workers=2) as pool:
        parts = list(pool.map(_judge_partition, work))
    histories = [history for part, _ in parts for history in part]
    cells: Cells = {}
    for history in histories:
        for movement in history.movements:
            for name, customers, value in _cells_of(movement):
                held = cells.get(name, (0, 0))
                cells[name] = (held[0] + customers, held[1] + value)
    accounting: dict[str, Any] = {"dead_lettered": dict(sorted(rejects.items())), "records": sum(rejects.values())}
    for _, counted in parts:
        _add(accounting, counted)
    # Before this instant lies every movement, and it falls into no window but the one of everything.
    totals = row(histories, -(1 << 62), 1 << 62, _everywhere, None)
    return Answer({name: sums for name, sums in cells.items() if sums != (0, 0)}, totals, accounting)


def _everywhere(scope: object) -> bool:
    return True


def _judge_partition(work: tuple[int, list[dict[str, Any]], str]) -> tuple[list[Any], dict[str, Any]]:
    from tests.reference.ledger import Reference

    number, facts, clock = work
    reference = Reference(((number, fact) for fact in facts), {"until": clock})
    histories = list(reference.histories.values())
    counted = reference.accounting({})
    for history in histories:
        history.outcomes = {}
        history.implied_by = None
        for movement in history.movements:
            movement.cause = None
    return histories, counted


def _cells_of(movement: Any) -> Iterable[tuple[str, int, int]]:
    minute = movement.at // MINUTE_US
    segment, region, _ = movement.scope
    kind = movement.kind
    if kind == "transfer":
        yield f"{minute}|transferred_out|{segment}|{region}|", movement.customers, movement.value
        yield f"{minute}|transferred_in|{movement.to[0]}|{movement.to[1]}|", movement.customers, movement.value
        return
    reason = movement.reason if kind == "lost" else ""
    yield f"{minute}|{kind}|{segment}|{region}|{reason}", movement.customers, movement.value


def _add(sums: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, Mapping):
            _add(sums.setdefault(name, {}), value)
        else:
            sums[name] = sums.get(name, 0) + value
