"""A name's customers are those of all signals, also of a partition that others did not wait for."""

from typing import Any

from streams.facts.placement import partition_for
from tests.unit.streams.health.faults import shop, stream
from tests.unit.streams.health.live.company_of_books import LiveHealth

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
