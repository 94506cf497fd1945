"""The worker: a Faust app with an agent for each feed, the company's tables, the exporter and the web pages."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from time import thread_time
from typing import Any

import faust

from agents.company import Company
from agents.customer_health import CustomerHealthWriter
from agents.customer_links import CustomerLinks
from agents.customer_lists import CustomerLists
from agents.disrupted_before import DisruptedBefore
from agents.editions import Candidate, EditionLog
from agents.feeds import HEALTH, LEDGER, STATUS, SURGES, SURVEYS, VOICE
from agents.health import HealthAgent, StatusAgent
from agents.health_company import HealthCompany
from agents.health_memory import PLACE, HealthMemoryWriter
from agents.input_ends import InputEnds
from agents.intake import IntakeAgent
from agents.kafka_clients import faust_brokers, faust_credentials
from agents.ledger import LedgerAgent
from agents.measuring import Measurement
from agents.net_growth import NetGrowthWriter
from agents.own_topics import asks_for_links
from agents.owners_losses import OwnersLosses
from agents.partition_stage import PartitionStage, every
from agents.partition_state import Watcher
from agents.shown_names import ShownNames
from agents.silent_feeds import CountedFeed, SilentFeeds
from agents.surge_board import SurgeBoard
from agents.surges import SurgeAgent
from agents.survey_answers import SurveyAnswers
from agents.survey_leads import SurveyLeads
from agents.telemetry import Telemetry
from agents.transport import TransportOptions, create_app
from agents.troubled_customers import TroubledCustomers
from agents.voice import VoiceAgent
from agents.voice_company import VoiceCompany
from agents.wall_clock import wall_clock_us
from agents.web.board_feed import BoardFeed
from agents.web.server import add_pages
from config.settings import Settings
from streams.books import Flush
from streams.facts.definitions.model import Definitions
from streams.health.live.complaints import Complaints
from streams.recount import table_rules
from streams.sentiment.scorer import Scorer
from streams.tables.buckets import Retention
from streams.tables.watermark import ClockRules

logger = logging.getLogger(__name__)

TICK_S = 0.25
"""Between two looks at the clock of the tables."""

NET_GROWTH_S = 2.0
"""Between two writings of changed rows to `net-growth`."""

NET_GROWTH_SHARE = 0.05
"""Of a worker's time: where event time races, as after an outage, every row changes with every look."""


VOICE_SHARE = 0.5
"""Of a worker's time: where mentions race, as in a replay, they are merged no faster."""


HEALTH_SHARE = 0.5
"""Of a worker's processor: where signals race, as in a replay, minutes are counted no faster."""

SURGES_S = 0.5
"""Between two looks at what surges."""

SURGES_SHARE = 0.4
"""Of a worker's processor: a long history is judged in the background."""

BEFORE_SHARE = 0.1
"""Of a worker's time: reading again who left in surges that are open."""


