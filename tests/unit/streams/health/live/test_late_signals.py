"""Late signals correct troubles and names for a day, also those of a partition that others did not wait for."""

from typing import Any

import msgspec
import numpy as np
import pytest

from streams.facts.placement import partition_for
from streams.health.live.kept_minutes import KeptMinutes
from streams.health.live.parts import MinutePart, packed, unpacked
from streams.health.live.running import LONGEST
from streams.health.live.search import MinuteSearch
from tests.unit.streams.health.faults import shop, stream
from tests.unit.streams.health.live.company_of_books import LiveHealth
from tests.unit.streams.health.signalling import START, definitions, signal

SEED, CUSTOMERS = 1, 2_000
MINUTE_MS = 60_000


def a_faulty_hour() -> list[dict[str, Any]]:
    return [
        {
            "event_id": one.event_id, "at": one.at // 1000, "customer_id": one.customer_id, "service": one.service,
            "stage": one.stage, "ok": one.ok, "latency_ms": (one.latency_us or 0) / 1000,
            "attributes": one.attributes,
        }
        for one in stream(SEED, customers=CUSTOMERS, fault_at=25.3)
    ]  # fmt: skip


def counted(live: LiveHealth) -> tuple[int, int]:
    live.settle()
    (named,) = live.company.named
    return named.customers, named.disrupted


def test_who_comes_late_is_behind_the_name() -> None:
    signals = a_faulty_hour()
    begin = signals[0]["at"]
    until = [one for one in signals if one["at"] < begin + 35 * MINUTE_MS]
    at_once, held_back = LiveHealth(shop(), 4), LiveHealth(shop(), 4)
    late = [one for one in until if one["at"] >= begin + 28 * MINUTE_MS and of_partition(one) == 1]
    is_late = {one["event_id"] for one in late}
    for minute in range(0, 35, 5):
        piece = [one for one in until if minute <= (one["at"] - begin) / MINUTE_MS < minute + 5]
        at_once.send(piece)
        held_back.send([one for one in piece if one["event_id"] not in is_late])
        for live in (at_once, held_back):
            live.settle()
    held_back.send(late)
    held_back.settle()
    (following,) = [one for one in signals if one["at"] >= begin + 37 * MINUTE_MS and of_partition(one) == 1][:1]
    for live in (at_once, held_back):
        live.send([following])
        live.settle()
        live.send([{**following, "event_id": "last", "at": following["at"] + 2 * MINUTE_MS}])
        live.settle()
    assert counted(held_back) == counted(at_once)


def of_partition(signal: dict[str, Any]) -> int:
    return partition_for(signal["customer_id"].encode(), 4)


@pytest.mark.parametrize("lag", [10, 45, 20 * 60])
def test_a_trouble_that_is_told_late_is_a_trouble(lag: int) -> None:
    well = [signal(number, minute, f"c{number % 100}") for number, minute in enumerate(range(lag + 60))]
    hurt = [signal(50_000 + n, 5 + n % 10, f"h{n}", ok=False) for n in range(600)]
    live = LiveHealth(definitions(), 2)
    for piece in range(0, lag + 15, 60):
        live.send(well[piece : min(piece + 60, lag + 15)])
        live.settle()
    assert live.company.troubles() == []
    live.send(hurt)
    live.settle()
    live.crash(0)
    live.settle()
    live.send(well[lag + 15 :])
    live.settle()
    (trouble, *parts) = live.company.troubles()
    assert {(one.start - START // MINUTE_MS, one.end - START // MINUTE_MS) for one in (trouble, *parts)} == {(5, 15)}


def test_of_minutes_out_of_memory_each_partition_tells_anew() -> None:
    kept = KeptMinutes()
    for minute in range(200):
        kept.put(minute, 0, 1, part_of(minute))
        kept.put(minute, 1, 1, part_of(7))
    kept.pass_to(200)
    kept.put(3, 1, 2, part_of(8))
    assert [unpacked(kept.parts(3)[number].units, 2).tolist() for number in (0, 1)] == [[[3, 0]], [[8, 0]]]
    kept.void(1, 3, since=180)
    assert sorted(kept.parts(3)) == sorted(kept.parts(179)) == [0, 1]
    assert sorted(kept.parts(180)) == [0]
    assert kept.ripe(180, 183) == [180, 181, 182]
    kept.pass_to(3 + LONGEST + 1)
    assert kept.parts(3) == {}
    assert sorted(kept.parts(4)) == [0, 1]


def part_of(seen: int) -> bytes:
    units = packed(np.array([[seen, 0]]))
    return msgspec.msgpack.encode(MinutePart([(("shop", "checkout"), ())], units, b"", [], b""))


def test_another_owner_that_counts_alike_corrects_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    corrected, correct = [], MinuteSearch.correct

    def noting(search: MinuteSearch, minute: int, parts: dict[int, MinutePart]) -> None:
        corrected.append(minute - START // MINUTE_MS)
        correct(search, minute, parts)

    monkeypatch.setattr(MinuteSearch, "correct", noting)
    live = LiveHealth(definitions(), 2)
    for start in range(0, 200, 20):
        numbers = range(start * 5, start * 5 + 100)
        live.send([signal(number, start + number % 20, f"c{number % 100}") for number in numbers])
        live.settle()
    live.crash(1)
    live.settle()
    assert corrected == []
    live.send([signal(1_000_000, 8, "another")])
    live.settle()
    assert corrected == [8]
