"""The page `/metrics`: text or OpenMetrics, as the caller asks for."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from agents.exporter import CompanyCollector

_END = b"# EOF\n"


class _Others:
    """A collector's families that are not of rows; the page writes those itself."""

    def __init__(self, company: CompanyCollector) -> None:
        self.describe = company.describe
        self.collect = company.others


class WhileInForce(Collector):
    """A collector of what is the company's, empty while another edition is in force (`agents.editions`)."""

    def __init__(self, collector: Collector, shows: Callable[[], bool]) -> None:
        self._collector = collector
        self._shows = shows

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering does not collect."""
        return []

    def collect(self) -> Iterable[Metric]:
        """The collector's families, while they are to be shown."""
        return self._collector.collect() if self._shows() else ()


class MetricsPage:
    """Everything of a registry, and the tables.

    The collector of the tables is not registered in it: its lines are kept from scrape to scrape, which a registry
    can not do.
    """

    def __init__(self, registry: CollectorRegistry, company: CompanyCollector) -> None:
        self._registry = registry
        self._company = company
        registry.register(_Others(company))

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The page and its content type, for the text of an Accept header."""
        encode, content_type = choose_encoder(accept)
        page = encode(self._registry)
        tables = self._company.text().encode("utf-8", "replace")
        if page.endswith(_END):
            return page[: -len(_END)] + tables + _END, content_type
        return page + tables, content_type
