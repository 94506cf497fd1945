"""Families of metrics out of the catalogue, and samples into them."""

from collections.abc import Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family

from streams.catalogue import Metric

MICROSECONDS = 1_000_000
"""In a second: instants of metrics are seconds."""


def family_of(metric: Metric) -> Family:
    """The empty family of a gauge."""
    return GaugeMetricFamily(metric.name, metric.about)


def add_sample(families: Mapping[str, Family], name: str, number: float | str, **labels: str) -> None:
    """Add a sample to the family of that name."""
    families[name].add_sample(name, labels, float(number))
