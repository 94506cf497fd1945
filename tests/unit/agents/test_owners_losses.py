"""Whose customers left in a trouble: each owner's own, those of most value by name, and nobody else's."""

from types import SimpleNamespace

from prometheus_client import CollectorRegistry

from agents.owners_exporter import OwnersCollector
from agents.owners_losses import LISTED, OwnersLoss, by_owner, widest
from agents.shown_names import ShownNames
from config.settings import load as load_settings
from streams.facts.definitions.alerts import AlertRules
from streams.facts.definitions.owners import CustomerOwner
from streams.ledger.movement_lines import MovementLine
from streams.surges.series import series
from streams.surges.surge import Surge

RULES = AlertRules(
    owners=(
        CustomerOwner("ann", (("segment", frozenset({"A"})), ("region", frozenset({"N"})))),
        CustomerOwner("bob", (("segment", frozenset({"A", "B"})),)),
    )
)


def lost(customer: str, segment: str, value: int, region: str = "N") -> MovementLine:
    return MovementLine(customer, "lost", 0, segment, region, "p", 1, value)


def surge(story: str, onset: int, measure: str = "lost_customers", direction: str = "up", **labels: str) -> Surge:
    return Surge(f"{story}{onset}", series(measure, **labels), onset, onset, direction, 9, 1, 300, story)


def test_each_loss_is_of_the_first_owner_whose_customer_it_was():
    found = by_owner(
        [
            lost("c1", "A", 100), lost("c2", "A", 900), lost("c3", "A", 50, "S"), lost("c4", "B", 7),
            lost("c5", "C", 1),
        ],
        RULES,
    )  # fmt: skip
    assert found == {
        "ann": OwnersLoss(2, 1000, [("c2", 900), ("c1", 100)]), "bob": OwnersLoss(2, 57, [("c3", 50), ("c4", 7)]),
    }  # fmt: skip


def test_only_those_of_most_value_are_named():
    found = by_owner([lost(f"c{n:02}", "B", n % 30) for n in range(40)], RULES)["bob"]
    assert (found.customers, len(found.largest)) == (40, LISTED)
    assert [value for _, value in found.largest] == sorted((n % 30 for n in range(40)), reverse=True)[:LISTED]


def test_the_whole_speaks_for_its_story():
    told = [
        surge("s", 10, segment="A"), surge("s", 20, "lost_value"), surge("s", 30), surge("t", 5, segment="B"),
        surge("u", 5, direction="down"),
    ]  # fmt: skip
    assert {story: one.surge_id for story, one in widest(told).items()} == {"s": "s30", "t": "t5"}


def test_customers_are_named_as_to_whoever_asks():
    losses = SimpleNamespace(found={"s": {"ann": OwnersLoss(3, 100_000, [("c1", 90_000)])}})
    for choice in ("pseudonym", "real"):
        names = ShownNames(load_settings({"NETGROWTH_CUSTOMER_IDS": choice, "NETGROWTH_PSEUDONYM_KEY": "k" * 16}))
        registry = CollectorRegistry()
        registry.register(OwnersCollector(losses, names, currency="EUR"))
        of = {"story": "s", "owner": "ann"}
        assert registry.get_sample_value("netgrowth_owner_customers_lost", of) == 3
        assert registry.get_sample_value("netgrowth_owner_value_lost", of) == 1000.0
        [family] = [one for one in registry.collect() if one.name == "netgrowth_owner_customer_value_lost"]
        [sample] = family.samples
        assert sample.value == 900.0
        assert (sample.labels["customer"] == "c1") == (choice == "real")
        assert names.id_of(sample.labels["customer"]) == "c1"
