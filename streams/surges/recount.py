"""Surges over files, without Kafka: the bank of the live monitor, minute by minute of event time.

All files are counted first, so that late facts and mentions that turn out to be a swarm's stand where they belong;
then the bank is given one minute after the other, as the clock of the live monitor would.
"""

from collections.abc import Callable, Sequence
from typing import Any

from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.health.parts import BlockPart
from streams.health.recount import HealthRecount
from streams.intake.surveys import AdmittedAnswers, AnswerAdmission
from streams.ledger.movements import Change
from streams.ledger.rules import DAY, MINUTE
from streams.recount import Recount
from streams.sentiment.scorer import Scorer
from streams.surges.bank import SurgeBank
from streams.surges.board import SurgeLog
from streams.surges.budget import SurgeRules
from streams.surges.contributions import Contributions
from streams.surges.counting import Count, of_answer, of_health, of_mention, of_movement
from streams.surges.event_records import event_record
from streams.surges.lead import leads
from streams.surges.own_series import OwnCounting, losses, measures_of
from streams.surges.series import HEALTH, LEDGER, SURVEYS, VOICE, Series
from streams.surges.surge import Surge, SurgeEvent
from streams.surges.survey_mean import SurveyMean
from streams.surges.watching import Watching
from streams.tables.calendar import utc_text
from streams.voice.merged import Change as VoiceChange
from streams.voice.recount import VoiceRecount

FAMILY_OF = {"facts": LEDGER, "signals": HEALTH, "mentions": VOICE, "surveys": SURVEYS}
"""The measures that are counted from a feed."""


