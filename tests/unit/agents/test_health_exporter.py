"""Health on /metrics: whole customers, major units, nothing without its owner, and no more series than agreed."""

from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry

from agents.health_exporter import MOST_PARTS, HealthCollector
from streams.health.signals import Level, Status
from streams.health.status import StatusBook
from tests.unit.agents.made_up_health import MadeUpHealth
from tests.unit.streams.health.signalling import START

STAGE = {"scope": "stage", "service": "shop", "stage": "checkout", "window": "1h"}
GOLD = STAGE | {"scope": "segment_region", "segment": "gold", "region": "north"}


def registered(view: MadeUpHealth, label_limit: int = 100) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(HealthCollector(view, label_limit=label_limit))
    return registry


def test_customers_value_and_false_green() -> None:
    value = registered(MadeUpHealth()).get_sample_value
    assert value("netgrowth_health_customers_seen", STAGE) == 40
    assert value("netgrowth_health_customers_disrupted", STAGE) == 40
    assert value("netgrowth_health_value_at_risk", STAGE) == 30 * 10.5
    assert value("netgrowth_health_customers_of_unknown_value", STAGE) == 10
    assert value("netgrowth_health_colour", GOLD) == 2
    assert value("netgrowth_health_customers_in_trouble") == 30
    assert value("netgrowth_health_stage_tier", {"service": "shop", "stage": "checkout"}) == 1
    spell = {name: text for name, text in STAGE.items() if name != "window"}
    assert value("netgrowth_health_false_green_seconds", spell) == 9 * 60  # the running minute is not over
    assert value("netgrowth_health_false_green_since_timestamp_seconds", spell) == START / 1000 + 30 * 60
    assert value("netgrowth_health_service_status_timestamp_seconds", {"service": "shop"}) == START / 1000
    assert value("netgrowth_health_stage_status", {"service": "shop", "stage": "checkout"}) == 0
    assert value("netgrowth_health_probes_sent", GOLD | {"segment": "unknown", "region": "unknown"}) == 1


def test_the_word_of_the_stage_goes_before_that_of_the_service() -> None:
    view = MadeUpHealth()
    view.health.statuses.add([Status(START * 1000, "shop", "checkout", None, Level.DOWN)])
    of_stage = {"service": "shop", "stage": "checkout"}
    assert registered(view).get_sample_value("netgrowth_health_stage_status", of_stage) == 2
    view = MadeUpHealth()
    view.health.statuses = StatusBook()
    assert registered(view).get_sample_value("netgrowth_health_stage_status", of_stage) is None


def test_the_largest_subsets_of_the_last_hour_are_shown_in_words() -> None:
    view = MadeUpHealth()
    view.name({"airport": ("JFK",)}, "stale", 99, ago=3_600_000_000)
    for number in range(15):
        view.name({"airport": ("JFK",)}, str(number), number)
    view.name({"airport": ("EWR", "LGA"), "segment": ("Gold",)}, "checkout", 30)
    registry = registered(view)
    assert registry.get_sample_value("netgrowth_health_subsets_named") == 16
    shown = [
        (sample.labels, sample.value) for family in registry.collect() for sample in family.samples
        if sample.name == "netgrowth_health_subset_customers_disrupted"
    ]  # fmt: skip
    assert len(shown) == 10
    assert shown[0] == (
        {"service": "shop", "stage": "checkout", "subset": "airport EWR or LGA and segment Gold"}, 30,
    )  # fmt: skip
    assert min(value for _, value in shown) == 6


def test_only_the_owner_exports_a_scope() -> None:
    name = "netgrowth_health_customers_seen"
    shown = [registered(MadeUpHealth([number])).get_sample_value(name, STAGE) for number in range(4)]
    assert sorted(one for one in shown if one is not None) == [40]
    assert registered(MadeUpHealth([])).get_sample_value("netgrowth_health_customers_in_trouble") == 30


def names_of(registry: CollectorRegistry, label: str) -> Sequence[str]:
    samples = (one for family in registry.collect() for one in family.samples)
    found = [one for one in samples if one.name == "netgrowth_health_customers_seen" and label in one.labels]
    return [one.labels[label] for one in found]


def test_parts_beyond_the_budget_are_added_up() -> None:
    view = MadeUpHealth(regions=240)
    whole = view.health.windows.rows("1h")
    assert len(whole) < MOST_PARTS  # the guard has nothing to do
    assert "other" not in names_of(registered(view), "region")
    registry = registered(view, label_limit=0)
    assert set(names_of(registry, "service")) == {"other"}
    seen = registry.get_sample_value(
        "netgrowth_health_customers_seen", {"scope": "stage", "service": "other", "stage": "other", "window": "1h"}
    )
    assert seen == 40


def test_the_parts_of_a_stage_fold_into_other(monkeypatch) -> None:
    monkeypatch.setattr("agents.health_exporter.MOST_PARTS", 3)
    view = MadeUpHealth(regions=240)
    registry = registered(view)
    parts = names_of(registry, "region")
    assert len(parts) == 4
    assert "other" in parts
    assert registry.get_sample_value("netgrowth_health_scopes") > registry.get_sample_value(
        "netgrowth_health_scopes_shown"
    ) == 3


def test_who_knew_first_and_the_lead_before_the_first_loss() -> None:
    view = MadeUpHealth()
    assert registered(view).get_sample_value("netgrowth_health_troubles") == 2
    absent = ("troubles_complained_of", "first_to_know_ratio", "lead_before_loss_seconds")
    values = {name: registered(view).get_sample_value(f"netgrowth_health_{name}") for name in absent}
    assert values == dict.fromkeys(absent)
    view.hear_and_lose()
    value = registered(view).get_sample_value
    assert value("netgrowth_health_troubles_complained_of") == 1
    assert value("netgrowth_health_first_to_know_ratio") == 1
    assert value("netgrowth_health_troubles_left_after") == 1
    assert value("netgrowth_health_lead_before_loss_seconds") == 59 * 60


def test_those_who_left_and_those_who_stayed_by_whether_they_were_disrupted() -> None:
    view = MadeUpHealth()
    assert registered(view).get_sample_value("netgrowth_health_stayers", {"disrupted": "no"}) is None
    view.lose()

    def value(name: str, **labels: str) -> float | None:
        return registered(view, label_limit=1).get_sample_value(f"netgrowth_health_{name}", labels)

    assert value("leavers", reason="price", disrupted="yes") == 2
    assert value("leavers", reason="other", disrupted="yes") == 1
    assert value("leavers", reason="price", disrupted="no") == 0
    in_other_partitions = 21
    assert value("stayers", disrupted="yes") == 20 + in_other_partitions
    assert value("stayers", disrupted="no") == 880
    lower, estimate = value("leaving_risk_ratio", bound="lower"), value("leaving_risk_ratio", bound="estimate")
    assert estimate == pytest.approx((3.5 / 44.5) / (0.5 / 880.5))
    assert lower is not None
    assert 1 < lower < estimate


def test_a_word_of_operations_that_is_stale_is_no_level() -> None:
    view = MadeUpHealth()
    view.health.statuses = StatusBook(30)
    view.health.statuses.add([Status(START * 1000, "shop", None, None, Level.UP)])
    value = registered(view).get_sample_value
    assert value("netgrowth_health_status_known") == 0
    assert value("netgrowth_health_service_status", {"service": "shop"}) is None
    assert value("netgrowth_health_service_status_timestamp_seconds", {"service": "shop"}) == START / 1000
    assert value("netgrowth_health_stage_status", {"service": "shop", "stage": "checkout"}) is None