class LedgerWorker:
    """Everything one worker runs; attributes are what its pages and metrics are made of."""

    def __init__(
        self, settings: Settings, definitions: Definitions, feeds: frozenset[str] = frozenset({LEDGER.topic}), *,
        options: TransportOptions | None = None, measurement: Measurement | None = None, topic: str | None = None,
        own_topics: Iterable[str] = (), scorer: Scorer | None = None,
        counts_from: int | None = None,
    ) -> None:
        """Make a worker.

        Args:
            feeds: input topics that can be read, without prefix (`agents.feeds`); the ledger's is among them.
            scorer: of sentiment, fitted to own labels; None: the shipped one.
            topic: full name of the ledger's input topic, by default that of the settings.
            own_topics: the company's own topics that it turns into these, by their full names.
            counts_from: where the count of its edition begins, microseconds (`streams.editions.Build`).
        """
        self.settings = settings
        self.definitions = definitions
        retention = Retention(settings.keep_minutes_us, settings.keep_hours_us, settings.keep_days_us)
        rules = table_rules(definitions, retention, counts_from)
        clock_rules = ClockRules(settings.idle_after_us, settings.fresh_us)
        self.app = self._faust_app(options)
        self.editions = EditionLog(settings)
        own_topics = tuple(own_topics)
        self.links = CustomerLinks(settings) if own_topics and asks_for_links(definitions) else None
        self.telemetry = Telemetry(own_topics)
        self._measurement = measurement
        watchers: list[Watcher] = [self.telemetry]
        if measurement is not None:
            watchers.append(measurement)
        self._ends = InputEnds(settings)
        self.company = Company(settings, definitions, rules, clock_rules, lambda: self.ledger.owned(), self.shows)
        self.ledger = LedgerAgent(
            self.app, settings, definitions, rules, clock_rules, watchers, topic, self._ledger_delivered,
            tells_links=self.links is not None,
        )
        self.stages: list[PartitionStage[Any, Any]] = [self.ledger]
        self.health: HealthAgent | None = None
        self.status: StatusAgent | None = None
        self.health_company: HealthCompany | None = None
        self.troubled: TroubledCustomers | None = None
        if HEALTH.topic in feeds:
            self._add_health(clock_rules, watchers, with_status=STATUS.topic in feeds)
        self.voice: VoiceAgent | None = None
        self.voice_company: VoiceCompany | None = None
        if VOICE.topic in feeds:
            voice = self.voice = VoiceAgent(self.app, settings, definitions, clock_rules, watchers, scorer)
            self.voice_company = VoiceCompany(
                settings, definitions, clock_rules, voice.owned, self._ends.of(voice.topic)
            )
            if self.health_company is not None:
                self.voice_company.complaints = self.health_company.health.complaints = Complaints()
            self.stages.append(voice)
        self.answers: SurveyAnswers | None = None
        self.surges: SurgeAgent | None = None
        self.surge_board: SurgeBoard | None = None
        self.survey_leads: SurveyLeads | None = None
        self.disrupted_before: DisruptedBefore | None = None
        self.names = ShownNames(settings)
        self.owners_losses: OwnersLosses | None = None
        if SURGES.topic in feeds:
            if SURVEYS.topic in feeds:
                self.answers = SurveyAnswers(settings, definitions)
            self.surges = SurgeAgent(
                self.app, settings, definitions, clock_rules, watchers, self.company, self.voice_company,
                self.health_company, self.answers, {stage.feed: self._ends.of(stage.topic) for stage in self.stages},
            )
            self.surge_board = SurgeBoard(settings, self.latest_clock)
            self.survey_leads = SurveyLeads(self.surge_board, self.answers)
            if (health := self.health_company) is not None:
                self.disrupted_before = DisruptedBefore(
                    settings, self.surges.open_losses, lambda: self.company.clock, lambda: health.health.clock
                )
            if definitions.alerts.owners:
                self.owners_losses = OwnersLosses(
                    settings, definitions.alerts, self.surges.open_losses, lambda: self.company.clock
                )
            self.stages.append(self.surges)
        self.intakes = [
            IntakeAgent(self.app, settings, definitions, name, [self.telemetry], self.links) for name in own_topics
        ]
        for stage in self.stages:
            stage.shows = self.shows
        counted: dict[str, Callable[[], Mapping[int, int]]] = {self.ledger.topic: self.company.offsets}
        if self.health is not None and self.health_company is not None:
            counted[self.health.topic] = self.health_company.offsets
        if self.voice is not None and self.voice_company is not None:
            counted[self.voice.topic] = self.voice_company.offsets
        self.candidate = Candidate(
            settings, (definitions.name, definitions.version), self.editions, self.app.transport, counted, own_topics,
            self._speaks_for_its_edition,
        )
        feeds_counted: dict[str, CountedFeed] = {LEDGER.topic: self.company}
        if self.health_company is not None:
            feeds_counted[HEALTH.topic] = self.health_company
        if self.voice_company is not None:
            feeds_counted[VOICE.topic] = self.voice_company
        told = None if self.surge_board is None else self.surge_board.log
        self.silent_feeds = SilentFeeds(dict(definitions.alerts.heartbeats), feeds_counted, told)
        self.net_growth = NetGrowthWriter(self.app.transport, settings, self.company)
        self.telemetry.attach(self)
        self.board = BoardFeed(self)
        self.customer_lists = CustomerLists(self)
        add_pages(self, self.board, self.customer_lists)
        self._tasks()

    def _add_health(self, clock_rules: ClockRules, watchers: list[Watcher], *, with_status: bool) -> None:
        settings, definitions = self.settings, self.definitions
        company = self.health_company = HealthCompany(
            settings, definitions, clock_rules, lambda: set() if self.health is None else self.health.owned(),
            self._ends.of(settings.topic(HEALTH.topic)), with_status=with_status,
        )
        self.health = HealthAgent(
            self.app, settings, definitions, clock_rules, watchers, company.health, self.ledger.books.get,
            company.take_own,
        )
        self.stages.append(self.health)
        self.troubled = TroubledCustomers(settings)
        self.customer_health = CustomerHealthWriter(self.app.transport, settings, company)
        self.health_memory = HealthMemoryWriter(self.app.transport, settings, company, self._health_epoch)
        if with_status:
            self.status = StatusAgent(
                self.app, settings, definitions, clock_rules, watchers, company.take_own_status
            )
            self.stages.append(self.status)

    def _health_epoch(self) -> int | None:
        books = None if self.health is None else self.health.partitions.get(PLACE)
        return None if books is None else books.epoch

    async def _ledger_delivered(self, partition: int, flush: Flush) -> None:
        await self.company.take_own(partition, flush)
        if self.health is not None:
            self.health.ledger_changed(partition, flush.movements.customers, flush.linked)

    def _faust_app(self, options: TransportOptions | None) -> faust.App:
        settings = self.settings
        return create_app(
            settings.group("netgrowth"), faust_brokers(settings), options=options,
            broker_credentials=faust_credentials(settings),
            broker_commit_interval=settings.commit_interval_s,
            broker_session_timeout=settings.session_timeout_s,
            broker_heartbeat_interval=settings.heartbeat_interval_s,
            producer_request_timeout=0.8 * settings.session_timeout_s,
            producer_max_request_size=8 << 20,
            topic_partitions=settings.partitions,
            topic_replication_factor=settings.replication_factor,
            web_bind=settings.web_bind, web_port=settings.web_port, web_host=settings.web_bind,
            web_in_thread=False,
        )  # fmt: skip

    def _tasks(self) -> None:
        works = (
            self.editions.read, self.candidate.take_over, self.company.parts.read, self._keep_time,
            self._keep_writing, self.board.run, self.customer_lists.run,
        )
        for work in works:
            self.app.task()(self._guarded(work))
        if self.troubled is not None:
            self.app.task()(self._guarded(self.troubled.read))
        if self.links is not None:
            self.app.task()(self._guarded(self.links.read))
        if self.health_company is not None:
            for work in (self.health_company.read, self._keep_health, self._keep_health_written):
                self.app.task()(self._guarded(work))
        if self.voice_company is not None:
            for work in (self.voice_company.read, self._keep_voice):
                self.app.task()(self._guarded(work))
        if self.surges is not None and self.surge_board is not None:
            for work in (self.surge_board.read, self._keep_surges):
                self.app.task()(self._guarded(work))
        if self.answers is not None:
            self.app.task()(self._guarded(self.answers.read))
        if self.disrupted_before is not None:
            for work in (self.disrupted_before.read, self._keep_disrupted_before):
                self.app.task()(self._guarded(work))
        if self.owners_losses is not None:
            self.app.task()(self._guarded(self._keep_owners_losses))
        readers: list[PartitionStage[Any, Any] | IntakeAgent] = [*self.stages, *self.intakes]
        for stage in readers:
            self.app.task()(self._guarded(partial(self._keep_flushing, stage), f"flushing of {stage.feed}"))

    def shows(self) -> bool:
        """Whether what this worker counts is what the company is shown."""
        return self._measurement is not None or self.editions.shows

    def _speaks_for_its_edition(self) -> bool:
        return self.company.complete and 0 in self.ledger.held() and not self.app.should_stop

    def _guarded(self, work: Any, name: str | None = None) -> Any:
        called = name or work.__qualname__

        async def run() -> None:
            try:
                await work()
            except asyncio.CancelledError:
                raise
            except Exception as error:
                if not self.app.transport.is_ending:
                    logger.exception("%s failed", called)
                self.app.transport.fail(error)

        run.__name__ = run.__qualname__ = called
        return run

    async def _keep_flushing(self, stage: PartitionStage[Any, Any] | IntakeAgent) -> None:
        flush = self._unless_stopping(stage.flush)
        while not self._is_stopping():
            await flush()
            await stage.wait_for_flush(self.settings.flush_interval_s)

    async def _keep_time(self) -> None:
        ends = self._ends.of(self.ledger.topic)

        async def tick() -> None:
            now = wall_clock_us()
            unread = await self.company.unread(now, ends)
            await self.ledger.advance(self.company.advance(now, unread))
            if self._measurement is not None:
                await self._measurement.watch(self)

        try:
            await every(TICK_S, tick, until=self._is_stopping)
        finally:
            await self._ends.close()

    async def _keep_health(self) -> None:
        health, company = self.health, self.health_company
        assert health is not None
        assert company is not None

        async def tick() -> None:
            if self.status is not None:
                self.status.note_ends()
            await health.advance(await company.advance(wall_clock_us()), complete=company.complete)
            await company.look()

        await every(TICK_S, tick, until=self._is_stopping, share=HEALTH_SHARE, spent=thread_time)

    async def _keep_health_written(self) -> None:
        async def write() -> None:
            self.health_memory.write()
            await self.customer_health.write(lambda: bool(self.app.should_stop))

        await every(
            NET_GROWTH_S, self._unless_stopping(write), until=self._is_stopping, share=NET_GROWTH_SHARE
        )

    async def _keep_voice(self) -> None:
        voice, merged = self.voice, self.voice_company
        assert voice is not None
        assert merged is not None

        async def tick() -> None:
            voice.note_ends()
            await merged.advance(wall_clock_us())
            if self.surges is None:
                merged.counts.late.clear()

        await every(TICK_S, tick, until=self._is_stopping, share=VOICE_SHARE)

    async def _keep_surges(self) -> None:
        surges = self.surges
        assert surges is not None
        await every(SURGES_S, surges.advance, until=self._is_stopping, share=SURGES_SHARE, spent=thread_time)

    async def _keep_disrupted_before(self) -> None:
        before = self.disrupted_before
        assert before is not None
        await every(SURGES_S, before.look, until=self._is_stopping, share=BEFORE_SHARE)

    async def _keep_owners_losses(self) -> None:
        losses = self.owners_losses
        assert losses is not None
        try:
            await every(SURGES_S, losses.look, until=self._is_stopping, share=BEFORE_SHARE)
        finally:
            await losses.close()

    def latest_clock(self) -> int | None:
        """The clock of the tables, or that of the mentions where it is later."""
        clocks = [self.company.clock, None if self.voice_company is None else self.voice_company.clock]
        return max((clock for clock in clocks if clock is not None), default=None)

    async def _keep_writing(self) -> None:
        async def write() -> None:
            if self.editions.has_replaced_another:
                await self.net_growth.clear_replaced()
            await self.net_growth.write(lambda: bool(self.app.should_stop))

        await every(
            NET_GROWTH_S, self._unless_stopping(write), until=self._is_stopping, share=NET_GROWTH_SHARE
        )

    def _is_stopping(self) -> bool:
        return bool(self.app.should_stop)

    def _unless_stopping(self, work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """What is sent after the last flush of an end in order finds no producer, and the end would be a failure."""
        async def run() -> None:
            if not self.app.should_stop:
                await work()

        return run
