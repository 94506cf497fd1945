"""A worker that begins names what the others name: it goes on from what they had learnt."""

from typing import Any

from streams.health.health_json import subset_row
from streams.health.live.company import CompanyHealth
from streams.health.live.parts import MEMORY_PART, HealthKey, key_of_part, pack_part
from streams.health.naming import WatchMemory
from tests.unit.streams.health.faults import hit_by, shop, stream
from tests.unit.streams.health.live.company_of_books import CLOCK, LiveHealth

SEED = 3


def documents() -> list[dict[str, Any]]:
    return [
        {
            "event_id": one.event_id, "at": one.at // 1000, "customer_id": one.customer_id, "service": one.service,
            "stage": one.stage, "ok": one.ok, "latency_ms": (one.latency_us or 0) / 1000,
            "attributes": one.attributes,
        }
        for one in stream(SEED, customers=3_000, fault_at=25.3)
    ]  # fmt: skip


def usual(memory: WatchMemory) -> dict[Any, tuple[float, float]]:
    return {
        name: (seen, hurt)
        for name, seen, hurt in zip(memory.combinations, memory.seen, memory.disrupted, strict=True)
    }  # fmt: skip


def test_a_company_that_begins_later_goes_on_from_the_memory_of_another() -> None:
    signals = documents()
    live = LiveHealth(shop(), 2)

    def play(part: list[dict[str, Any]]) -> None:
        for start in range(0, len(part), 500):
            live.send(part[start : start + 500])
            live.tick()

    play(signals[: len(signals) // 3])
    live.tick()
    memories = live.company.memories()
    play(signals[len(signals) // 3 : len(signals) // 2])
    live.settle()
    before = [subset_row(one) for one in live.company.named]
    assert [one["attributes"] for one in before] == [hit_by(SEED)]

    begun = CompanyHealth(live.definitions, 2, CLOCK)
    for kind, memory in memories:
        begun.apply(key_of_part(HealthKey(0, MEMORY_PART, *kind)), pack_part(0, memory, 1))
    for records in live.parts:
        for key, value in records:
            begun.apply(key, value)
    while begun.look():
        pass
    assert [subset_row(one) for one in begun.named] == before
    ((_, own),), ((_, others),) = begun.memories(), live.company.memories()
    assert (own.minute, own.levels, own.named) == (others.minute, others.levels, others.named)
    assert usual(own) == usual(others)

    live.company.apply(key_of_part(HealthKey(0, MEMORY_PART, *memories[0][0])), pack_part(0, memories[0][1], 9))
    assert [subset_row(one) for one in live.company.named] == before  # who has looked for itself keeps its own
