"""Answers to surveys, read by every worker in full, so that whoever runs the detectors can judge them.

Answers are few. They are compared with what the other feeds tell, nobody waits for them, and no state but the
detectors' rests on them: so they need no stage of their own.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from agents.feeds import SURVEYS
from agents.topic_following import follow
from agents.wall_clock import wall_clock_us
from config.settings import Settings
from streams.facts.definitions.model import Definitions
from streams.facts.models import DeadLetter, RawRecord
from streams.intake.surveys import AnswerAdmission
from streams.ledger.rules import HOUR
from streams.surges.own_series import OwnCounting
from streams.surges.tables_counts import AnswerCounts

TOPIC: Final = "survey-responses"
POLL_MS: Final = 200
RECORDS_AT_ONCE: Final = 500
MOST_LETTERS: Final = 10_000
"""Newest dead letters that a worker holds which does not run the detectors, in case it is to."""


class SurveyAnswers:
    """Reads the topic until it is cancelled.

    Attributes:
        counts: answers by minute.
        complete: all that lay in the topic when reading began has been read.
        outcomes: what became of the records of the topic, since its beginning; they sum to all of them.
        dead_letters: of what was read; whoever runs the detectors writes those that nobody wrote before.
    """

    def __init__(self, settings: Settings, definitions: Definitions) -> None:
        self.counts = AnswerCounts(OwnCounting(definitions.series))
        self.complete = False
        self.outcomes = dict.fromkeys(SURVEYS.outcomes, 0)
        self.dead_letters: deque[DeadLetter] = deque(maxlen=MOST_LETTERS)
        self._settings = settings
        self._admission = AnswerAdmission(definitions, now_us=wall_clock_us, max_bytes=settings.max_record_bytes)
        self._forgot_at = 0

    async def read(self) -> None:
        """Read until cancelled.

        Raises: aiokafka's errors; the process is to end then.
        """
        async def take(records: Sequence[Any]) -> None:
            self.take(
                [
                    RawRecord(
                        record.value, record.key, record.topic, record.partition, record.offset, record.timestamp,
                        tuple(record.headers),
                    )
                    for record in records
                ]
            )

        def complete() -> None:
            self.complete = True

        await follow(
            self._settings, {self._settings.topic(TOPIC): self._settings.partitions}, take, complete, poll_ms=POLL_MS,
            records_at_once=RECORDS_AT_ONCE,
        )

    def take(self, records: Sequence[RawRecord]) -> None:
        """The next records."""
        batch = self._admission.admit(records)
        taken = self.counts.take(batch.answers)
        self.outcomes["answers"] += taken
        self.outcomes["duplicate"] += len(batch.answers) - taken
        self.outcomes["no_answer"] += sum(batch.no_answer.values())
        self.outcomes["unmapped"] += batch.unmapped
        self.outcomes["dead_lettered"] += len(batch.dead_letters)
        if not self.complete:
            self.counts.late.clear()  # Nothing is judged before all of it is there.
        self.dead_letters += batch.dead_letters
        newest = 0 if self.counts.span is None else self.counts.span[1]
        if newest - self._forgot_at >= HOUR:
            self._forgot_at = newest
            self.counts.forget(newest)
