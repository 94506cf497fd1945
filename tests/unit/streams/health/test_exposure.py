"""Disruption before a loss against the same among those who stayed."""

from random import Random

import pytest

from streams.health.exposure import Loss, exposure, risk_ratio
from tests.unit.streams.health.signalling import START, health_of, signal

DAY_MS = 86_400_000


def test_the_ratio_of_two_shares_by_hand() -> None:
    ratio = risk_ratio(60, 1000, 40, 2000)
    assert ratio is not None
    assert ratio.ratio == pytest.approx(3.0, rel=0.02)
    assert (ratio.lower, ratio.upper) == (pytest.approx(1.79, abs=0.01), pytest.approx(4.99, abs=0.02))
    assert risk_ratio(0, 0, 5, 10) is None


def drawn(seed: int, times: float) -> tuple[list[Loss], list[str], dict[str, list[int]]]:
    """Five thousand customers, a third of them disrupted; one in fifty of the others leaves."""
    random, losses, stayed, hurt = Random(seed), [], [], {}
    for number in range(5_000):
        name = f"c{number}"
        is_hurt = random.random() < 0.3
        if is_hurt:
            hurt[name] = [random.randrange(1_000)]
        if random.random() < 0.02 * (times if is_hurt else 1):
            losses.append(Loss(name, random.randrange(2_000, 10_000) * 60_000_000, "price"))
        else:
            stayed.append(name)
    return losses, stayed, hurt


@pytest.mark.parametrize("times", [1.0, 3.0])
def test_the_interval_holds_what_disruption_does_in_eighteen_of_twenty_runs(times: float) -> None:
    held = shown = 0
    for seed in range(20):
        told = exposure(*drawn(seed, times), 14 * 86_400_000_000)
        assert told is not None
        held += told["risk_ratio"]["lower"] <= times <= told["risk_ratio"]["upper"]
        shown += told["shown"]
    assert held >= 18
    assert shown >= 18 if times == 3.0 else shown <= 2


def test_losses_of_the_ledger_meet_the_disruption_of_the_days_before() -> None:
    facts = [
        {"event_id": f"j{n}", "at": START - DAY_MS, "customer_id": f"c{n}", "fact": "joined", "value": 1}
        for n in range(6)
    ]
    facts += [
        {"event_id": f"l{n}", "at": START + n * DAY_MS, "customer_id": f"c{n}", "fact": "left", "reason": reason}
        for n, reason in ((1, "price"), (2, "slow"), (3, "slow"))
    ]
    # c2 was disrupted on the first day, c1 only after it had left, c3 never; c5 was never seen.
    signals = [signal(1, 0, "c2", ok=False), signal(2, 0, "c1"), signal(3, 3_000, "c1", ok=False)]
    signals += [signal(4, 0, "c3"), signal(5, 0, "c0", ok=False), signal(6, 0, "c4")]
    signals.sort(key=lambda one: one["at"])
    told = health_of(signals, facts=facts)["exposure"]
    assert (told["left"]["customers"], told["left"]["disrupted_before"]) == (3, 1)
    assert (told["stayed"]["customers"], told["stayed"]["disrupted_before"]) == (2, 1)
    assert told["by_reason"] == [
        {"reason": "slow", "customers": 2, "disrupted_before": 1},
        {"reason": "price", "customers": 1, "disrupted_before": 0},
    ]
    assert told["shown"] is False
    assert "exposure" not in health_of(signals)
