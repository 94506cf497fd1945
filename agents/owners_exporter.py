"""What open troubles have cost each owner of customers, on `/metrics` of the worker that runs the detectors."""

from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from agents.metric_families import add_sample, family_of
from agents.owners_losses import OwnersLosses
from agents.shown_names import ShownNames
from streams.catalogue import OWNERS
from streams.facts.money import minor_digits


class OwnersCollector(Collector):
    """By story and owner; customers by the name that is shown to whoever asks."""

    def __init__(self, losses: OwnersLosses, names: ShownNames, *, currency: str) -> None:
        self._losses = losses
        self._names = names
        self._unit = 10 ** minor_digits(currency)

    def describe(self) -> Iterable[Family]:
        """Nothing: registering does not collect."""
        return []

    def collect(self) -> Iterator[Family]:
        """Every family with its samples."""
        families = {metric.name: family_of(metric) for metric in OWNERS}
        for story, owners in self._losses.found.items():
            for owner, loss in owners.items():
                of = {"story": story, "owner": owner}
                add_sample(families, "netgrowth_owner_customers_lost", loss.customers, **of)
                add_sample(families, "netgrowth_owner_value_lost", loss.value / self._unit, **of)
                for customer_id, value in loss.largest:
                    add_sample(
                        families, "netgrowth_owner_customer_value_lost", value / self._unit, **of,
                        customer=self._names.of(customer_id),
                    )  # fmt: skip
        yield from (family for family in families.values() if family.samples)
