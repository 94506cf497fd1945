"""What the worker tells of itself: counters fed once per batch and flush, and the page of metrics.

Feeds are named without a prefix in labels, so that boards and alerts fit every environment.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from agents.exporter import CompanyCollector, FeedCollector, FeedState
from agents.feeds import FEEDS
from agents.health_exporter import HealthCollector
from agents.metrics_page import MetricsPage, WhileInForce
from agents.owners_exporter import OwnersCollector
from agents.partition_state import Admitted
from agents.process_metrics import ProcessMetrics
from agents.surge_evidence import SurgeEvidence
from agents.surge_exporter import SurgeCollector
from agents.survey_exporter import SurveyCollector
from agents.transport import RecordBatch
from agents.voice_exporter import VoiceCollector
from agents.wall_clock import wall_clock_us
from streams.intake.intake import TAKEN_OUTCOMES

if TYPE_CHECKING:
    from agents.app import LedgerWorker

class Telemetry:
    """Watches the stages, and makes the page of metrics when it is asked for."""

    def __init__(self, own_topics: Iterable[str] = ()) -> None:
        """`own_topics`: of the company, which the worker reads beside the feeds."""
        self._registry = CollectorRegistry()
        outcomes = {feed.topic: feed.outcomes for feed in FEEDS} | dict.fromkeys(own_topics, TAKEN_OUTCOMES)
        self._process = ProcessMetrics(self._registry, outcomes)
        self._newest_append_us: dict[tuple[str, int], int] = {}
        self._worker: LedgerWorker | None = None
        self._page: MetricsPage | None = None

    def attach(self, worker: "LedgerWorker") -> None:
        """Tell of this worker from now on."""
        self._worker = worker
        partitions = {stage.feed: stage.expected_partitions for stage in worker.stages}
        self._registry.register(FeedCollector(self, partitions))
        label_limit = worker.settings.label_limit
        if worker.health_company is not None:
            health = HealthCollector(worker.health_company, label_limit=label_limit)
            self._registry.register(WhileInForce(health, worker.shows))
        if worker.voice_company is not None:
            voice = VoiceCollector(worker.voice_company, label_limit=label_limit)
            self._registry.register(WhileInForce(voice, worker.shows))
        if (answers := worker.answers) is not None:
            surveys = SurveyCollector(answers.counts, answers.outcomes, lambda: answers.complete)
            self._registry.register(WhileInForce(surveys, worker.shows))
        if worker.surges is not None and worker.surge_board is not None:
            evidence = SurgeEvidence(worker.company, worker.disrupted_before)
            surges = SurgeCollector(
                worker.surges, worker.surge_board.log, label_limit=label_limit,
                currency=worker.definitions.currency, evidence=evidence,
                leads=worker.survey_leads,
            )  # fmt: skip
            self._registry.register(WhileInForce(surges, worker.shows))
        if worker.owners_losses is not None:
            owners = OwnersCollector(worker.owners_losses, worker.names, currency=worker.definitions.currency)
            self._registry.register(WhileInForce(owners, worker.shows))
        tables = CompanyCollector(worker.company, label_limit=label_limit)
        self._page = MetricsPage(self._registry, tables)

    def batch_read(self, feed: str, batch: RecordBatch, admitted: Admitted, now_us: int) -> None:
        """A batch was applied."""
        records = batch.records
        appended = records[0].timestamp if records else None
        if records and records[-1].timestamp is not None:
            self._newest_append_us[feed, batch.partition] = records[-1].timestamp * 1000
        instants = admitted.event_times
        self._process.batch_read(
            feed, admitted, now_us=now_us,
            oldest_event_us=min(instants, default=None),
            newest_event_us=max(instants, default=None),
            oldest_append_us=None if appended is None else appended * 1000,
        )  # fmt: skip

    def flushed(self, seconds: float, records: int, size: int) -> None:
        """A flush was delivered."""
        self._process.flushed(seconds, records, size)

    def feeds(self) -> Iterator[FeedState]:
        """The partitions that this worker reads, now."""
        worker = self._worker
        if worker is None or worker.editions.is_candidate:
            return  # What a candidate reads is read beside the edition in force: lag and ownership are that one's.
        now = wall_clock_us()
        for stage in worker.stages:
            for status in worker.app.transport.status():
                if status.topic != stage.topic:
                    continue
                number = status.partition
                state = stage.partitions.get(number)
                time = None if state is None else state.watermark.state(now)
                books = worker.ledger.books.get(number) if stage is worker.ledger else None
                yield FeedState(
                    stage.feed, number, owned=True,
                    recovering=status.recovering or state is None,
                    idle=time is not None and time.idle,
                    watermark_us=None if time is None else time.largest,
                    newest_append_us=self._newest_append_us.get((stage.feed, number)),
                    lag=status.lag,
                    bytes_in_flight=status.bytes_in_flight,
                    records_in_flight=status.records_in_flight,
                    lost_to_retention=status.lost_to_retention,
                    facts=None if books is None else books.ledger.counts,
                )  # fmt: skip

        for status in worker.app.transport.status():
            if status.topic in worker.definitions.own_topics:
                yield FeedState(
                    status.topic, status.partition, owned=True, idle=status.lag == 0,
                    newest_append_us=self._newest_append_us.get((status.topic, status.partition)),
                    lag=status.lag,
                    bytes_in_flight=status.bytes_in_flight,
                    records_in_flight=status.records_in_flight,
                    lost_to_retention=status.lost_to_retention,
                )  # fmt: skip

    def page(self, accept: str) -> tuple[bytes, str]:
        """The metrics, and their content type.

        Raises: RuntimeError before a worker is attached.
        """
        if self._page is None:
            raise RuntimeError("no worker is attached")
        return self._page.render(accept)
