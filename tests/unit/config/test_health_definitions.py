"""The section `health` of a definitions file, and the journey's tiers: what they say, and every fault named."""

import pytest

from config.definitions_file import DefinitionsError, parse
from streams.health.rules import Colour, Disruption, Threshold
from tests.unit.streams.health.signalling import NATIVE

WHOLE = """
journey: [browsing, {stage: checkout, tier: 1}, {stage: delivery}]
health:
  horizon: 2h
  thresholds:
    - {service: shop, stage: checkout, segment: gold, satisfied_within: 300ms}
    - {service: shop, satisfied_within: 2s}
    - {satisfied_within: learnt}
  learning: {margin: 1.5, days: 14, around_hours: 1, after: 48h, quantile: 0.9}
  disrupted: {share: 0.25, bad: not_satisfied}
  yellow: {share: 0.01}
  red: {share: 0.2, customers: 500}
  yellow_: 1
"""


def test_all_that_health_is_judged_by_is_read() -> None:
    sound = WHOLE.replace("  yellow_: 1\n", "").replace("{share: 0.01}", "{share: 0.01, customers: 9}")
    definitions = parse(NATIVE + sound)
    rules = definitions.health
    assert definitions.tiers == {"browsing": 3, "checkout": 1, "delivery": 3}
    assert definitions.stages == ("browsing", "checkout", "delivery")
    assert rules.horizon_us == 7_200_000_000
    assert rules.thresholds[0] == Threshold("shop", "checkout", "gold", 300_000)
    assert rules.satisfied_us("shop", "checkout", "gold") == 300_000
    assert rules.satisfied_us("shop", "checkout", "silver") == 2_000_000
    assert rules.satisfied_us("app", "checkout", "gold") is None
    assert rules.disruption == Disruption(0.25, True)
    assert (rules.yellow, rules.red) == (Colour(0.01, 9), Colour(0.2, 500))
    assert (rules.learning.margin, rules.learning.days, rules.learning.after_us) == (1.5, 14, 172_800_000_000)


def test_the_horizon_of_signals_is_that_of_facts_unless_stated() -> None:
    assert parse(NATIVE + "horizon: 5h\n").health.horizon_us == 18_000_000_000


STAGE_B = "journey: [a]\nhealth: {thresholds: [{stage: b, satisfied_within: 1s}]}\n"
FIRST = "health.signals.rules[0]"
SIGNALS = """health:
  signals:
    rules:
      - {name: a, at: t, event_id: e, customer_id: c, service: s, stage: g}
"""


@pytest.mark.parametrize(
    ("text", "path", "mend"),
    [
        ("health: {treshold: 1}\n", "health.treshold", "did you mean `thresholds`?"),
        ("health: {thresholds: [{service: shop}]}\n", "health.thresholds[0].satisfied_within", "or `learnt`"),
        ("health: {thresholds: [{satisfied_within: fast}]}\n", "health.thresholds[0].satisfied_within", "30m"),
        (
            "health: {thresholds: [{satisfied_within: 1s}, {service: shop, satisfied_within: 2s}]}\n",
            "health.thresholds[1]", "put the narrower threshold first",
        ),
        ("journey: [a, a]\n", "journey[1]", "name each stage once"),
        ("journey: [{stage: a, tier: 4}]\n", "journey[0].tier", "write one of: 1, 2, 3"),
        (STAGE_B, "health.thresholds[0].stage", "one of: a"),
        ("health: {red: {share: 2}}\n", "health.red.share", "write for example 0.05"),
        ("health: {yellow: {share: 0.5}}\n", "health.red", "let `yellow` be below `red`"),
        ("health: {disrupted: {bad: slow}}\n", "health.disrupted.bad", "frustrated, not_satisfied"),
        ("health: {native: false}\n", "health.signals", "list signals"),
        ("health: {learning: {days: 90}}\n", "health.learning", "at most 56 days"),
        ("health: {subsets: {false_namings_a_week: 0}}\n", "health.subsets.false_namings_a_week", "1.5"),
        (SIGNALS.replace("customer_id: c, ", ""), f"{FIRST}.customer_id", "holds the customer's id"),
        (SIGNALS.replace("stage: g", "stage: g, ok: {constant: perhaps}"), f"{FIRST}.ok", "true, false"),
        (SIGNALS.replace("stage: g", "stage: g, speed: 1"), f"{FIRST}.speed", "known here"),
        (SIGNALS.replace("at: t", "at: {constant: noon}"), f"{FIRST}.at", "2024-07-01T00:00:00Z"),
        (SIGNALS.replace("stage: g", "stage: {hash: [a]}"), f"{FIRST}.stage", "name a field"),
        (
            SIGNALS.replace("signals", "status").replace("event_id: e, customer_id: c", "status: {constant: fine}"),
            "health.status.rules[0].status", "up, degraded, down",
        ),
        (SIGNALS + SIGNALS.splitlines()[-1] + "\n", "health.signals.rules[1]", "give each its own name"),
        (f"journey: [a]\n{SIGNALS.replace('stage: g', 'stage: {constant: b}')}", f"{FIRST}.stage", "one of: a"),
    ],
)  # fmt: skip
def test_every_fault_is_named_with_its_place_and_how_to_mend_it(text: str, path: str, mend: str) -> None:
    with pytest.raises(DefinitionsError) as error:
        parse(NATIVE + text)
    assert [(fault.path, mend in fault.mend) for fault in error.value.faults] == [(path, True)]
    assert error.value.faults[0].line > NATIVE.count("\n")


def test_two_faults_are_told_at_once() -> None:
    with pytest.raises(DefinitionsError) as error:
        parse(NATIVE + WHOLE)
    assert {fault.path for fault in error.value.faults} == {"health.red", "health.yellow_"}