class SurgeRecount:
    """Files of records in, surges out.

    Attributes:
        ledger, health, voice: what the files of facts, signals and statuses, and mentions are given to.
        events: all that happened to surges, in order; filled by `finish`.
        bank: as it is at the end.
    """

    def __init__(
        self, definitions: Definitions, *, with_facts: bool, rules: SurgeRules | None = None,
        now_us: Callable[[], int] | None = None, scorer: Scorer | None = None, until: int | None = None,
    ) -> None:  # fmt: skip
        """`with_facts`: facts will be added, before the signals; `now_us`, `scorer`: see `Recount`, `VoiceRecount`.

        `until`: where the clock of the detectors ends, microseconds; None: with the last record.

        Raises: ValueError as SurgeBank does.
        """
        self.definitions = definitions
        self.health = HealthRecount(definitions, with_facts=with_facts, now_us=now_us, on_part=self._take_part)
        self.ledger = Recount(definitions, on_change=self._take_change, now_us=now_us, until=until)
        self.voice = VoiceRecount(definitions, now_us=now_us, scorer=scorer, on_change=self._take_mention)
        self.events: list[SurgeEvent] = []
        self._until = until
        self._own = OwnCounting(definitions.series)
        self._measures = {feed: measures_of(family, self._own) for feed, family in FAMILY_OF.items()}
        self._answers = AnswerAdmission(definitions, now_us=now_us)
        self._answered: set[str] = set()
        self._mean = SurveyMean()
        self._counts: dict[int, list[Count]] = {}
        self._spans: dict[str, list[int]] = {}
        self._contributions = Contributions()
        self.bank = SurgeBank(rules or SurgeRules(zone=definitions.time_zone), evidence=self._contributions)

    def add_facts(self, records: Sequence[RawRecord]) -> Any:
        """Count the next records of customer-events; what is returned has their dead letters."""
        batch = self.ledger.add(records)
        for fact in batch.facts:
            self._see("facts", fact.at)
        return batch

    def add_signals(self, records: Sequence[RawRecord]) -> Any:
        """Count the next records of qos-signals; facts and statuses come before."""
        batch = self.health.add(records)
        for signal in batch.signals:
            self._see("signals", signal.at)
        return batch

    def add_statuses(self, records: Sequence[RawRecord]) -> Any:
        """Take in the next records of service-status."""
        return self.health.add_statuses(records)

    def add_mentions(self, records: Sequence[RawRecord]) -> Any:
        """Count the next records of social-mentions."""
        batch = self.voice.add(records)
        for digest in batch.digests:
            self._see("mentions", digest.at)
        return batch

    def add_answers(self, records: Sequence[RawRecord]) -> AdmittedAnswers:
        """Count the next records of survey-responses."""
        batch = self._answers.admit(records)
        for answer in batch.answers:
            if answer.response_id not in self._answered:
                self._answered.add(answer.response_id)
                self._mean.add(answer.at, answer.share)
                self._see("surveys", answer.at)
                self._take(of_answer(answer.at, answer.share, answer.stage, self._own))
        return batch

    def end_of_facts(self) -> None:
        """Let fall due what is due by the last fact."""
        self.ledger.finish()
        if self.ledger.has_links:
            self.health.customer_of = self.ledger.customer_of

    def finish(self) -> dict[str, Any]:
        """Judge every minute; the JSON of `netgrowth surges`."""
        if "signals" in self._spans:
            self.health.finish()
        if "mentions" in self._spans:
            self.voice.finish()
        surges = [surge.shown() for surge in self._judge()]
        definitions, clock = self.definitions, self.bank.clock
        return {
            "definitions": {"name": definitions.name, "version": definitions.version},
            "until": utc_text(clock) if clock is not None else None,
            "series": sum(1 for _ in self.bank.series()),
            "surges": surges,
            "leads": [] if clock is None else leads(surges, self._mean, clock),
        }

    def _log(self) -> SurgeLog:
        found = SurgeLog()
        for number, event in enumerate(self.events, 1):
            found.take_event(event_record(event, number, {})[1])
        watching = Watching()
        for _ in watching.looking(self.bank):
            pass
        found.take_watching(watching.record(self.bank.clock or 0, {}, {})[1])
        return found

    def now(self) -> dict[str, Any] | None:
        """Judge every minute; the JSON of `/api/v1/surges` at the end; None: there was nothing to judge."""
        self.finish()
        clock = self.bank.clock
        if clock is None:
            return None
        log = self._log()
        return log.now(clock, log.leads(self._mean, clock))

    def _judge(self) -> list[Surge]:
        if not self._spans:
            return []
        first = min(start for start, _ in self._spans.values())
        last = max(end for _, end in self._spans.values())
        if self._until is not None:
            last = min(last, self._until - MINUTE)
        lapse = self.definitions.lapse
        begins = self._spans["facts"][0] + lapse.after_us if lapse is not None and "facts" in self._spans else None
        latest: dict[str, Surge] = {}
        for minute in range(first - first % MINUTE, last + 1, MINUTE):
            if begins is not None and begins < minute + MINUTE:
                # From here on losses by silence are known: what the series counted before was something else.
                self._begin_losses()
                begins = None
            counts: dict[Series, float] = {}
            for count in self._counts.get(minute, ()):
                for key in count.keys:
                    counts[key] = counts.get(key, 0.0) + count.amount
                self._contributions.add(count)
            known = {key: max(0.0, amount) for key, amount in counts.items()}
            for event in self.bank.observe(minute, known, self._unknown(minute)):
                self.events.append(event)
                latest[event.surge.surge_id] = event.surge
            if minute % DAY == 0:
                self._contributions.forget(minute)
        for surge in self.bank.open_surges():
            latest[surge.surge_id] = surge
        return sorted(latest.values(), key=lambda surge: (surge.detected, surge.onset, surge.series))

    def _begin_losses(self) -> None:
        losing = losses(self._own)
        for key in [key for key in self.bank.series() if key.measure in losing]:
            self.bank.forget(key)

    def _unknown(self, minute: int) -> list[str]:
        """Measures whose feed had not begun, or had ended."""
        return [
            measure
            for feed, (start, end) in self._spans.items()
            if not start - MINUTE < minute <= end
            for measure in self._measures[feed]
        ]

    def _see(self, feed: str, at: int) -> None:
        span = self._spans.setdefault(feed, [at, at])
        span[0], span[1] = min(span[0], at), max(span[1], at)

    def _take(self, counts: Any) -> None:
        for count in counts:
            self._counts.setdefault(count.minute, []).append(count)

    def _take_change(self, change: Change) -> None:
        if self.health.histories is not None:
            self.health.on_change(change)
        self._take(of_movement(change.movement, change.sign, self._own))

    def _take_part(self, part: BlockPart) -> None:
        self._take(of_health(part, self._own))

    def _take_mention(self, change: VoiceChange) -> None:
        self._take(of_mention(change, self._own))
