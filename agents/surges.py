"""The surge agent: whoever owns the one partition of `actions` runs the detectors of the whole company.

One worker runs them all, as surges of one trouble make one story, and the budget of false alarms is one for all. What
it counts are the merged tables, which every worker has; what it knows is in its changelog.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from time import monotonic
from typing import Final

import faust

from agents.company import Company
from agents.dead_letters import encode_dead_letter
from agents.health_company import HealthCompany
from agents.input_ends import Ends
from agents.partition_stage import PartitionStage
from agents.partition_state import Output, Watcher
from agents.surge_clocks import SurgeClocks, watch_feed
from agents.survey_answers import SurveyAnswers
from agents.voice_company import VoiceCompany
from agents.wall_clock import wall_clock_us
from config.settings import Settings
from streams.facts.definitions.model import Definitions
from streams.ledger.changelog import ChangelogReader
from streams.ledger.rules import DAY, HOUR, MINUTE
from streams.surges.budget import SurgeRules
from streams.surges.counting import Count
from streams.surges.durable import DurableSurges
from streams.surges.flushed import SurgeFlush
from streams.surges.own_series import OwnCounting, losses
from streams.surges.series import HAPPY_MENTIONS, LOST_CUSTOMERS, LOST_VALUE, UNHAPPY_MENTIONS
from streams.surges.surge import Surge
from streams.surges.tables_counts import disrupted, ledger_counts
from streams.tables.watermark import ClockRules
from streams.voice.mentions import HAPPY, UNHAPPY

logger = logging.getLogger(__name__)

BACK_US: Final = 60 * DAY
"""How far back of the clock a bank that knows nothing begins."""

EVIDENCE_BACK_US: Final = 3 * DAY
"""How far back a new owner fills in what counts consist of."""

MOODS: Final = {UNHAPPY_MENTIONS: UNHAPPY, HAPPY_MENTIONS: HAPPY}
EXAMPLES, EXAMPLES_FOR_US = 3, HOUR
"""Mentions shown with a surge, said until so long after it was detected."""

PIECE_S: Final = 0.005
"""How long minutes are judged before others get their turn."""

STINT_S: Final = 1.0
"""How long minutes of a long history are judged before it rests, for what others count of it meanwhile."""


async def _in_turns(pieces: Iterator[None]) -> None:
    """Do work in pieces, and give others their turn between them."""
    turn = monotonic()
    for _ in pieces:
        if monotonic() - turn > PIECE_S:
            await asyncio.sleep(0)
            turn = monotonic()


class SurgeAgent(PartitionStage[DurableSurges, SurgeFlush]):
    """The bank of surges, if this worker owns it now."""

    feed = "actions"
    changelog = "surge-changelog"
    one_partition = True

    def __init__(
        self, app: faust.App, settings: Settings, definitions: Definitions, clock_rules: ClockRules,
        watchers: Sequence[Watcher], company: Company, voice: VoiceCompany | None, health: HealthCompany | None,
        answers: SurveyAnswers | None = None, ends: Mapping[str, Ends] | None = None,
    ) -> None:
        """Make an agent that owns nothing yet; `company`, `voice`, `health` and `answers` are what it counts.

        `ends`: by input topic, without prefix, where its partitions end.
        """
        self._definitions = definitions
        self._clock_rules = clock_rules
        self._company = company
        self._voice = voice
        self._health = health
        self._answers = answers
        own = self._own = OwnCounting(definitions.series)
        self._losses = losses(own)
        self._clocks = SurgeClocks(own, answers, ends)
        self._filled: DurableSurges | None = None
        self._judging = asyncio.Lock()
        super().__init__(
            app, settings, (definitions.name, definitions.version), watchers, on_delivered=self._tell_soon
        )

    @property
    def state(self) -> DurableSurges | None:
        """The bank, if it is here and recovered."""
        return self.partitions.get(0)

    def new_state(self, partition: int) -> DurableSurges:
        """An empty bank."""
        rules = SurgeRules(zone=self._definitions.time_zone)
        examples = self._examples if self._definitions.voice.examples and self._voice is not None else None
        own = {one.name: one.counts for one in self._definitions.series}
        promises = dict(self._definitions.alerts.heartbeats)
        return DurableSurges(partition, self._named, rules, self._clock_rules, examples, own, promises)

    def open_losses(self) -> list[Surge]:
        """Open surges of losses; none where another worker runs the detectors."""
        state = self.state if 0 in self.owned() else None
        if state is None:
            return []
        return [surge for surge in state.bank.open_surges() if surge.series.measure in (LOST_CUSTOMERS, LOST_VALUE)]

    def _examples(self, surge: Surge) -> list[str]:
        """How some of the mentions begin that a surge consists of, each of another author."""
        mood = MOODS.get(surge.series.measure)
        if self._voice is None or mood is None or surge.direction != "up":
            return []
        labels = dict(surge.series.labels)
        found: dict[int, str] = {}
        for post in self._voice.tables.posts(surge.onset, surge.detected + EXAMPLES_FOR_US):
            is_of_it = post.brand == labels.get("brand") and labels.get("topic") in (None, *post.topics)
            if post.example and post.mood == mood and is_of_it and post.example not in found.values():
                found.setdefault(post.author, post.example)
            if len(found) == EXAMPLES:
                break
        return list(found.values())

    def recovered(self, state: DurableSurges) -> None:
        """Tell up to where surges were looked for, and whether the detectors must learn again."""
        super().recovered(state)
        if state.begins_anew:
            logger.warning(
                "What the detectors of another version have learnt cannot be read: they begin anew, and tell nothing "
                "while they warm up; surges that were open are not closed"
            )

    def output(self, state: DurableSurges, flush: SurgeFlush) -> Output:
        """Events and dead letters, once."""
        letters = [encode_dead_letter(letter) for letter in flush.dead_letters]
        once = [("dead-letters", letters), ("surges", flush.events), ("surge-watch", flush.watching)]
        return Output(flush.changelog, once=once)

    async def _tell_soon(self, partition: int, flush: SurgeFlush) -> None:
        state = self.state
        if state is not None and state.has_untold:
            self._flush_wanted.set()

    async def advance(self) -> None:
        """Judge the minutes that are over, and what is there of the running one."""
        state = self.state
        late = self._late()
        sources = (self._company, self._voice, self._health, self._answers)
        if state is None or not all(source is None or source.complete for source in sources):
            return
        if self._filled is not state:
            # What counts consist of is not saved: it is in the tables, and what came late is in them, too.
            await self._fill(state)
        else:
            self._correct(state, late)
        if self._answers is not None:
            state.refuse(self._answers.dead_letters)
            self._answers.dead_letters.clear()
        await self._judge(state)

    async def _judge(self, state: DurableSurges) -> None:
        now = wall_clock_us()
        self._note_clocks(state, now)
        minute = state.bank.clock
        if minute is None:
            await self._clocks.expect(range(self._settings.partitions), now)
        until = self._clocks.until(now)
        if until is None:
            return
        if minute is None:
            start = self._clocks.first()
            if start is None:
                return
            first = max(start, until - BACK_US)
            minute = first - first % MINUTE
        turn = begun = monotonic()
        while minute + MINUTE <= until:
            if self._loses_silently_from(minute):
                state.forget(self._losses)
            async with self._judging:
                # What came for this minute is in what is counted of it: it is late no more.
                self._correct(state, self._late())
                unknown = self._clocks.unknown(minute, state.watch)
                await _in_turns(state.observing(minute, self._counts(minute), unknown))
            minute += MINUTE
            if monotonic() - turn > PIECE_S:
                await asyncio.sleep(0)
                turn = monotonic()
            if self.state is not state or turn - begun > STINT_S:
                return
        async with self._judging:
            await _in_turns(state.looking_around())
            if state.bank.clock == minute:
                await _in_turns(state.looking(minute, self._counts(minute)))

    async def flush(self) -> None:
        """Write what changed, with whole minutes only."""
        async with self._judging:
            await super().flush()

    def restoring(self, state: DurableSurges, reader: ChangelogReader, epoch: int) -> Iterator[None]:
        """Some series at a time."""
        return state.restoring(reader, epoch)

    def ahead(self, state: DurableSurges) -> Iterator[None]:
        """Series that changed, some at a time."""
        return state.pack_ahead()

    async def _fill(self, state: DurableSurges) -> None:
        clock = state.bank.clock
        if clock is not None:
            minutes = range(clock - EVIDENCE_BACK_US, clock, MINUTE)
            await _in_turns(piece for one in minutes for piece in state.filling_in(one, self._counts(one)))
        self._filled = state

    def _correct(self, state: DurableSurges, late: Iterable[Count]) -> None:
        clock = state.bank.clock
        if clock is not None:
            for count in late:
                if count.minute < clock:
                    state.correct(count)

    def _late(self) -> list[Count]:
        late = list[Count]()
        for source in (self._voice, self._answers):
            if source is not None:
                late += source.counts.late
                source.counts.late.clear()
        return late

    def _note_clocks(self, state: DurableSurges, now: int) -> None:
        company, voice, clocks = self._company, self._voice, self._clocks
        clocks.ledger.move(company.clock, company.tables.first_at, now)
        watch_feed(state.watch, clocks.ledger.topic, company, now)
        if voice is not None:
            clocks.voice.move(voice.clock, voice.counts.first, now)
            watch_feed(state.watch, clocks.voice.topic, voice, now)
        if self._health is not None and self._health.health.passed:
            health = self._health.health
            first = min(health.disrupted, default=health.passed)
            clocks.health.move(health.passed * MINUTE, first * MINUTE, now)
            watch_feed(state.watch, clocks.health.topic, self._health, now)

    def _counts(self, minute: int) -> Iterator[Count]:
        """What is counted in a minute now; what comes later is late."""
        found: list[Iterable[Count]] = [ledger_counts(self._company.tables, minute, self._own)]
        if self._voice is not None:
            found.append(self._voice.counts.minute(minute))
        if self._health is not None:
            found.append(disrupted(self._health.health, minute, self._own))
        if self._answers is not None:
            found.append(self._answers.counts.minute(minute))
        return chain.from_iterable(found)

    def _loses_silently_from(self, minute: int) -> bool:
        """Whether from this minute on a customer can have lapsed: till then series of losses counted others."""
        lapse, first = self._definitions.lapse, self._company.tables.first_at
        return lapse is not None and first is not None and minute < first + lapse.after_us <= minute + MINUTE
