"""Order, repetition and partitions of arrival change nothing of perceived health, and its counts are the truth."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.streams.health.signalling import START, health_of

MINUTES = 190


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Signals of few customers over some hours, ids that repeat among them."""
    count = draw(st.integers(1, 40))
    return [
        {
            "event_id": f"e{draw(st.integers(0, count))}",
            "at": START + draw(st.integers(0, MINUTES * 60 - 1)) // 20 * 20_000,
            "customer_id": f"c{draw(st.integers(0, 5))}",
            "service": draw(st.sampled_from(["shop", "app"])),
            "stage": "checkout",
            "ok": draw(st.booleans()),
            "latency_ms": draw(st.sampled_from([100, 1_500, 9_000])),
            "attributes": {"device": draw(st.sampled_from(["ios", "web"])), "number": str(number)},
        }
        for number in range(count)
    ]


def one_of_each_id(signals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in signals:
        found.setdefault((one["customer_id"], one["event_id"]), one)
    return list(found.values())


@settings(max_examples=12, deadline=None)
@given(histories(), st.randoms(use_true_random=False), st.sampled_from(["hour", "day", None]))
def test_order_repetition_and_partitions_of_arrival_change_nothing(
    signals: list[dict[str, Any]], random: Any, by: str | None
) -> None:
    plain = health_of(signals, by=by)
    arrived = signals + signals[: len(signals) // 2]
    random.shuffle(arrived)
    for partitions, batch in ((1, 7), (3, 1000)):
        again = health_of(arrived, by=by, partitions=partitions, batch=batch)
        assert again["periods"] == plain["periods"]
        assert again["subsets"] == plain["subsets"]


@settings(max_examples=12, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_customer_minutes_are_the_known_truth(signals: list[dict[str, Any]], random: Any) -> None:
    signals = one_of_each_id(signals)
    cells: dict[tuple[str, str, int], list[bool]] = {}
    for one in signals:
        frustrated = not one["ok"] or one["latency_ms"] > 4_000
        cells.setdefault((one["service"], one["customer_id"], one["at"] // 60_000), []).append(frustrated)
    hurt = [cell for cell, bad in cells.items() if 2 * sum(bad) >= len(bad)]
    arrived = signals * 2
    random.shuffle(arrived)
    rows = {row["service"]: row for row in health_of(arrived)["periods"][0]["scopes"]}
    for service in {service for service, _, _ in cells}:
        row = rows[service]
        assert row["customer_minutes"] == sum(cell[0] == service for cell in hurt)
        assert row["disrupted"] == len({cell[1] for cell in hurt if cell[0] == service})
        assert row["customers"] == len({cell[1] for cell in cells if cell[0] == service})


@settings(max_examples=10, deadline=None)
@given(histories(), st.randoms(use_true_random=False), st.integers(0, MINUTES))
def test_value_at_risk_is_the_sum_over_the_distinct_disrupted_at_any_instant(
    signals: list[dict[str, Any]], random: Any, minute: int
) -> None:
    until = START + minute * 60_000
    facts, words = [], []
    for customer in [f"c{n}" for n in range(6) if random.random() < 0.8]:
        for turn in range(random.randint(1, 3)):
            at = START - 1 if turn == 0 else START + random.randrange(MINUTES) * 60_000 + turn
            words.append((at, customer, random.randrange(1, 10_000)))
            facts.append(
                {"event_id": f"{customer}-{turn}", "at": at, "customer_id": customer, "value": words[-1][2],
                 "fact": "value_changed" if turn else "joined"}
            )  # fmt: skip
    held = {customer: value for at, customer, value in sorted(words) if at <= until}
    health = health_of(one_of_each_id(signals), facts=facts, until=until * 1000)
    cells: dict[tuple[str, str, int], list[bool]] = {}
    for one in one_of_each_id(signals):
        if one["at"] <= until:
            key = one["service"], one["customer_id"], one["at"] // 60_000
            cells.setdefault(key, []).append(not one["ok"] or one["latency_ms"] > 4_000)
    for row in (row for period in health["periods"] for row in period["scopes"]):
        hurt = {
            who for (service, who, _), bad in cells.items()
            if service == row["service"] and 2 * sum(bad) >= len(bad)
        }  # fmt: skip
        assert row["disrupted"] == len(hurt)
        assert row["value_unknown"] == len(hurt - held.keys())
        assert row.get("value_at_risk", 0) == sum(held[who] for who in hurt & held.keys())
